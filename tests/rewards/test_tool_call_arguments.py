"""Calls that ordinary users would call right or wrong: defaults, order, numbers, what stands around a call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rlstack.api import Response
from rlstack.rewards.tool_call import score

TOOLS = [
    {
        "name": "book",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "nights": {"type": "integer"},
                "price": {"type": "number"},
                "breakfast": {"type": "boolean", "default": False},
                "unit": {"type": "string", "enum": ["eur", "usd"], "default": "eur"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "guest": {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}},
                "note": {"type": ["string", "null"]},
            },
            "required": ["city", "nights"],
        },
    },
    {"name": "now", "parameters": {"type": "object", "properties": {}}},
]


def wish(**arguments: Any) -> list[dict[str, Any]]:
    return [{"name": "book", "arguments": arguments}]


def call(name: str = "book", **arguments: Any) -> str:
    return "<tool_call>" + json.dumps({"name": name, "arguments": arguments}) + "</tool_call>"


STAY: dict[str, Any] = {"city": "Oslo", "nights": 2}
RIGHT = [
    (wish(**STAY), call(**STAY)),
    (wish(**STAY), call(nights=2, city="Oslo")),
    (wish(**STAY), call(**STAY, breakfast=False)),
    (wish(**STAY), call(**STAY, unit="eur")),
    (wish(**STAY, unit="eur"), call(**STAY)),
    (wish(**STAY, breakfast=False), call(**STAY)),
    (wish(**STAY), "Sure!\n\n" + call(**STAY) + "\nDone."),
    (wish(**STAY), "<tool_call>\n" + json.dumps({"name": "book", "arguments": STAY}, indent=2) + "\n</tool_call>\n"),
    (wish(**STAY), "```\n" + call(**STAY) + "\n```"),
    (wish(**STAY), "<think>maybe now</think>" + call(**STAY)),
    (wish(**STAY), '<tool_call>{"arguments": {"city": "Oslo", "nights": 2}, "name": "book"}</tool_call>'),
    (wish(**STAY, price=80), call(**STAY, price=80.0)),
    (wish(**STAY, price=80.0), call(**STAY, price=80)),
    (wish(**STAY), call(city="oslo", nights=2)),
    (wish(**STAY, tags=["a", "b"]), call(**STAY, tags=["a", "b"])),
    (wish(**STAY, guest={"name": "Al", "age": 3}), call(**STAY, guest={"age": 3, "name": "Al"})),
    ([*wish(**STAY), {"name": "now", "arguments": {}}], call("now") + call(**STAY)),
    (wish(**STAY) + wish(city="Rome", nights=1), call(city="Rome", nights=1) + "\n" + call(**STAY)),
    ([{"name": "now", "arguments": {}}], call("now")),
    ([], "None of the tools can do that."),
    (wish(**STAY, note=None), call(**STAY, note=None)),
    (wish(**STAY, tags=[]), call(**STAY, tags=[])),
]
WRONG = [
    (wish(**STAY), call(city="Oslo", nights="2")),
    (wish(**STAY), call(city="Oslo", nights=2.5)),
    (wish(**STAY), call(city="Oslo", nights=2.0)),
    (wish(**STAY), call(city="Oslo", nights=3)),
    (wish(**STAY), call(**STAY, breakfast=True)),
    (wish(**STAY), call(**STAY, unit="usd")),
    (wish(**STAY), call(**STAY, price=0)),
    (wish(**STAY), call(city="Oslo")),
    (wish(**STAY, breakfast=True), call(**STAY)),
    (wish(**STAY), call(**STAY, colour="red")),
    (wish(**STAY), call(**STAY) + call(**STAY)),
    (wish(**STAY), ""),
    (wish(**STAY), json.dumps({"name": "book", "arguments": STAY})),
    (wish(**STAY), "<tool_call>" + json.dumps({"name": "book", "arguments": json.dumps(STAY)}) + "</tool_call>"),
    ([], call(**STAY)),
    (wish(**STAY), call("Book", **STAY)),
    (wish(**STAY, tags=["a", "b"]), call(**STAY, tags=["b", "a"])),
    (wish(**STAY, tags=["a", "b"]), call(**STAY, tags=["a"])),
    (wish(**STAY, guest={"name": "Al", "age": 3}), call(**STAY, guest={"name": "Al"})),
    (wish(**STAY), call(**STAY, breakfast=0)),
    (wish(**STAY), call(**STAY, breakfast=None)),
    (wish(**STAY), call(city=["Oslo"], nights=2)),
    (wish(**STAY), call(city="Oslo", nights=True)),
    (wish(**STAY), "<tool_call>" + json.dumps({"name": "book", "arguments": STAY})),
]


@pytest.mark.parametrize(("wanted", "answer"), RIGHT)
def test_right_calls(wanted: list[dict[str, Any]], answer: str) -> None:
    assert score(Response(answer), {"tools": TOOLS, "expected": wanted}).value == 1


@pytest.mark.parametrize(("wanted", "answer"), WRONG)
def test_wrong_calls(wanted: list[dict[str, Any]], answer: str) -> None:
    assert score(Response(answer), {"tools": TOOLS, "expected": wanted}).value == 0


@pytest.mark.parametrize(
    ("answer", "paid"),
    [(call(**STAY), 1), (call(**STAY, unit="usd"), 1), (call(**STAY, unit="eur"), 0)],
)
def test_lists_of_acceptable_values_alone_decide(answer: str, paid: float) -> None:
    wanted = [{"book": {"city": ["Oslo"], "nights": [2], "unit": ["usd", ""]}}]
    assert score(Response(answer), {"tools": TOOLS, "expected": wanted}).value == paid
