"""The unit that stands behind a number in running text: `9.8 m/s^2 downwards`, `24 square centimeters`."""

from __future__ import annotations

import re

from rlstack.rewards.math.clock import BEHIND
from rlstack.rewards.math.tokens import signs_to_latex
from rlstack.rewards.math.units import SPACED_UNITS, WORDS, is_unit

_CLOCK = re.compile(r"\d{1,2}:\d{2}", re.A)
_LOOK = 100  # characters behind a number that are looked at
_MOST_FACTORS = 6
_GROUP = re.compile(r"\\(?:text|textbf|textrm|mathrm|mathbf|operatorname|rm)\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_BLANK = re.compile(r"\\[,;: ]|[~$\u00a0]")
_DOT = re.compile(r"\s*(?:\\cdot(?![A-Za-z])|\\times(?![A-Za-z])|·)\s*")
_FACTOR = re.compile(
    r"(?P<joint>\s*[/·]\s*|\s+per\s+|\s*)(?P<power>(?:square|cubic|sq|cu)\.?\s+)?(?P<word>[A-Za-zµμΩ]+|[€£¥₹])"
    r"(?P<exponent>\s?\^\s*(?:\{\s*-?\d\s*\}|-?\d)|\s+(?:squared|cubed)\b)?(?![A-Za-z0-9^])"
)
_ALSO_WORDS = frozenset(["in", "second", "seconds", "c", "f", "deg", "min", "ms", "a", "day", "days"])  # "42 in all"
_ALONE = frozenset(["in", "second", "seconds", "c", "f", "deg"])
_PERCENT = re.compile(r"\s*(?:\\?%|percent\b)")
DEGREES = re.compile(r"\s*\^\s*(?:\{\s*\\circ\s*\}|\\circ)\s*(?P<scale>[CF]?)(?![A-Za-z])")
_NUMBER = re.compile(r"[-+$\\\d.,/ ]*\d\s*|.*\\?10\s*\^\s*\{?-?\d+\}?\s*|-?[\d.]+[eE][-+]?\d+\s*", re.A)


def measured(number: str, behind: str) -> str:
    """A bare number with the unit that stands behind it in its sentence; any other text as it is.

    >>> measured("120", " mm long."), measured("9.8", " m/s^2 downwards"), measured("42", " apples left.")
    ('120 mm', '9.8 m/s^2', '42')
    """
    if not behind or not (_NUMBER.fullmatch(number) or _CLOCK.fullmatch(number)):
        return number
    half = BEHIND.match(behind)
    if half is not None:
        return f"{number} {half.group(1)}m"
    text = _BLANK.sub(" ", plain_units(behind[:_LOOK])).lstrip("-* ")
    if _PERCENT.match(text):
        return f"{number}%"
    degrees = DEGREES.match(text)
    if degrees is not None:
        return f"{number}^\\circ {degrees.group('scale')}".rstrip()
    end = unit_run(text)
    return f"{number} {text[:end].strip()}" if end else number


def plain_units(text: str) -> str:
    """`text` with the units in it as plain words, joined by dots."""
    return _DOT.sub("·", _GROUP.sub(r"\1", signs_to_latex(text)))


def unit_run(text: str) -> int:
    """Where the unit that `text` begins with ends; 0 where there is none."""
    position = 0
    for index in range(_MOST_FACTORS):
        factor = _FACTOR.match(text, position)
        if factor is None or not _stands_for_unit(factor, index == 0, text):
            break
        position = factor.end()
    return position


def _stands_for_unit(factor: re.Match[str], first: bool, text: str) -> bool:
    word, joint = factor.group("word"), factor.group("joint").strip()
    if first and joint:
        return False
    known = word in SPACED_UNITS if len(word) == 1 and word.isascii() else is_unit(word) or word.lower() in WORDS
    if not known or word.lower() in ("per", "percent", "am", "pm", "units"):
        return False
    bound = bool(factor.group("exponent") or factor.group("power") or joint)
    goes_on = text[factor.end() :].lstrip()[:1] in ("/", "·") or text[factor.end() :].lstrip().startswith("per ")
    if first:
        return bound or goes_on or word.lower() not in _ALONE
    return bound or goes_on or (word.lower() not in _ALSO_WORDS and len(word) <= 2)
