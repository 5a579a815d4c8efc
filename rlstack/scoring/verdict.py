"""Reading what a worker says about one item: nothing in it is believed unchecked."""

from __future__ import annotations

import json
import math
from typing import get_args

from rlstack.scoring.frames import FrameError
from rlstack.scoring.worker import DETAIL_CHARS
from rlstack.types import Score, Status

_STATUSES = get_args(Status)


def read_verdict(text: bytes, detail_chars: int = DETAIL_CHARS) -> tuple[Score, bool]:
    """A worker's verdict in JSON as a score, and whether it asks to be retired.

    Raises FrameError for anything that an honest worker does not write.
    """
    try:
        value, status, components, detail, ms, stained = json.loads(text)
        numbers = [value, ms, *components.values()]
        fair = all(isinstance(number, int | float) and math.isfinite(number) for number in numbers)
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise FrameError(f"no verdict: {text[:80]!r}") from error
    if not fair or status not in _STATUSES or not isinstance(detail, str):
        raise FrameError(f"no verdict: {text[:80]!r}")
    named = {one_line(name): float(number) for name, number in components.items()}
    return Score(float(value), status, named, one_line(detail, detail_chars), max(0.0, float(ms))), bool(stained)


def one_line(text: str, most: int = DETAIL_CHARS) -> str:
    """Text that is safe to print and to log: control characters and lone surrogates escaped, and capped."""
    if text.isascii() and text.isprintable():
        return text[:most]
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return shown[:most]
