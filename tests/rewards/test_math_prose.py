"""Numbers in sentences: which are results, and the units that stand behind them."""

from __future__ import annotations

import pytest

from rlstack.api import Response
from rlstack.rewards.math import score


def value(gold: str, text: str) -> float:
    verdict = score(Response(text), {"answer": gold})
    assert verdict.status == "ok", verdict
    return verdict.value


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 42",
        "select 42;",
        "SELECT 42 FROM totals",
        "SELECT apples FROM baskets WHERE buyer = 42",
        "return 42",
        "print(42)",
        "The answer is SELECT 42",
        "Answer: return 42",
        "echo 42",
        "total(42)",
        'Here is my call: {"name": "answer", "arguments": {"n": 42}}',
        '<tool_call>{"name": "answer", "arguments": {"n": 42}}</tool_call>',
        "```python\nreturn 42\n```",
        "4 2",
        r"\boxed{4 2}",
        "Step 42",
        "Question 42:",
        "Level 42.",
        r"\boxed{SELECT 42}",
        r"\boxed{\text{return } 42}",
    ],
)
def test_a_number_in_code_or_a_label_is_no_result(text: str) -> None:
    assert value("42", text) == 0


@pytest.mark.parametrize(
    "text",
    [
        "The limit is 42.",
        "Limit: 42",
        "Return: 42",
        "In total 42",
        "Total 42",
        "They return with 42 shells.",
        "P(A) = 42",
    ],
)
def test_words_that_code_uses_too_are_words(text: str) -> None:
    assert value("42", text) == 1


@pytest.mark.parametrize(
    ("gold", "text", "paid"),
    [
        ("5 cm", "It is 5 cm long.", 1),
        ("5 cm", "It is 50 mm.", 1),
        ("5 cm", r"\boxed{50}\text{ mm}", 1),
        ("5 cm", "The length is $5$ cm.", 1),
        ("5 cm", "It is 5 in all.", 1),
        ("5 apples", "She has 5 apples left.", 1),
        ("0.42", "It is 42 percent.", 1),
        ("3 hours", "It takes 180 minutes.", 1),
        ("12 cm^2", "The area is 12 square centimeters.", 1),
        ("5", r"\boxed{5} km", 1),
        ("5 cm", "It is 5 km.", 0),
        ("5 cm", "The rope is 5 kg heavy.", 0),
        ("5 cm", r"\boxed{5} km", 0),
        ("5 cm", r"$\boxed{5}$ m.", 0),
        ("5 cm", r"\boxed{5}\text{ km}", 0),
        ("5 cm", "The length is $5$ km.", 0),
        ("5 cm", "The answer is that it is 5 km.", 0),
        ("60 mph", "It goes 60 km per hour.", 0),
        ("12 cm^2", "The area is 12 square meters.", 0),
        ("0.5", "It is 0.5 percent.", 0),
        ("$5", "It costs 5 cents.", 0),
    ],
)
def test_a_unit_counts_behind_the_number_too(gold: str, text: str, paid: float) -> None:
    assert value(gold, text) == paid
