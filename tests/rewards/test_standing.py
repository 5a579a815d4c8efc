"""Statements that are denied, attributed, supposed, asked or taken back are no answers; honest texts are."""

from __future__ import annotations

import time

import pytest

from rlstack.api import Response
from rlstack.rewards import choice, logic, math, temporal

CLAIMS_NOTHING = [
    r"The answer isn't \boxed{42}.",
    r"It is definitely not \boxed{42}.",
    "The answer is not 42.",
    r"\boxed{42}? No, that is wrong.",
    r"Assume \boxed{42}. That leads to a contradiction.",
    r"Suppose the answer is \boxed{42}.",
    r"Let's guess \boxed{42}.",
    "Some say the answer is 42.",
    r"My friend claims it is \boxed{42}.",
    "According to the book, the answer is 42.",
    "The wrong answer is 42.",
    r"A common mistake is \boxed{42}.",
    "I doubt that the answer is 42.",
    "It is not true that the answer is 42.",
    r"\boxed{42} is wrong.",
    r"\boxed{42} is not the answer.",
    r"Is it \boxed{42}?",
    "The answer is 42. That's incorrect.",
    "The answer is 42. Hmm, no, that is wrong because 42 is even.",
    r"I think the answer is \boxed{42}. It may also be 40.",
    r"Die Antwort ist nicht \boxed{42}.",
    r"La réponse n'est pas \boxed{42}.",
    r"La respuesta no es \boxed{42}.",
    "The answer is 42. Some more words. I was wrong.",
    "The answer is 42. But it is not 42.",
]
TAKEN_BACK = [
    "The answer is 42. No wait, it is 43.",
    "The answer is 42. Correction: 43.",
    "My final answer is 42. Actually no, 43.",
    r"\boxed{42}. Wait, that is wrong. \boxed{43}",
    "The answer is 42. Oops, I made a mistake. It is 43.",
    "The answer is 42. Scratch that, it's 43.",
    r"It is not \boxed{42}, it is \boxed{43}.",
    "The answer is not 42 but 43.",
    "#### 42\nWait, that is wrong: it should be 43.",
    "<answer>42</answer> No, sorry, 43.",
    "The answer is 42. Actually, it is 43.",
    "Some say the answer is 42. But it is 43.",
]
HONEST = [
    "I checked: 40 is wrong, so the answer is 42.",
    "Wait, let me recompute. 6*7 = 42. The answer is 42.",
    r"No, 40 is wrong. \boxed{42}",
    r"The answer is \boxed{42}, not 40.",
    "The answer is 42. No other value works.",
    r"\boxed{42}. There is no other solution.",
    r"The answer is \boxed{42}. Note that 41 is wrong since it's odd.",
    r"Assuming no air resistance, the answer is \boxed{42}.",
    r"If x = 3 then the answer is \boxed{42}.",
    r"Given that x is not zero, we get \boxed{42}.",
    "The answer is 42. (I first thought it was 43, but that is wrong.)",
    r"Hence it cannot be anything but \boxed{42}.",
    "They said 40, but the answer is 42.",
    r"The equation holds if and only if x = \boxed{42}.",
    "\\boxed{42}\n\nWait, let me verify: 6*7=42. Yes, correct.",
    "The answer is 42. Actually, it is easy to see.",
]


@pytest.mark.parametrize("text", CLAIMS_NOTHING)
def test_what_is_not_claimed_is_not_paid(text: str) -> None:
    assert math.score(Response(text), {"answer": "42"}).value == 0


@pytest.mark.parametrize("text", TAKEN_BACK)
def test_what_is_put_in_its_place_is_the_answer(text: str) -> None:
    assert math.score(Response(text), {"answer": "42"}).value == 0
    assert math.score(Response(text), {"answer": "43"}).value == 1


@pytest.mark.parametrize("text", HONEST)
def test_honest_texts_with_such_words_are_paid(text: str) -> None:
    assert math.score(Response(text), {"answer": "42"}).value == 1


@pytest.mark.parametrize(
    ("text", "gold", "paid"),
    [
        ("The answer is B. No wait, it is C.", "B", 0),
        ("The answer is B. No wait, it is C.", "C", 1),
        ("The answer is B. Correction: C.", "C", 1),
        ("Some say the answer is B.", "B", 0),
        ("My friend says the answer is B.", "B", 0),
        ("The answer is B. That's wrong.", "B", 0),
        (r"\boxed{B}? No, that is wrong.", "B", 0),
        ("I doubt the answer is B.", "B", 0),
        ("The answer is B. A is wrong.", "B", 1),
        ("Not A. The answer is B.", "B", 1),
        ("Students say A, but the answer is B.", "B", 1),
        ("The answer is B. No other option fits.", "B", 1),
    ],
)
def test_choice(text: str, gold: str, paid: int) -> None:
    assert choice.score(Response(text), {"answer": gold, "options": ["gold", "iron", "lead", "zinc"]}).value == paid


@pytest.mark.parametrize(
    ("text", "gold", "paid"),
    [
        ("Answer: Zoe? No.", "Zoe", 0),
        ("The answer is Zoe. No wait, it is Ann.", "Zoe", 0),
        ("The answer is Zoe. No wait, it is Ann.", "Ann", 1),
        ("Some say the answer is Zoe.", "Zoe", 0),
        ("The answer is not Zoe.", "Zoe", 0),
        ("The answer is Zoe. That is wrong.", "Zoe", 0),
        ("Answer: Zoe? No. Answer: Ann.", "Ann", 1),
        ("Zoe says that she lies. The answer is Zoe.", "Zoe", 1),
    ],
)
def test_logic(text: str, gold: str, paid: int) -> None:
    assert logic.score(Response(text), {"answer": gold}).value == paid


@pytest.mark.parametrize(
    ("text", "gold", "paid"),
    [
        ("The answer is 14:30. No wait, it is 15:30.", "14:30", 0),
        ("The answer is 14:30. No wait, it is 15:30.", "15:30", 1),
        ("Some say the answer is 14:30.", "14:30", 0),
        ("Answer: 14:30? No.", "14:30", 0),
        ("The answer is not 14:30.", "14:30", 0),
        ("It is not 13:30. The answer is 14:30.", "14:30", 1),
    ],
)
def test_temporal(text: str, gold: str, paid: int) -> None:
    assert temporal.score(Response(text), {"answer": gold}).value == paid


@pytest.mark.parametrize(
    "piece", ["no wait, ", "it is not ", "not the ", "some say ", " the answer is ", "wait ", "$) "]
)
def test_long_denials_take_little_time(piece: str) -> None:
    text = piece * 3_000 + r"\boxed{42} " + piece * 3_000
    start = time.process_time()
    math.score(Response(text), {"answer": "42"})
    assert time.process_time() - start < 1
