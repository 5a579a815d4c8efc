"""Times of day: `5:34 PM` is 17:34 and not 5:34 AM."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"\\(?:text|mathrm|textrm|textbf)\s*\{([^{}]*)\}|\\[,;: ]|~")
_CLOCK = re.compile(r"(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?\s*(?:([ap])\.?\s?m\.?)?", re.I | re.A)
BEHIND = re.compile(r"\s*([ap])\.?\s?m\b\.?", re.I)  # of a number in its sentence


def same_clock(gold: str, given: str) -> bool | None:
    """Whether two times of day are the same; None where the gold is no time with am or pm.

    A time without am or pm is read on the 24-hour clock. A gold without them leaves them open.
    """
    if ":" not in gold and "m" not in gold.lower():
        return None
    wanted, found = _read(gold), _read(given)
    if wanted is None:
        return None
    hour, minutes, half = wanted
    if half:
        return found is not None and (found[2] != "" or ":" in given) and _on_24(*found) == _on_24(*wanted)
    if found is None or not found[2]:
        return None
    return (hour % 12, minutes) == (found[0] % 12, found[1])


def _read(text: str) -> tuple[int, int, str] | None:
    """Hour, seconds past it, and "a", "p" or ""."""
    match = _CLOCK.fullmatch(_MARKUP.sub(r" \1", text).strip()) if len(text) < 60 else None
    if match is None:
        return None
    hour, half = int(match.group(1)), (match.group(4) or "").lower()
    minute, second = int(match.group(2) or 0), int(match.group(3) or 0)
    if minute > 59 or second > 59 or hour > (12 if half else 24) or (half and not hour):
        return None
    return hour, minute * 60 + second, half


def _on_24(hour: int, seconds: int, half: str) -> int:
    return ((hour % 12 + (12 if half == "p" else 0)) if half else hour % 24) * 3600 + seconds
