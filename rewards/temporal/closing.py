"""The one time value that a closing sentence states: "The train arrives at 14:30.", ", so it falls on a Tuesday."."""

from __future__ import annotations

import re

from rlstack.rewards._answer.conclusion import bounds, closing_sentence, doubts
from rlstack.rewards.temporal.read import STARTERS, read_value
from rlstack.rewards.temporal.values import Count, Duration, Moment, Named, Span, Value, same

MOST_WORDS = 12  # of one value, "from Monday, March 5, 2024 at 4:16 am to …"
MOST_STARTS = 12  # words at which a value may begin; more are no statement of one value
_EDGES = " \t\n.,;:!*_`\"'“”‘’"
_SLOT = "\ue000"


def closing_value_is(gold: Value, text: str, order: str | None) -> bool:
    """Whether the closing sentence holds exactly one value of the gold's kind, undoubted and unbounded: the gold."""
    sentence = closing_sentence(text)
    found = _values(sentence, order)
    if found is None:
        return False
    values, rest = found
    if doubts(rest) or bounds(rest):
        return False
    if isinstance(gold, Moment) and gold.day is not None:
        weekday = gold.day.weekday()
        if any(isinstance(v, Named) and v.kind == "weekday" and v.number != weekday for v in values):
            return False
    if isinstance(gold, Moment) and not any(isinstance(v, Moment | Span | Count) for v in values):
        return len(values) == 1 and same(gold, values[0])  # 02:30 may be a length of time
    kin = [value for value in values if _kind(value, gold) == _kind(gold, gold)]
    return len(kin) == 1 and same(gold, kin[0])


def _kind(value: Value, gold: Value) -> str:
    """Values of one kind could be taken for each other."""
    if isinstance(value, Named):
        return value.kind
    if isinstance(value, Moment | Span):
        return "moment"
    if isinstance(gold, Count) and isinstance(value, Duration):
        return "count"
    return "duration" if isinstance(value, Duration) else "count"


def _values(sentence: str, order: str | None) -> tuple[list[Value], str] | None:
    """The values in a sentence, each as long as it can be read, and the sentence with slots in their places."""
    words = list(re.finditer(r"\S+", sentence))
    values: list[Value] = []
    rest: list[str] = []
    at = starts = 0
    while at < len(words):
        read = 0
        if _may_begin(words[at].group()):
            starts += 1
            if starts > MOST_STARTS:
                return None
            for end in range(min(len(words), at + MOST_WORDS), at, -1):
                piece = sentence[words[at].start() : words[end - 1].end()].strip(_EDGES + "()")
                value = read_value(piece, order)
                if value is not None:
                    values.append(value)
                    read = end - at
                    break
        rest.append(_SLOT if read else words[at].group())
        at += read or 1
    return values, " ".join(rest)


def _may_begin(word: str) -> bool:
    """Whether a value may begin with the word: a digit, a number word, or a day or month in capitals."""
    bare = word.strip(_EDGES + "()~")
    if any(c.isdigit() for c in bare):
        return True
    low = bare.casefold()
    return low in STARTERS and (bare[0].isupper() or low not in ("may", "march", "mar", "sat", "sun", "wed", "dec"))
