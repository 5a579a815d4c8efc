"""Decimal commas: `2,74`, `1.234,5`. A comma before exactly three digits separates thousands, one in a list items.

Where the signs alone decide, the text is rewritten at once (`settled`). Where `2,74` may be a list of two as
well, the other side decides: only beside one number is it read as one number (`as_one_number`).
"""

from __future__ import annotations

import re
from functools import lru_cache

_GROUPED = re.compile(r"(?<![\w.,])(\d{1,3}(?:[. ]\d{3})+),(\d+)(?![\w,]|\.\d)")  # 1.234,5
_POINTS = re.compile(r"(?<![\w.,])\d{1,3}(?:\.\d{3}){2,}(?![\w.,])")  # 1.234.567
_ITEM = r"\s*-?\d+(?:,\d{1,2}|,\d{4,})?\s*"
_ITEMS = re.compile(rf"[(\[{{\\]*({_ITEM}(?:;{_ITEM})+)\\?[)\]}}]?")
_GLUED = re.compile(r"(?<![\w.,])(\d+),(\d+)(?![\w,]|\.\d)")
_OTHER_SIGNS = re.compile(r",(?!\d)|(?<!\d),|[;()\[\]]|\\[{}]|\band\b|\bor\b")
_UNIT_BEHIND = re.compile(r"\s*(?:\\?%|[€£¥₹]|\\(?:text|mathrm)\b|\s?[A-Za-z]|\^\s*\{?\\circ)")


def settled(text: str) -> str:
    """`text` with the decimal commas that can be nothing else as points.

    >>> settled("1.234,5"), settled("3,5; 4,5"), settled("2,74")
    ('1234.5', '3.5; 4.5', '2,74')
    """
    if "," in text:
        text = _GROUPED.sub(lambda m: re.sub(r"[. ]", "", m.group(1)) + "." + m.group(2), text)
        if ";" in text and _ITEMS.fullmatch(text):
            text = text.replace(",", ".")
    if text.count(".") > 1:
        text = _POINTS.sub(lambda m: m.group().replace(".", ""), text)
    return text


@lru_cache(maxsize=1024)
def as_one_number(text: str, gold: bool = False) -> str | None:
    """`text` with its only glued comma as a decimal point, or None where it cannot be one.

    A gold is taken for a decimal beside its reading as a list only with two digits behind the comma or a unit.

    >>> as_one_number("x = 2,74"), as_one_number("2, 74"), as_one_number("2,740"), as_one_number("5,0")
    ('x = 2.74', None, None, None)
    """
    if text.count(",") != 1 or _OTHER_SIGNS.search(text):
        return None
    found = _GLUED.search(text)
    if found is None or len(text) > 200:
        return None
    whole, part = found.groups()
    has_unit = _UNIT_BEHIND.match(text, found.end()) is not None
    thousands = len(part) == 3 and len(whole) <= 3 and not whole.startswith("0")
    if thousands or (part == "0" and not has_unit) or (gold and len(part) < 2 and not has_unit):
        return None
    return f"{text[: found.start()]}{whole}.{part}{text[found.end() :]}"
