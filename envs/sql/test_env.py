"""Schemas, databases and queries: each question can be told from its neighbours."""

from __future__ import annotations

import random
import re
import sqlite3

import pytest

from rlstack.api import Response
from rlstack.envs.sql import env
from rlstack.envs.sql.tables import filled, schemas, telling, unfiltered
from rlstack.plugins import load_reward

judge = load_reward("sql").score
MAKERS = [maker for level in env.LEVELS for maker in level]


def tasks(maker, n: int = 12):
    """Tasks that pass the generator's own sieve."""
    found = (maker(random.Random(f"{maker.__name__}{i}")) for i in range(20 * n))
    return [task for task in found if telling(task.gold, task.databases)][:n]


def paid(text: str, task) -> float:
    verdict = judge(Response(text), {"gold": task.gold, "databases": list(task.databases), "dialect": "sqlite"})
    assert verdict.status == "ok", verdict.detail
    return verdict.value


def test_at_least_thirty_schemas_that_sqlite_takes():
    assert len({schema.child for schema in schemas()}) >= 30
    for schema in schemas():
        connection = sqlite3.connect(":memory:")
        connection.executescript(filled(schema, random.Random(1)))
        for table, columns in re.findall(r"(\w+)\(([^)]*)\)", schema.text):
            shown = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            assert shown == columns.split(", "), "the question shows the table as it is"
        orphans = f"SELECT COUNT(*) FROM {schema.child} WHERE {schema.key} NOT IN (SELECT id FROM {schema.parent})"
        assert connection.execute(orphans).fetchone() == (0,)
        connection.close()


@pytest.mark.parametrize("maker", MAKERS)
def test_gold_pays_and_lesser_queries_do_not(maker):
    found = tasks(maker)
    assert len(found) == 12, "the sieve lets too few through"
    for task in found:
        assert paid(task.gold, task) == 1.0
        assert paid(f"You can use {task.gold}", task) == 0.0
        assert paid(task.question, task) == 0.0
        if (bare := unfiltered(task.gold)) != task.gold:
            assert paid(bare, task) == 0.0, (bare, task.gold)


def test_level_0_bounds_are_strict():
    for task in tasks(MAKERS[0], 20):
        for sign, other in (("> ", ">= "), ("< ", "<= ")):
            if sign in task.gold:
                assert paid(task.gold.replace(sign, other), task) == 0.0
        assert paid(task.gold.replace(" > ", " ? ").replace(" < ", " > ").replace(" ? ", " < "), task) == 0.0


def test_a_constant_copied_from_one_database_pays_nothing():
    for task in tasks(MAKERS[1], 12):
        connection = sqlite3.connect(":memory:")
        connection.executescript(task.databases[0])
        (value,) = connection.execute(task.gold).fetchone()
        connection.close()
        assert paid(f"SELECT {value!r}", task) == 0.0


def test_every_maker_is_reached():
    assert env.ENV.generate is not None
    for level, makers in enumerate(env.LEVELS):
        shapes = {
            re.sub(r"\d+|'[^']*'", "#", env.ENV.generate(random.Random(i), level).gold).split(" FROM ")[0].split()[-1]
            for i in range(40)
        }
        assert len(shapes) >= min(2, len(makers))
