"""Ways of writing answers and of ending solutions: tables of golds, each with responses that are paid or refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rlstack.api import Response
from rlstack.rewards.math import score

HERE = Path(__file__).parent
_SENTENCE = re.compile(r"[A-Z][^$]* (?:is|are|has|have|equals|est|ist|lautet|es|pèse) |[A-Z]\S*: |.*\\boxed")


def table(name: str) -> list[dict]:
    rows = [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sum(len(r["paid"]) for r in rows) > 100 < sum(len(r["refused"]) for r in rows)
    return rows


def wrong(gold: str, responses: list[str], value: float) -> list[str]:
    """The responses that are not worth `value`."""
    verdicts = {text: score(Response(text), {"answer": gold}) for text in responses}
    return [text for text, v in verdicts.items() if (v.status, v.value) != ("ok", value)]


def boxed(answers: list[str]) -> list[str]:
    return [rf"So it is \boxed{{{a}}}." for a in answers if not _SENTENCE.match(a)]


@pytest.mark.parametrize("row", table("math_forms"), ids=lambda row: row["gold"][:40])
def test_forms_of_an_answer_alone_and_in_a_box(row: dict) -> None:
    paid, refused = row["paid"], row["refused"]
    assert not wrong(row["gold"], [*paid, *boxed(paid)], 1.0)
    assert not wrong(row["gold"], [*refused, *boxed(refused)], 0.0)


@pytest.mark.parametrize("row", table("math_endings"), ids=lambda row: row["gold"][:40])
def test_endings_of_a_solution(row: dict) -> None:
    assert not wrong(row["gold"], row["paid"], 1.0)
    assert not wrong(row["gold"], row["refused"], 0.0)


@pytest.mark.parametrize("row", table("math_endings"), ids=lambda row: row["gold"][:40])
def test_work_before_the_ending_changes_nothing(row: dict) -> None:
    before = "We collect the terms on one side and divide by the coefficient of the unknown.\n\n"
    # a lone value, equation or list is an answer where it is the whole text
    endings = [a for a in row["refused"] if len(a.split()) > 3]
    assert not wrong(row["gold"], [before + a for a in endings], 0.0)


@pytest.mark.parametrize("row", table("math_forms"), ids=lambda row: row["gold"][:40])
def test_every_gold_answers_itself(row: dict) -> None:
    if "\\boxed" not in row["gold"]:
        assert not wrong(row["gold"], boxed([row["gold"]]), 1.0)
