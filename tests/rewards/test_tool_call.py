"""Tool calls: names, arguments with several acceptable values, parallel calls, no call."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from rlstack.api import Response
from rlstack.rewards.tool_call import score
from rlstack.types import Score

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather.now",
        "description": "Weather of a town.",
        "parameters": {
            "type": "object",
            "properties": {
                "town": {"type": "string"},
                "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
                "days": {"type": "integer"},
            },
            "required": ["town"],
        },
    },
}
SUM = {
    "name": "total",
    "parameters": {
        "type": "dict",
        "properties": {
            "numbers": {"type": "array", "items": {"type": "float"}},
            "scale": {"type": "float"},
            "label": {"type": "any"},
            "options": {"type": "dict", "properties": {"round": {"type": "integer"}, "mode": {"type": "string"}}},
            "exact": {"type": "boolean"},
        },
        "required": ["numbers"],
    },
}
TOOLS = [WEATHER, SUM]


def call(name: str, **arguments: Any) -> str:
    return f"<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"


def verdict(text: str, expected: list[Any], **data: Any) -> Score:
    return score(Response(text), {"tools": TOOLS, "expected": expected, **data})


def value(text: str, expected: list[Any], **data: Any) -> float:
    found = verdict(text, expected, **data)
    assert found.status == "ok", found
    return found.value


WANT = [{"name": "weather.now", "arguments": {"town": ["Bonn", "Bonn, Germany"], "unit": ["celsius", ""]}}]
PLAIN = [{"name": "weather.now", "arguments": {"town": "Bonn", "unit": "celsius"}}]


@pytest.mark.parametrize(
    "text",
    [
        call("weather.now", town="Bonn"),
        call("weather_now", town="Bonn"),
        call("weather.now", town="bonn germany", unit="celsius"),
        "Let me look.\n" + call("weather.now", unit="celsius", town="Bonn") + "\n",
        "<think>" + call("total", numbers=[1]) + "</think>" + call("weather.now", town="Bonn"),
    ],
)
def test_acceptable_calls(text: str) -> None:
    assert value(text, WANT) == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It is sunny in Bonn.",
        call("weather.now"),
        call("weather.now", town="Berlin"),
        call("weather.now", town=["Bonn"]),
        call("weather.now", town="Bonn", unit="kelvin"),
        call("weather.now", town="Bonn", days=1),
        call("weather.now", town="Bonn", country="Germany"),
        call("weather", town="Bonn"),
        call("total", town="Bonn"),
        call("weather.now", town="Bonn") * 2,
        call("weather.now", town="Bonn") + call("total", numbers=[1]),
        '{"name": "weather.now", "arguments": {"town": "Bonn"}}',
        '```json\n{"name": "weather.now", "arguments": {"town": "Bonn"}}\n```',
        '<tool_call>{"name": "weather.now", "arguments": {"town": "Bonn"}}',
        '<tool_call>{"name": "weather.now", "arguments": {"town": "Bonn"}}</tool_call></tool_call>',
        '<tool_call><tool_call>{"name": "weather.now", "arguments": {"town": "Bonn"}}</tool_call>',
        '<tool_call>{"name": "weather.now", "arguments": "{\\"town\\": \\"Bonn\\"}"}</tool_call>',
        '<tool_call>{"name": "weather.now", "arguments": {"town": "Rome", "town": "Bonn"}}</tool_call>',
        '<tool_call>{"name": "weather.now", "arguments": {"town": "Bonn"}, "id": 1}</tool_call>',
        "<tool_call>{'name': 'weather.now', 'arguments': {'town': 'Bonn'}}</tool_call>",
        '<tool_call>[{"name": "weather.now", "arguments": {"town": "Bonn"}}]</tool_call>',
        '<tool_call>{"name": "weather.now"}</tool_call>',
        '<TOOL_CALL>{"name": "weather.now", "arguments": {"town": "Bonn"}}</TOOL_CALL>',
        "<think>" + call("weather.now", town="Bonn") + "</think>",
        call("weather.now", town="B\u043enn"),
    ],
)
def test_unacceptable_calls(text: str) -> None:
    assert value(text, WANT) == 0.0


@pytest.mark.parametrize(
    ("wanted", "written", "paid"),
    [
        ({"numbers": [1, 2]}, {"numbers": [1, 2]}, 1.0),
        ({"numbers": [1, 2]}, {"numbers": [1.0, 2]}, 1.0),
        ({"numbers": [1, 2]}, {"numbers": [2, 1]}, 0.0),
        ({"numbers": [1, 2]}, {"numbers": 1}, 0.0),
        ({"numbers": [[1, 2], [2, 1]]}, {"numbers": [2, 1]}, 1.0),
        ({"numbers": [[1, 2], [2, 1]]}, {"numbers": [[1, 2], [2, 1]]}, 0.0),
        ({"numbers": [1], "scale": 2}, {"numbers": [1], "scale": 2.0}, 1.0),
        ({"numbers": [1], "scale": 2.5}, {"numbers": [1], "scale": "2.5"}, 0.0),
        ({"numbers": [1], "scale": [2.5, 3]}, {"numbers": [1], "scale": 3}, 1.0),
        ({"numbers": [1], "exact": True}, {"numbers": [1], "exact": True}, 1.0),
        ({"numbers": [1], "exact": True}, {"numbers": [1], "exact": 1}, 0.0),
        ({"numbers": [1], "exact": True}, {"numbers": [1], "exact": "true"}, 0.0),
        ({"numbers": [1], "label": "x-y z"}, {"numbers": [1], "label": "X_YZ"}, 1.0),
        ({"numbers": [1], "label": "-5"}, {"numbers": [1], "label": "5"}, 0.0),
        ({"numbers": [1], "label": "1.5"}, {"numbers": [1], "label": "15"}, 0.0),
        ({"numbers": [1], "label": "1,500"}, {"numbers": [1], "label": "1500"}, 1.0),
        ({"numbers": [1], "label": "*"}, {"numbers": [1], "label": "-"}, 0.0),
        ({"numbers": [1], "options": {"round": 2}}, {"numbers": [1], "options": {"round": 2}}, 1.0),
        ({"numbers": [1], "options": {"round": [2, 3], "mode": ["up", ""]}},
         {"numbers": [1], "options": {"round": 3}}, 1.0),
        ({"numbers": [1], "options": {"round": 2}}, {"numbers": [1], "options": {"round": 2, "mode": "up"}}, 0.0),
        ({"numbers": [1], "options": {"round": 2}}, {"numbers": [1], "options": {"round": 2.0}}, 0.0),
        ({"numbers": [1], "options": {"round": 2}}, {"numbers": [1], "options": {}}, 0.0),
    ],
)  # fmt: skip
def test_values(wanted: dict[str, Any], written: dict[str, Any], paid: float) -> None:
    assert value(call("total", **written), [{"name": "total", "arguments": wanted}]) == paid


def test_the_schema_counts_unless_the_leaderboards_rules_do() -> None:
    shouted = call("weather.now", town="Bonn", unit="CELSIUS")
    assert value(shouted, PLAIN) == 0.0
    assert value(shouted, WANT) == 1.0
    assert value(call("weather.now", town="bonn", unit="celsius"), PLAIN) == 1.0
    odd = [{"name": "weather.now", "arguments": {"town": "Bonn", "unit": "rankine"}}]
    assert value(call("weather.now", town="Bonn", unit="rankine"), odd) == 1.0


def test_the_leaderboards_own_shape() -> None:
    expected = [
        {"total": {"numbers": [[1.0, 2.0]], "scale": [3.0, ""], "options": [{"round": [1, 2], "mode": ["up", ""]}, ""]}}
    ]
    assert value(call("total", numbers=[1.0, 2.0]), expected) == 1.0
    assert value(call("total", numbers=[1, 2], scale=3, options={"round": 2}), expected) == 1.0
    assert value(call("total", numbers=[1, 2], options={"round": 3}), expected) == 0.0
    assert value(call("total", numbers=[[1.0, 2.0]]), expected) == 0.0
    assert value(call("total", numbers=[1.0, 2.0], scale=""), expected) == 0.0
    assert (
        value(
            call("weather.now", town="Bonn", unit="Celsius"), [{"weather.now": {"town": ["Bonn"], "unit": ["celsius"]}}]
        )
        == 1.0
    )


def test_alternatives_can_be_declared() -> None:
    expected = [{"name": "total", "arguments": {"numbers": [[1], [2]]}}]
    assert value(call("total", numbers=[2]), expected, alternatives=True) == 1.0
    assert value(call("total", numbers=[2]), expected, alternatives=False) == 0.0
    labelled = [{"name": "total", "arguments": {"numbers": [1], "label": ["a"]}}]
    assert value(call("total", numbers=[1], label="a"), labelled) == 1.0
    assert value(call("total", numbers=[1], label="a"), labelled, alternatives=False) == 0.0


def test_parallel_calls_in_any_order_each_used_once() -> None:
    expected = [{"name": "weather.now", "arguments": {"town": town}} for town in (["Bonn", "Ulm"], ["Bonn"], "Kiel")]
    calls = [call("weather.now", town=town) for town in ("Bonn", "Kiel", "Ulm")]
    assert value("\n".join(calls), expected) == 1.0
    assert value("".join(reversed(calls)), expected) == 1.0
    assert value("".join([calls[0], calls[0], calls[1]]), expected) == 1.0
    assert value("".join([calls[2], calls[2], calls[1]]), expected) == 0.0
    assert value("".join(calls[:2]), expected) == 0.0
    assert value("".join([*calls, calls[0]]), expected) == 0.0


@pytest.mark.parametrize(
    ("text", "paid"),
    [
        ("None of my tools can book a flight.", 1.0),
        ("", 0.0),
        (" \n...", 0.0),
        ("<think>no tool</think>", 0.0),
        (call("weather.now", town="Bonn"), 0.0),
        ("I cannot. " + call("weather.now", town="Bonn"), 0.0),
        ("<tool_call></tool_call>", 0.0),
        ("<tool_call>none</tool_call>", 0.0),
        ("I cannot do it. <tool_call>", 0.0),
        ('{"name": "weather.now", "arguments": {"town": "Bonn"}}', 0.0),
        ('[{"name": "weather.now", "arguments": {"town": "Bonn"}}]', 0.0),
    ],
)
def test_no_call_where_none_fits(text: str, paid: float) -> None:
    assert value(text, []) == paid


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"name": "weather.now", "arguments": {"town": "Bonn"}}\n```',
        'Here you are:\n```python\nweather.now(town="Bonn")\n```',
        "```\nweather_now Bonn\n```",
        '[weather.now(town="Bonn")]',
        'weather.now("Bonn")',
        "I would say weather_now('Bonn') would be good here",
        "<function=weather.now>{}</function> would be good here",
        '<TOOL_CALL>{"name": "x"}</TOOL_CALL> is what I call',
        "<|tool_call|>{} and so on and on",
        "<|python_tag|>print and so on",
        '[TOOL_CALLS] [{"x": 1}] and so on',
        '[{"name": "weather.now", "arguments": {}}] ok that is my call',
        'I use {"weather.now": {"town": "Bonn"}} for that',
        "Action: weather.now\nAction Input: Bonn is the town",
        '<invoke name="x">Bonn is the town</invoke>',
        "<weather.now>Bonn is the town</weather.now>",
        "1",
        "a",
        "ok ok",
        "3 + 4 = 7",
        "无",
    ],
)
def test_a_call_in_another_wrapping_and_an_answer_without_words_are_no_answer(text: str) -> None:
    assert value(text, []) == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "weather.now() only knows the weather, so I cannot book that.",
        "The total (of both) is not something that my tools can look up.",
        "Mit meinen Werkzeugen geht das nicht.",
        "抱歉，我没有可以预订机票的工具。",
        "I have a tool for the weather, `weather.now`, and none for flights.",
        "This is code that may help: ```print(1)``` as no tool fits.",
    ],
)
def test_an_answer_in_words_may_speak_of_tools(text: str) -> None:
    assert value(text, []) == 1.0


def test_asked_words_of_declining_may_be_short() -> None:
    assert value("none", [], decline=["None"]) == 1.0
    assert value("a", [], decline=["None"]) == 0.0


def test_components() -> None:
    text = call("weather.now", town="Bonn") + call("weather.now", town=3) + call("nothing")
    expected = [{"name": "weather.now", "arguments": {"town": town}} for town in ("Bonn", "Ulm")]
    parts = verdict(text, expected).components
    assert parts == pytest.approx({"syntax": 1.0, "names": 2 / 3, "schema": 1 / 3, "values": 1 / 3})


@pytest.mark.parametrize(
    "data",
    [
        {"expected": [{"name": "absent", "arguments": {}}]},
        {"expected": [{"arguments": {}, "x": 1}]},
        {"expected": ["weather.now"]},
        {"expected": [{"name": "total", "arguments": [1]}]},
        {"expected": [], "tools": [{"parameters": {}}]},
        {"expected": [], "tools": [SUM, SUM]},
        {"expected": [], "tools": [{"name": "f", "parameters": {"minimum": "x"}}]},
    ],
)
def test_broken_data_is_invalid(data: dict[str, Any]) -> None:
    assert score(Response("hello"), {"tools": TOOLS, **data}).status == "invalid"


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>" * 100_000,
        "</tool_call>" * 100_000,
        "<tool_call></tool_call>" * 50_000,
        call("weather.now", town="Bonn") * 2_000,
        call("weather.now", town="Bonn") * 60,
        "<tool_call>" + "[" * 500_000 + "</tool_call>",
        "<tool_call>" + '{"name":' * 100_000 + "</tool_call>",
        call("weather.now", town="-" * 1_000_000),
        call("weather.now", town="1," * 500_000),
        " " * 1_000_000,
        "<tool_call>" + " " * 1_000_000,
        '<tool_call>{"name": "weather.now", "arguments": {"town": "\ud800"}}</tool_call>',
        '<tool_call>{"name": "weather.now", "arguments": {"town": NaN}}</tool_call>',
        "\x1b[31m" + call("weather.now", town="\x1b[0mBonn"),
        call("__import__('os').system('id')"),
    ],
)
def test_hostile_answers_are_answered_soon(text: str) -> None:
    expected = [{"name": "weather.now", "arguments": {"town": ["Bonn", "Ulm"]}}] * 60 if "Bonn" in text else WANT
    started = time.process_time()
    found = verdict(text, expected)
    assert time.process_time() - started < 0.3
    if text.count("Bonn") != 60:
        assert (found.status, found.value) == ("ok", 0.0)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("No tool fits.", 1.0),
        ("no tool fits", 1.0),
        ("**No tool fits.**", 1.0),
        ("I cannot say.", 0.0),
        ("No tool fits. Maybe the other one?", 0.0),
        ("", 0.0),
    ],
)
def test_declining_in_the_asked_words(text, value):
    data = {"tools": [{"name": "add", "parameters": {}}], "expected": [], "decline": ["No tool fits."]}
    assert score(Response(text), data).value == value
