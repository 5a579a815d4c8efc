"""Mathematics: the final answer, equal to the gold answer in value and in form.

`data`: `{"answer": "<text or LaTeX>", "tolerance"?: float, "unit"?: str, "ordered"?: bool}`. `tolerance` is
relative to the gold value; `unit` is what a gold without one is measured in; `ordered` keeps the order of a
bare list. A gold that cannot be read is "invalid".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.final import Statement, boxes, final_statements, last_together
from rlstack.rewards._answer.plain import tail
from rlstack.rewards.math.answer import Answer, Matrix, Opaque, Quantity, Series, Words
from rlstack.rewards.math.clock import same_clock
from rlstack.rewards.math.closing import assigned_lines, closing_value
from rlstack.rewards.math.commas import as_one_number
from rlstack.rewards.math.compare import equal, is_number, undecided
from rlstack.rewards.math.quantities import Terms
from rlstack.rewards.math.read import read_answer
from rlstack.rewards.math.spelling import cleaned, lettered, squeezed
from rlstack.rewards.math.statement import verdict
from rlstack.rewards.math.terms import Symbol, UnreadableError
from rlstack.rewards.math.units import Unit, read_unit

DEADLINE_S = 5.0
PRELOAD = ("math_verify",)  # imported for odd forms only, which must not cost a fresh worker its deadline


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 for a final answer equal to `data["answer"]`, 0 for any other, "invalid" for a gold that cannot be read."""
    gold = _gold_text(data.get("answer"))
    if gold is None:
        return invalid("data['answer'] must be a text or a number")
    terms = _terms(data)
    if terms is None:
        return invalid("data['tolerance'] must be a number of at least 0, data['unit'] a text")
    try:
        read_gold(gold)
    except UnreadableError as error:
        return invalid(f"gold answer cannot be read: {error}")
    return _judge(response.answer, gold, terms)


_END_TOKEN = re.compile(r"(?:\s*(?:</s>|<\|[a-z_]{1,20}\|>|<eos>|<end_of_turn>)){1,4}$")
_BEHIND = 60  # characters after a box, where its unit may stand


def _judge(text: str, gold: str, terms: Terms) -> Score:
    text = tail(text)
    if text.endswith(">"):
        text = text[:-100] + _END_TOKEN.sub("", text[-100:])

    def is_gold(given: str) -> bool:
        return same_answer(gold, given, terms)

    statements = final_statements(text, closing_value)
    verdicts = [verdict(s, is_gold, text[s.end : s.end + _BEHIND] if s.kind == "boxed" else "") for s in statements]
    if statements and all(v is None for v in verdicts):  # "Answer: let x be …": the result stands at the end
        statements = closing_value(text)
        verdicts = [verdict(s, is_gold) for s in statements]
    if not statements:
        return judged(0.0, "no final answer")
    if False not in verdicts and True in verdicts:
        return judged(1.0, "equal")
    all_boxed = len(statements) > 1 and all(s.kind == "boxed" for s in statements)
    if all_boxed and is_gold(", ".join(s.text for s in statements)):
        return judged(1.0, "equal, in several boxes")
    if not any(s.kind in ("boxed", "marked", "said") for s in statements):
        lines = assigned_lines(text)
        if lines is not None and is_gold(lines):
            return judged(1.0, "equal, line by line")
    wrong = next((s for s, v in zip(statements, verdicts, strict=True) if v is False), statements[-1])
    return judged(0.0, f"final answer {wrong.text[:80]!a} is not the gold answer")


def _gold_text(answer: Any) -> str | None:
    if isinstance(answer, bool) or not isinstance(answer, str | int | float):
        return None
    return answer if isinstance(answer, str) else repr(answer)


def _terms(data: Mapping[str, Any]) -> Terms | None:
    tolerance, unit = data.get("tolerance") or 0.0, data.get("unit")
    if not isinstance(tolerance, int | float) or not 0 <= tolerance < 1e9 or not isinstance(unit, str | None):
        return None
    return Terms(float(tolerance), _unit(unit) if unit else None, bool(data.get("ordered", False)))


@lru_cache(maxsize=256)
def _unit(text: str) -> Unit | None:
    return read_unit(text)


@lru_cache(maxsize=4096)
def read_gold(text: str) -> tuple[str, Answer]:
    """The cleaned text and the answer of a gold, which may be a whole solution ending in a box or `#### 7`.

    Raises UnreadableError where it holds no answer.
    """
    boxed = boxes(text)
    if boxed:
        text = _boxed_gold(boxed)
    elif "####" in text:
        text = text.rpartition("####")[2]
    clean = cleaned(text)
    answer = read_answer(clean)
    if isinstance(answer, Opaque) and not _balanced_enough(clean):
        raise UnreadableError("unbalanced brackets or no content")
    return clean, answer


def _boxed_gold(boxed: list[Statement]) -> str:
    """The last box of a gold solution, with the different ones that stand near it as one list."""
    together = {squeezed(s.text): s.text for s in last_together(boxed) or boxed[-1:]}
    return ", ".join(together.values())


def _balanced_enough(text: str) -> bool:
    bare = text.replace("\\{", "").replace("\\}", "")
    return bare.count("{") == bare.count("}") and any(c.isalnum() for c in text)


def same_answer(gold: str, given: str, terms: Terms) -> bool:
    """Whether `given` is the answer `gold`: first as text, then by value, then, for odd forms, symbolically."""
    gold_text, gold_answer = read_gold(gold)
    try:
        given_text = cleaned(given)
        if not given_text:
            return False
        if squeezed(given_text) == squeezed(gold_text) and _spaced(given_text) == _spaced(gold_text):
            return True
        clock = same_clock(gold_text, given_text)
        if clock is not None:
            return clock
        given_answer = read_answer(given_text)
        return _same(gold_text, gold_answer, given_text, given_answer, terms) or (
            ("," in gold_text or "," in given_text)
            and _same_with_decimal_comma(gold_text, gold_answer, given_text, given_answer, terms)
        )
    except UnreadableError:
        return False


def _same_with_decimal_comma(gold_text: str, gold: Answer, given_text: str, given: Answer, terms: Terms) -> bool:
    """Equality where `2,74` on one side stands beside one number on the other."""
    given_number = as_one_number(given_text)
    gold_number = as_one_number(gold_text, gold=True)
    if given_number is not None:
        given_text, given = given_number, read_answer(given_number)
    if gold_number is not None and (given_number is not None or "," not in given_text):
        gold_text, gold = gold_number, read_answer(gold_number)
    if isinstance(gold, Series | Matrix) or isinstance(given, Series | Matrix):
        return False
    return (gold_number or given_number) is not None and equal(gold, given, terms)


_APART = re.compile(r"\d\s+\d|\d,\s+\d{3}(?!\d)")
_THOUSANDS = re.compile(r"(?<!\d)\d{1,3}(?:\s\d{3})+(?!\d)")


def _spaced(text: str) -> bool:
    """Whether white space sets digits apart ("1 2", "1, 250"), other than thousands ("12 000")."""
    return _APART.search(_THOUSANDS.sub("0", text)) is not None


def _same(gold_text: str, gold: Answer, given_text: str, given: Answer, terms: Terms) -> bool:
    if equal(gold, given, terms):
        return True
    for text, other, swapped in ((given_text, gold, False), (gold_text, given, True)):
        part = _lettered_part(text, other)
        if part is not None:
            return equal(part, given, terms) if swapped else equal(gold, part, terms)
    if is_number(gold) or isinstance(gold, Words) or not (undecided(gold) or undecided(given)):
        return False
    from rlstack.rewards.math.symbolic import same_symbolically

    return same_symbolically(gold_text, given_text)


_OTHER_CHOICE = re.compile(r"\([A-J]\)|\b(?:or|and|not|either|maybe|perhaps)\b|^[A-J]\b(?!\s*[=^_+])")


def _lettered_part(text: str, other: Answer) -> Answer | None:
    """The part of `(B) 12` that can be compared: its letter with a letter, its text with anything else."""
    choice = lettered(text)
    if choice is None:
        return None
    is_letter = isinstance(other, Quantity) and isinstance(other.term, Symbol) and other.term.name in "ABCDEFGHIJ"
    if is_letter or not choice[1]:
        return read_answer(choice[0]) if is_letter and not _OTHER_CHOICE.search(choice[1]) else None
    return read_answer(cleaned(choice[1]))


__all__ = ["DEADLINE_S", "read_gold", "same_answer", "score"]
