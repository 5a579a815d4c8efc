"""The tools compute and look up rightly, answer every mistake with words, and solve every task."""

from __future__ import annotations

import json
import random
import re
from fractions import Fraction

import pytest

from rlstack.envs.calculator import env, tasks
from rlstack.envs.calculator.arithmetic import CannotCompute, compute
from rlstack.envs.calculator.tools import MOST_CALLS, reply


def call(name: str, x: object) -> str:
    return f"<tool_call>{json.dumps({'name': name, 'arguments': {'x': x}})}</tool_call>"


def heard(text: str, **data: object) -> list[str]:
    """The replies' texts; none where the conversation is over."""
    said = reply([{"role": "user", "content": "?"}, {"role": "assistant", "content": text}], data)
    return [message["content"] for message in said or ()]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2*3", "6"), ("2+3*4", "14"), ("(2+3)*4", "20"),
        ("7/2", "3.5"), ("1/3", "1/3"), ("-4--4", "0"), ("-(2+1)", "-3"),
        ("0.1+0.2", "0.3"), ("1/8", "0.125"), ("-1/8", "-0.125"), ("10-4-3", "3"), ("8/4/2", "1"), (" 12 * 12 ", "144"),
        ("999999999999999*999999999999999", "999999999999998000000000000001"), ("0/5", "0"), ("2*-3", "-6"),
    ],
)  # fmt: skip
def test_arithmetic(expression, value):
    assert compute(expression) == value


def test_arithmetic_agrees_with_exact_fractions():
    rng = random.Random(1)
    for _ in range(300):
        numbers = [rng.randint(1, 99) for _ in range(4)]
        signs = [rng.choice("+-*/") for _ in range(3)]
        expression = "".join(f"{n}{s}" for n, s in zip(numbers, [*signs, ""], strict=True))
        wanted = eval(re.sub(r"(\d+)", r"Fraction(\1)", expression), {"Fraction": Fraction})
        found = compute(expression)
        assert Fraction(found) == wanted, expression


@pytest.mark.parametrize(
    "expression",
    ["", "2+", "(2", "2)", "1/0", "2**3", "9^9", "x", "__import__('os')", "1" * 16, "(" * 121, "٣+1", "2 3"],
)
def test_what_is_no_arithmetic_is_refused(expression):
    with pytest.raises(CannotCompute):
        compute(expression)


def test_calls_are_answered_in_order():
    assert heard(f"{call('calc', '6*7')} and {call('calc', '1+1')}") == ["42", "2"]
    assert heard(f"<think>{call('calc', '1+1')}</think>{call('calc', '6*7')}") == ["42"]
    assert heard("The answer is 42.") == []
    assert heard("") == []


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>", "</tool_call>", "<tool_call>{}</tool_call>", "<tool_call>[1]</tool_call>",
        call("calc", 3), call("calc", ""),
        call("look", "lamp"), call("rm", "-rf"), call("calc", "9**9**9"), call("calc", "(" * 5000),
        call("x" * 9000, "1"),
        "<tool_call>" * 5000, '<tool_call>{"name":"calc","arguments":{"y":"1"}}</tool_call>',
    ],
)  # fmt: skip
def test_every_mistake_is_answered_with_words(text):
    (answer,) = heard(text)
    assert answer.startswith("error: ")
    assert len(answer) <= 500


def test_only_so_many_calls_are_answered():
    answers = heard(call("calc", "1+1") * 20)
    assert answers[:-1] == ["2"] * MOST_CALLS
    assert answers[-1].startswith("error")


def test_the_catalogue_helps_with_names():
    table = {"lamp": {"price": 3}, "shelf": {"price": 5}}
    assert heard(call("look", "lamp"), table=table) == ['{"price": 3}']
    assert heard(call("look", "lamps"), table=table) == ["error: no entry 'lamps'; did you mean 'lamp'?"]
    assert heard(call("look", "moon"), table=table) == ["error: no entry 'moon'"]


def test_shopping_can_be_solved_with_the_tools():
    for i in range(40):
        question, answer, table = tasks.shopping(random.Random(i))
        wishes = [
            (int(n), next(g for g in tasks.GOODS if g[:3] == word[:3]))
            for n, word in re.findall(r"(\d+) (\w+)", question)
        ]
        found = heard("".join(call("look", item) for _, item in wishes), table=table)
        prices = [json.loads(text)["price"] for text in found]
        terms = "+".join(f"{n}*{price}" for (n, _), price in zip(wishes, prices, strict=True))
        assert heard(call("calc", terms)) == [answer]


def test_budgets_can_be_solved_with_the_tools():
    for i in range(40):
        question, answer, table = tasks.budgets(random.Random(i))
        names = re.search(r"offices of (\w+) and (\w+) differ", question)
        assert names is not None
        costs = []
        for name in names.groups():
            (found,) = heard(call("look", f"person {name}"), table=table)
            (office,) = heard(call("look", f"office {json.loads(found)['office']}"), table=table)
            costs.append("{rent}*{months}".format(**json.loads(office)))
        difference = heard(call("calc", f"{costs[0]}-({costs[1]})"))
        assert difference[0].lstrip("-") == answer
        assert answer != "0"


@pytest.mark.parametrize("level", range(env.ENV.levels))
def test_the_catalogue_is_not_shown(level):
    for i in range(20):
        row = env.generate(random.Random(i), level)
        told = " ".join(message["content"] for message in row.messages)
        assert all(str(entry) not in told for entry in row.data.get("table", {}).values())
        assert ("look" in told) == (level >= 2)
