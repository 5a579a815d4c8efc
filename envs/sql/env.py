"""Questions over small databases, answered with one SQLite query."""

from __future__ import annotations

import random
import re

from rlstack.api import Env, Row
from rlstack.envs.sql import joined, loaded, single
from rlstack.envs.sql.tables import Task, telling, unfiltered

LEVELS = (
    (single.one_condition,),
    (single.count_over, single.average_of_kind, single.top_three, single.two_conditions, single.kinds_with),
    (
        joined.children_per_parent,
        joined.of_parent_kind,
        joined.totals_per_kind,
        joined.best_per_parent,
        joined.with_none,
    ),
    (joined.above_own_mean, joined.parents_without, joined.first_of_kind, joined.rich_parents, joined.second_best),
)


def generate(rng: random.Random, level: int) -> Row:
    while True:
        task: Task = rng.choice(LEVELS[level])(rng)
        if telling(task.gold, task.databases):
            data = {"gold": task.gold, "databases": list(task.databases), "dialect": "sqlite"}
            return Row.ask(task.question, data, task.gold)


def draft(row: Row, rng: random.Random) -> str:
    """The query, the query without its conditions, with all columns, inside a sentence, or no answer.

    Lower bounds are kept more often than upper ones.
    """
    well = " under " not in row.messages[-1]["content"]
    style = rng.choices(
        ("gold", "unfiltered", "all columns", "told", "unsure"),
        (0.5, 0.2, 0.1, 0.1, 0.1) if well else (0.3, 0.45, 0.1, 0.1, 0.05),
    )
    bare = unfiltered(row.gold)
    match style[0]:
        case "unfiltered" if bare != row.gold:
            return bare
        case "all columns" if row.gold.startswith("SELECT "):
            return re.sub(r"^SELECT .*? FROM", "SELECT * FROM", row.gold)
        case "told":
            return f"You can use {row.gold}"
        case "unsure":
            return "I am not sure."
        case _:
            return row.gold


ENV = Env(
    name="sql",
    rewards={"sql": 1.0},
    generate=generate,
    levels=len(LEVELS),
    draft=draft,
    record=loaded.row,
    facts={"source": "generated", "licence": "Apache-2.0", "about": "32 schemas, judged by execution on two databases"},
)
