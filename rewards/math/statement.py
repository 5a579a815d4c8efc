"""What one statement of a response says about the gold answer: right, wrong, or nothing.

A box or `####` line must be the answer and no more. A sentence ("the answer is 5 because …") may carry reasons
behind the value, which are left out where the sentence as a whole is no value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rlstack.rewards._answer.final import Statement, boxes
from rlstack.rewards.math.answer import Answer, Opaque, Relation, Series, Words
from rlstack.rewards.math.behind import measured
from rlstack.rewards.math.closing import FORMULA, only_number
from rlstack.rewards.math.read import read_answer
from rlstack.rewards.math.spelling import cleaned
from rlstack.rewards.math.terms import UnreadableError

_REASON = re.compile(
    r"\s*,?\s*(?:\b(?:because|since|as|which|where|when|while|so\s+that|by|if|given|using|thus|hence)\b|\((?=[a-z]{3,}))"
)
_LEADING = re.compile(
    r"\s*(?:indeed|therefore|simply|just|exactly|then|thus|now|clearly|equal\s+to|given\s+by|that)\b[\s,:]*",
    re.I,
)
_OTHER_VALUE = re.compile(r"[0-9$\\=]|\b(?:or|and|either|not|more|less|than)\b")


def verdict(statement: Statement, is_gold: Callable[[str], bool], behind: str = "") -> bool | None:
    """Whether the statement gives the gold answer; None if it holds no value and so contradicts nothing.

    `behind` is what the text says right after a box, such as the unit of its number.
    """
    if statement.kind in ("boxed", "marked"):
        return is_gold(measured(statement.text, behind))
    if boxes(statement.text):
        return None
    for reading in _readings(measured(statement.text, statement.behind)):
        if is_gold(reading):
            return True
        if _has_value(reading):
            return False
    return None


def _readings(text: str) -> Iterator[str]:
    """The sentence, without its reasons, its only formula, its only number."""
    yield text
    text = _LEADING.sub("", text, count=1)
    reason = _REASON.search(text)
    short = text[: reason.start()] if reason and reason.start() else text
    yield short
    formula = FORMULA.match(short)
    if formula is not None and not _OTHER_VALUE.search(short[formula.end() :]):
        yield measured(formula.group(), short[formula.end() :])
    found = only_number(short) if short[:1].isalpha() or not short.isascii() else None
    if found is not None:
        yield measured(*found)


def _has_value(text: str) -> bool:
    try:
        return not _in_words(read_answer(cleaned(text)))
    except UnreadableError:
        return False


def _in_words(answer: Answer) -> bool:
    if isinstance(answer, Series):
        return any(map(_in_words, answer.items))
    if isinstance(answer, Relation):
        return any(map(_in_words, answer.sides))
    return isinstance(answer, Opaque | Words)
