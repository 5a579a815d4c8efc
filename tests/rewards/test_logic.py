from __future__ import annotations

import pytest

from rlstack.api import Response
from rlstack.rewards import induction
from rlstack.rewards.logic import score

TRIBE = "Zoe is a knave, and Rik is a knight."
GRID = "1 2 3\n3 1 2\n2 3 1"


def value(gold: object, text: str) -> float:
    verdict = score(Response(text), {"answer": gold})
    assert verdict.status == "ok"
    return verdict.value


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        ("Alice", "Alice"),
        ("Alice", "alice."),
        ("Alice", "Answer: **Alice**"),
        ("Alice", "The answer is Alice."),
        ("Alice", r"\boxed{\text{Alice}}"),
        ("Alice", "<answer>Alice</answer>"),
        ("Alice", "Bob is older than Carl.\nSo only one is left.\nAlice"),
        ("Alice", "<think>Bob? No.</think>It is Alice."),
        (TRIBE, "Rik is a knight and Zoe is a knave."),
        (TRIBE, "Answer: Zoe is a knave, Rik is a knight"),
        ("yes", "Yes, because all of them are."),
        ("yes", "Yes, because no one else fits."),
        ("Alice", "So it must be Alice."),
        (3, "There are 3."),
        (True, "True"),
        (False, "no"),
        (3, "3"),
        (3, "Answer: 3.0"),
        ("1,000", "1000"),
        ([1, 2, 3], "[1, 2, 3]"),
        ([1, 2, 3], "1, 2, 3"),
        ([1, 2, 3], "Answer: 1 2 3"),
        (["a", "b"], "['a', 'b']"),
        ("[1, 2]", "[1,2]"),
        ({"a": 1}, '```json\n{"a": 1.0}\n```'),
        (GRID, "Answer:\n1 2 3\n3 1 2\n2 3 1"),
        (GRID, "```\n1 2 3\n3 1 2\n2 3 1\n```"),
        (GRID, "123\n312\n231"),
    ],
)
def test_the_gold_answer_is_paid(gold: object, text: str) -> None:
    assert value(gold, text) == 1
    assert induction.score(Response(text), {"task": "any", "entry": {"answer": gold}}).value == 1


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        ("Alice", ""),
        ("Alice", "Bob"),
        ("Alice", "Alice or Bob"),
        ("Alice", "The answer is Alice or Bob."),
        ("Alice", "Answer: Alice\nAnswer: Bob"),
        ("Alice", "Alice, Bob, Carl"),
        ("Alice", "<think>Alice</think>"),
        ("Alice", "Not Alice"),
        ("Alice", "Аlice"),  # Cyrillic
        (TRIBE, "Zoe is a knight, and Rik is a knave."),
        (TRIBE, "Zoe is a knave."),
        ("yes", "no"),
        ("yes", "Yes and no"),
        ("yes", "yes, or maybe no"),
        ("yes", "Yes, perhaps."),
        ("yes", "Yes. No."),
        ("yes", "Yes, since it fits, or no."),
        (3, "There are 3 or 4."),
        (True, "1"),
        (3, "4"),
        (3, "3 or 4"),
        (3, "three thousand"),
        ([1, 2, 3], "[1, 3, 2]"),
        ([1, 2, 3], "[1, 2, 3, 4]"),
        ([1, 2], "[1, [2]]"),
        ("[1, 2]", "[i for i in (1, 2)]"),
        ({"a": 1}, "{}"),
        ({"a": 1}, '{"a": 1, "b": 2}'),
        ({"a": 1}, '{"a": true}'),
        (GRID, "1 2 3\n3 1 2\n2 1 3"),
        (GRID, "123312231"),
        (GRID, "1 2 3\n3 1 2"),
        ("7", "lambda: 7"),
        ("7", "__import__('os').getpid() and 7"),
    ],
)
def test_other_answers_are_not(gold: object, text: str) -> None:
    assert value(gold, text) == 0


@pytest.mark.parametrize("data", [{}, {"answer": None}, {"answer": " "}, {"entry": {"question": "?"}}, {"entry": 3}])
def test_tasks_without_an_answer_are_invalid(data: dict) -> None:
    assert score(Response("Alice"), data).status == "invalid"
