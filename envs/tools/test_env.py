"""Gold calls satisfy their schemas, dates and lists agree with the request, and no-tool prompts want words."""

from __future__ import annotations

import json
import random
import re
from datetime import date

import pytest

from rlstack.api import Response
from rlstack.envs.tools import env, tasks
from rlstack.envs.tools.describe import name_of, system_text, written
from rlstack.plugins import load_reward

judge = load_reward("tool_call").score


@pytest.mark.parametrize("level", range(env.ENV.levels))
def test_a_quarter_of_the_prompts_wants_no_call(level):
    rows = [env.generate(random.Random(i), level) for i in range(400)]
    share = sum(not row.data["expected"] for row in rows) / len(rows)
    assert 0.18 < share < 0.32
    for row in rows:
        if row.data["expected"]:
            assert judge(Response(env.DECLINE), row.data).value == 0.0
        else:
            tool = row.data["tools"][0]
            assert judge(Response(written([tasks.call(name_of(tool))])), row.data).value == 0.0
            assert judge(Response("Let me think about it."), row.data).value == 0.0


@pytest.mark.parametrize("level", [1, 2, 3])
def test_one_changed_value_fails(level):
    for i in range(80):
        row = env.generate(random.Random(i), level)
        calls = re.findall(r"<tool_call>(.*)</tool_call>", row.gold)
        if not calls:
            continue
        first = json.loads(calls[0])
        name = sorted(first["arguments"])[0]
        value = first["arguments"][name]
        changed = {
            **first["arguments"],
            name: value + 1 if type(value) is int else not value if value in (0, 1) else "?",
        }
        spoiled = row.gold.replace(calls[0], json.dumps({**first, "arguments": changed}), 1)
        assert judge(Response(spoiled), row.data).value == 0.0, spoiled
        assert judge(Response("\n".join([row.gold, f"<tool_call>{calls[0]}</tool_call>"])), row.data).value == 0.0


def test_calls_in_another_order_and_spacing():
    found = 0
    for i in range(60):
        row = env.generate(random.Random(i), 2)
        calls = row.gold.split("\n")
        if len(calls) > 1:
            found += 1
            assert judge(Response("\n\n".join(reversed(calls))), row.data).value == 1.0
            assert judge(Response("\n".join(calls[:-1])), row.data).value == 0.0
    assert found > 20


def test_dates_of_a_trip():
    for i in range(60):
        question, _, (wish,) = tasks.trip(random.Random(i))
        nights = re.search(r"(\d+) days later", question)
        assert nights is not None
        start, end = (date.fromisoformat(wish["arguments"][key]) for key in ("depart", "return"))
        assert (end - start).days == int(nights[1])
        assert f"{start.day} {start:%B} {start.year}" in question


def test_the_label_of_a_timer_may_be_left_out():
    row_data = {"tools": [tasks.TIMER], "expected": [tasks.wanted(tasks.call("set_timer", minutes=5))]}
    for arguments, value in ({"minutes": 5}, 1.0), ({"minutes": 5, "label": "alarm"}, 1.0), ({"minutes": 6}, 0.0):
        assert judge(Response(written([tasks.call("set_timer", **arguments)])), row_data).value == value


def test_schemas_stand_in_the_system_turn():
    row = env.generate(random.Random(1), 3)
    system = row.messages[0]["content"]
    assert system == system_text(row.data["tools"], env.DECLINE)
    lines = system.split("<tools>\n")[1].split("\n</tools>")[0].split("\n")
    assert [json.loads(line) for line in lines] == row.data["tools"]
