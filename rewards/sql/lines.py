"""Values at which a query draws a line: the literals its conditions compare columns with, and their neighbours."""

from __future__ import annotations

import re
from datetime import date, timedelta

from sqlglot import exp

from rlstack.rewards.sql.columns import Lines

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Like, exp.Glob)
_MAX_PER_COLUMN = 12


def lines(tree: exp.Expr) -> Lines:
    """The values worth having in a column, e.g. `age > 30` → 29, 30, 31, and the columns that are averaged."""
    averaged = (column.name.lower() for average in tree.find_all(exp.Avg) for column in average.find_all(exp.Column))
    return Lines(_values(tree), frozenset(averaged))


def _values(tree: exp.Expr) -> dict[str, list[object]]:
    found: dict[str, list[object]] = {}
    for node in tree.find_all(*_COMPARISONS):
        columns = [child for child in node.iter_expressions() if isinstance(child, exp.Column)]
        for column in columns:
            values = found.setdefault(column.name.lower(), [])
            for child in node.iter_expressions():
                values.extend(value for value in _around(child, node) if value not in values)
            del values[_MAX_PER_COLUMN:]
    return {name: values for name, values in found.items() if values}


def _around(child: exp.Expr, node: exp.Expr) -> list[object]:
    sign = 1
    if isinstance(child, exp.Neg):
        child, sign = child.this, -1
    if not isinstance(child, exp.Literal):
        return []
    if child.is_string:
        return _matching(child.this) if isinstance(node, (exp.Like, exp.Glob)) else _near(child.this)
    try:
        whole = int(child.this) * sign
        return [whole - 1, whole, whole + 1]
    except ValueError:
        number = float(child.this) * sign
        return [number - 0.5, number, number + 0.5]


def _near(text: str) -> list[object]:
    """The text, and others that hold it: `LIKE '%x%'` is not `= 'x'`. A date has its neighbours."""
    if _DATE.fullmatch(text):
        return [text, *_dates(text)]
    return [text, f"{text}z", f"a{text}"] if re.search(r"[^\W\d]", text) else [text]


def _matching(pattern: str) -> list[object]:
    """Texts on either side of a LIKE pattern: the core alone, and with a letter before, after, and on both ends."""
    core = pattern.replace("%", "").replace("*", "").replace("_", "a").replace("?", "a")
    if _DATE.fullmatch(core.strip("-")):
        return _dates(core.strip("-"))
    short = pattern.replace("%", "").replace("_", "")
    texts = [core, f"{core}z", f"a{core}", f"a{core}z"]
    return [*texts, *([short] if "_" in pattern and short else [])] if core else []


_DATE = re.compile(r"\d{4}-\d{2}(?:-\d{2})?|(?:19|20)\d{2}")


def _dates(start: str) -> list[object]:
    """Days in a day, month or year and just outside of it."""
    year, month, day = (int(part) for part in (start + "-01-01")[:10].split("-"))
    try:
        first = date(year, month, day)
    except ValueError:
        return [start]
    length = {4: 365, 7: 28}.get(len(start), 1)
    other_year = date(year + 1, month, min(day, 28))
    days = [first, first - timedelta(1), first + timedelta(length - 1), first + timedelta(length + 5), other_year]
    return [one.isoformat() for one in dict.fromkeys(days)]
