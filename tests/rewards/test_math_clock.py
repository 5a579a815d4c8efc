"""Times of day, sets in plain braces, and sentences in which a number is no result."""

from __future__ import annotations

import pytest

from rlstack.api import Response
from rlstack.rewards import choice, math


def paid(answer: str, gold: str, **data: str) -> float:
    return math.score(Response(answer), {"answer": gold, **data}).value


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("5:34 PM", "17:34"),
        ("5:34 PM", r"\boxed{17:34}"),
        ("5:34 PM", "5:34 p.m."),
        ("5:34 PM", "5:34pm"),
        ("5:34 PM", r"\boxed{5:34\text{ PM}}"),
        ("5:34 PM", "The answer is 5:34 p.m."),
        ("5:34 PM", "The train leaves at 5:34 p.m."),
        ("12:05 AM", "00:05"),
        ("12:05 PM", "12:05"),
        ("9:15 AM", "9:15"),
        ("5 PM", "5:00 PM"),
        ("5 PM", "17:00"),
        ("10:30", "10:30 AM"),
        (r"7:20\text{ a.m.}", "7:20 AM"),
    ],
)
def test_the_same_time_of_day(gold: str, answer: str) -> None:
    assert paid(answer, gold) == 1


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("5:34 PM", r"\boxed{5:34 AM}"),
        ("5:34 PM", "It is 5:34 am."),
        ("5:34 PM", "05:34"),
        ("5:34 PM", "5:34"),
        ("5:34 PM", "17:35"),
        ("5:34 PM", "5:35 PM"),
        ("12:05 AM", "12:05"),
        ("12:05 AM", "12:05 PM"),
        ("5 PM", "5 AM"),
        ("5 PM", "5"),
        ("9:15 AM", "21:15"),
        ("10:30", "10:31 AM"),
    ],
)
def test_another_time_of_day(gold: str, answer: str) -> None:
    assert paid(answer, gold) == 0


@pytest.mark.parametrize("answer", ["{3,2}", "{3, 2}", r"\{3,2\}", r"\boxed{\{3,2\}}", "{2,3}"])
def test_a_set_is_no_pair(answer: str) -> None:
    assert paid(answer, "(3,2)") == 0
    assert paid(answer, r"\{2,3\}") == 1


@pytest.mark.parametrize(("answer", "gold"), [("{1,250}", "1250"), ("{7}", "7"), ("{x+1}", "x+1"), ("(3,2)", "(3,2)")])
def test_braces_that_group(answer: str, gold: str) -> None:
    assert paid(answer, gold) == 1


@pytest.mark.parametrize(
    "answer",
    [
        "The number 12 is too small.",
        "12 is too large.",
        "There are 12 wrong answers",
        "If it were 12, the sum would be odd.",
        "Some say it is 12.",
        "Find the half of 12.",
        "Suppose we have 12 of them.",
        "How many are 12 of them",
    ],
)
def test_a_number_that_is_no_result(answer: str) -> None:
    assert paid(answer, "12") == 0


@pytest.mark.parametrize(
    "answer",
    [
        "There are 12 of them.",
        "The sum is 12.",
        "So there are 12 apples left.",
        "The smallest one is 12.",
        "We find 12.",
    ],
)
def test_a_number_that_is_the_result(answer: str) -> None:
    assert paid(answer, "12") == 1


def test_the_question_given_back_converts_nothing() -> None:
    assert paid("Convert 8.1 km to m.", "8100", unit="m") == 0
    assert paid("How many metres are 8.1 km?", "8100", unit="m") == 0
    assert paid("It is 8100 m.", "8100", unit="m") == paid("8100", "8100", unit="m") == 1
    assert paid("8.1 km", "8100", unit="m") == 1  # equal in value
    assert paid("8.2 km", "8100", unit="m") == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The answer: B (iron).\n\nExplanation: A is wrong.", 1),
        ("The answer is B (iron).", 1),
        ("B is correct, and A is wrong.", 1),
        ("B is correct, A is not.", 1),
        ("B is right and the others are wrong.", 1),
        ("B is correct. All the other options are wrong.", 1),
        ("The answer is B (lead).", 0),
        ("B is correct, and B is wrong.", 0),
        ("B is correct, and A is right.", 0),
        ("A is correct, and B is wrong.", 0),
        ("B is wrong, and A is wrong.", 0),
        ("B (or C)", 0),
    ],
)
def test_an_option_beside_the_wrong_ones(text: str, expected: int) -> None:
    assert choice.score(Response(text), {"answer": "B", "options": ["gold", "iron", "lead", "zinc"]}).value == expected
