"""The answer is as long as asked.

`data`: `{"min"?: int, "max"?: int, "unit"?: "words" | "characters" | "lines" | "sentences" | "tokens"}`. Tokens are
those of the whole completion; a response that does not say how many it has cannot be judged by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.plain import plain

DEADLINE_S = 1.0


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 between `min` and `max`, both included; component `length` is what was counted."""
    low, high, unit = data.get("min"), data.get("max"), data.get("unit", "words")
    if (low is None and high is None) or not all(_count(v) for v in (low, high)) or unit not in [*_COUNTERS]:
        return invalid(f"data needs 'min' or 'max' as whole numbers and 'unit' among {', '.join(_COUNTERS)}")
    if low is not None and high is not None and low > high:
        return invalid("data['min'] is above data['max']")
    if unit == "tokens" and response.text and not response.n_tokens:
        return invalid("unit is tokens, but the response does not give n_tokens")
    counted = _COUNTERS[unit](response)
    met = (low is None or counted >= low) and (high is None or counted <= high)
    asked = f"{'' if low is None else low}–{'' if high is None else high}"
    return judged(float(met), f"{counted} {unit}, asked {asked}", length=float(counted))


def _count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def _words(response: Response) -> int:
    return sum(any(c.isalnum() for c in word) for word in plain(response.answer).split())


def _lines(response: Response) -> int:
    return sum(bool(line.strip()) for line in plain(response.answer).splitlines())


def _sentences(response: Response) -> int:
    pieces = re.split(r"(?<=[.!?])[\"'”)]?\s+|(?<=[。！？])|\n\s*\n", plain(response.answer))
    return sum(any(c.isalnum() for c in piece) for piece in pieces)


_COUNTERS = {
    "words": _words,
    "characters": lambda response: len(plain(response.answer).strip()),
    "lines": _lines,
    "sentences": _sentences,
    "tokens": lambda response: response.n_tokens,
}
