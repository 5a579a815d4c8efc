"""Equality of a gold JSON value and an answer in words: names, numbers, truth values, lists, grids, clauses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from rlstack.rewards._answer.plain import folded, plain

LONGEST = 20_000
_TRUE, _FALSE = frozenset({"true", "yes", "correct", "valid"}), frozenset({"false", "no", "incorrect", "invalid"})
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:/\d+)?|[-+]?\.\d+", re.A)
_EDGES = " \t\n.,;:!*_`\"'“”‘’"
_LEADING = re.compile(
    r"^(?:(?:so|thus|hence|therefore),? )?(?:(?:(?:it|that|this|he|she|there|(?:the|that) (?:date|day|time|duration))"
    r"(?: is| are| was| were| must be| will be| would be| falls on| takes| lasts|'s) )?(?:on (?=\w)|at (?=\d))?)?"
    r"(?:(?:the|a|an) (?=\w))?"
)
_DECIDED = re.compile(r"(yes|no|true|false)\b(?:[,.;:!]| because| since|$)")
_UNDECIDED = re.compile(
    r"[\W_]*(?:or|maybe|perhaps|possibly|but|yes|true|false|no(?=\W*$|[,.;!]))\b"
    r"|.*\bor (?:maybe |perhaps )?(?:yes|no|true|false)\b"
)
_ARTICLE = re.compile(r"\b(?:a|an|the)\s+")
_BULLET = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•])\s+")
_LATEX_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf|textrm|texttt)\s*\{([^{}]*)\}")


def bare(text: str) -> str:
    """Folded words without LaTeX text commands, quotes, markdown and end punctuation."""
    text = _LATEX_TEXT.sub(r"\1", text[:LONGEST])
    text = folded(text.replace("$", "").replace("\\,", " ").replace("\\ ", " "))
    return text.replace("**", "").replace("’", "'").strip(_EDGES)


def without_lead(text: str) -> str:
    """Bare words without what leads up to the value ("So it must be", "The date is").

    >>> without_lead("That day is a **Tuesday**.")
    'tuesday'
    """
    return _LEADING.sub("", bare(text))


def number(text: str) -> Fraction | None:
    """The exact number that a text is, thousands separators allowed."""
    text = text.strip()
    if len(text) > 400 or not _NUMBER.fullmatch(text):
        return None
    top, slash, bottom = text.replace(",", "").partition("/")
    if slash and not int(bottom):
        return None
    return Fraction(top) / (int(bottom) if slash else 1)


def same_value(gold: Any, given: str) -> bool:
    """Whether the text `given` is the JSON value `gold`, exactly."""
    if isinstance(gold, bool):
        return bare(given) in (_TRUE if gold else _FALSE) or _decided(bare(given)) == gold
    if isinstance(gold, int | float):
        return number(without_lead(given)) == Fraction(str(gold))
    if isinstance(gold, str):
        return same_text(gold, given)
    parsed = _json(given)
    if isinstance(gold, Mapping):
        return isinstance(parsed, Mapping) and _same_json(gold, parsed)
    if isinstance(gold, Sequence):
        items = parsed if isinstance(parsed, list) else listed(given)
        return len(items) == len(gold) and all(_same_item(a, b) for a, b in zip(gold, items, strict=True))
    return gold is None and bare(given) in ("none", "null", "nothing")


def same_text(gold: str, given: str) -> bool:
    """Whether two texts say the same: words, a number, a JSON value, a grid, or a set of "X is Y" clauses."""
    a, b = bare(gold), bare(given)
    if not a:
        return plain(gold).strip() == plain(given).strip()
    if a == b or _LEADING.sub("", a) == _LEADING.sub("", b):
        return True
    if a in ("yes", "no", "true", "false"):
        return _decided(b) == (a in _TRUE)
    exact = number(a)
    if exact is not None:
        return number(b) == exact
    if gold.strip()[:1] in "[{(":
        left, right = _json(gold), _json(given)
        if left is not None and right is not None:
            return _same_json(left, right)
        return re.sub(r"[\s'\"]", "", a) == re.sub(r"[\s'\"]", "", b)
    if "\n" in gold.strip():
        return _rows(gold) == _rows(given)
    clauses = _clauses(a)
    return len(clauses) > 1 and clauses == _clauses(b)


def listed(text: str) -> list[str]:
    """Items of a list written with commas, arrows, "then", lines or numbers, without the "and" before the last."""
    text = plain(text[:LONGEST]).strip().strip("[](){}").strip(" .")
    lines = [_BULLET.sub("", line).strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1:
        return [line.strip(_EDGES) for line in lines]
    pieces = re.split(r"\s*(?:,|;|->|→|=>|>|<|\bthen\b)\s*(?:(?:and|then)\s+)?|\s+and\s+", text)
    if len(pieces) == 1:
        pieces = text.split()
    return [p.strip(_EDGES) for p in pieces if p.strip(_EDGES)]


def _decided(text: str) -> bool | None:
    match = _DECIDED.match(text)
    if match is None or _UNDECIDED.match(text[match.end() :]):
        return None
    return match.group(1) in _TRUE


def _rows(text: str) -> list[str]:
    """Rows of a grid without blanks and rulers between the cells."""
    rows = [re.sub(r"[\s,|\[\]]+", "", line) for line in plain(text[:LONGEST]).strip().strip("`").splitlines()]
    return [row for row in rows if row.strip("-+")]


def _clauses(text: str) -> frozenset[str]:
    pieces = [_ARTICLE.sub("", p).strip(_EDGES) for p in re.split(r"[,.;]\s+(?:and\s+)?|\s+and\s+", text)]
    return frozenset(pieces) if all(" is " in f" {p} " for p in pieces if p) else frozenset()


def _json(text: str) -> Any:
    text = plain(text[:LONGEST]).strip().strip("`").removeprefix("json").strip()
    if text[:1] not in ("[", "{", "(") or _depth(text) > 20:
        return None
    if text[0] == "(":
        text = "[" + text[1:-1] + "]"
    for spelling in (text, text.replace("'", '"')):
        try:
            return json.loads(spelling, parse_constant=_refuse, parse_int=_small_int)
        except ValueError:
            continue
    return None


def _depth(text: str) -> int:
    depth = deepest = 0
    for sign in re.findall(r"[\[\]{}()]", text):
        depth += 1 if sign in "[{(" else -1
        deepest = max(deepest, depth)
    return deepest


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _small_int(digits: str) -> int:
    if len(digits) > 400:
        raise ValueError("number too long")
    return int(digits)


def _same_json(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same_json(v, b[k]) for k, v in a.items())
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_same_json, a, b))
    if isinstance(a, str) and isinstance(b, str):
        return folded(a) == folded(b)
    return isinstance(a, int | float) and isinstance(b, int | float) and a == b


def _same_item(gold: Any, given: Any) -> bool:
    return same_value(gold, given) if isinstance(given, str) else _same_json(gold, given)
