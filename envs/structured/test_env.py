"""Values fit their schemas, and each habit of the drafts is told apart."""

from __future__ import annotations

import json
import random
import re
from datetime import datetime

import pytest

from rlstack.api import Response, Row
from rlstack.envs.structured.env import ENV, compact
from rlstack.plugins import load_reward

judge = load_reward("json_schema").score


def rows(level: int, n: int = 40) -> list[Row]:
    assert ENV.generate is not None
    return [ENV.generate(random.Random(f"{level}/{i}"), level) for i in range(n)]


@pytest.mark.parametrize("level", range(ENV.levels))
def test_habits_pay_nothing(level):
    for row in rows(level):
        value = row.data["expected"]
        first, *rest = value.items()
        habits = [
            f"```json\n{row.gold}\n```",
            f"Here it is: {row.gold}",
            f"{row.gold} I hope this helps.",
            compact(dict(rest)),
            compact({**value, "note": "x"}),
            compact([value]),
            re.sub(r":(\d+)", r':"\1"', row.gold),
            row.gold.replace("}", ",}", 1),
            row.gold.replace('"', "'"),
            compact({first[0]: first[1]}) if rest else "{}",
        ]
        for text in habits:
            assert judge(Response(text), row.data).value == 0.0, text


@pytest.mark.parametrize("level", range(ENV.levels))
def test_layout_and_order_of_members_are_free(level):
    for row in rows(level):
        value = row.data["expected"]
        for text in (json.dumps(value, indent=2), compact(dict(reversed(value.items()))), f"\n{row.gold}\n"):
            assert judge(Response(text), row.data).value == 1.0, text


@pytest.mark.parametrize("level", [0, 1])
def test_every_value_stands_in_the_question(level):
    for row in rows(level):
        question = row.messages[0]["content"]
        for value in row.data["expected"].values():
            for one in value if isinstance(value, list) else [value]:
                assert isinstance(one, bool) or str(one) in question


def test_level_3_agrees_with_its_notes():
    for row in rows(3):
        question, value = row.messages[0]["content"], row.data["expected"]
        told = re.findall(r"on (\d+ \w+ \d{4}) (\w+) went (\d+) km by (\w+)", question)
        trips = sorted(
            (datetime.strptime(day, "%d %B %Y").strftime("%Y-%m-%d"), who, int(km), by) for day, who, km, by in told
        )
        assert [(t["date"], t["traveller"], t["metres"] // 1000, t["mode"]) for t in value["trips"]] == trips
        assert sum(value["metres_by_mode"].values()) == 1000 * sum(km for _, _, km, _ in trips)
