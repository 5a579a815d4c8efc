"""Facts in prose to strict JSON: no fence, no chatter, right types, every key."""

from __future__ import annotations

import json
import random
from typing import Any

from rlstack.api import Env, Row
from rlstack.envs.structured import loaded, records

LEVELS = (records.pair, records.profile, records.nested, records.by_schema)


def generate(rng: random.Random, level: int) -> Row:
    question, schema, value = LEVELS[level](rng)
    return Row.ask(question, {"schema": schema, "expected": value, "fence": "forbid"}, compact(value))


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def draft(row: Row, rng: random.Random) -> str:
    """The gold, numbers as text, a fence around it, a sentence before it, or a key left out.

    People's data come out well more often than that of things and places.
    """
    value = row.data["expected"]
    well = "name" in value
    style = rng.choices(
        ("gold", "quoted", "fenced", "prose", "short"),
        (0.55, 0.1, 0.15, 0.1, 0.1) if well else (0.3, 0.45, 0.1, 0.1, 0.05),
    )
    match style[0]:
        case "quoted":
            return compact(_quoted(value))
        case "fenced":
            return f"```json\n{row.gold}\n```"
        case "prose":
            return f"Here it is: {row.gold}"
        case "short" if len(value) > 1:
            return compact(dict(list(value.items())[:-1]))
        case _:
            return row.gold


def _quoted(value: Any) -> Any:
    """The same value with every number as text."""
    if isinstance(value, dict):
        return {key: _quoted(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_quoted(member) for member in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


ENV = Env(
    name="structured",
    rewards={"json_schema": 1.0},
    generate=generate,
    levels=len(LEVELS),
    draft=draft,
    record=loaded.row,
    facts={"source": "generated", "licence": "Apache-2.0", "about": "facts in prose to JSON under a schema"},
)
