"""Tool calls in one turn: the right tools with the right arguments, and words where no tool fits."""

from __future__ import annotations

import json
import random

from rlstack.api import Env, Row
from rlstack.envs.tools import loaded, tasks
from rlstack.envs.tools.describe import name_of, system_text, written
from rlstack.envs.tools.loaded import DECLINE

LEVELS = (tasks.one_argument, tasks.one_of_three, tasks.parallel, tasks.nested)


def generate(rng: random.Random, level: int) -> Row:
    question, tools, calls = LEVELS[level](rng)
    data = {"tools": tools, "expected": [tasks.wanted(one) for one in calls], "decline": [DECLINE]}
    gold = written(calls) if calls else DECLINE
    if level == 0:  # short enough for the tiny model: signatures instead of schemas
        offered = ", ".join(f"{name_of(tool)}(x)" for tool in tools)
        return Row.ask(f'Tools: {offered}. Else: "{DECLINE}" {question}', data, gold)
    return Row.ask(question, data, gold, system=system_text(tools, DECLINE))


def draft(row: Row, rng: random.Random) -> str:
    """The gold, a call without its tags, of the other tool, or with another argument; words where a tool fits."""
    calls = row.data["expected"]
    names = [name_of(tool) for tool in row.data["tools"]]
    if not calls:
        style = rng.choices(("gold", "forced", "unsure"), (0.3, 0.55, 0.15))[0]
        if style == "forced":
            city = row.messages[-1]["content"].rstrip("?.").split()[-1]
            return written([tasks.call(rng.choice(names), x=city)])
        return row.gold if style == "gold" else "I am not sure."
    style = rng.choices(("gold", "untagged", "other", "declined"), (0.45, 0.25, 0.15, 0.15))[0]
    match style:
        case "untagged":
            return json.dumps(calls[0], separators=(",", ":"))
        case "other":
            other = next(name for name in names if name != calls[0]["name"])
            return written([{**calls[0], "name": other}])
        case "declined":
            return DECLINE
        case _:
            return row.gold


ENV = Env(
    name="tools",
    rewards={"tool_call": 1.0},
    generate=generate,
    levels=len(LEVELS),
    draft=draft,
    record=loaded.row,
    facts={
        "source": "generated",
        "licence": "Apache-2.0",
        "about": "tool calls in one turn, parallel, nested, or none",
    },
)
