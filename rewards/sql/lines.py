"""Values at which a query draws a line: the literals its conditions compare columns with, and their neighbours."""

from __future__ import annotations

from sqlglot import exp

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Like, exp.Glob)
_MAX_PER_COLUMN = 12


def lines(tree: exp.Expr) -> dict[str, list[object]]:
    """Column name (lower case) → values worth having in that column, e.g. `age > 30` → 29, 30, 31."""
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
        return _matching(child.this) if isinstance(node, (exp.Like, exp.Glob)) else [child.this]
    try:
        whole = int(child.this) * sign
        return [whole - 1, whole, whole + 1]
    except ValueError:
        number = float(child.this) * sign
        return [number - 0.5, number, number + 0.5]


def _matching(pattern: str) -> list[object]:
    """Texts on either side of a LIKE pattern: the core alone, and with a letter before, after, and on both ends."""
    core = pattern.replace("%", "").replace("*", "").replace("_", "a").replace("?", "a")
    return [core, f"{core}z", f"a{core}", f"a{core}z"] if core else []
