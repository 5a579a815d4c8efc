"""What the order of a gold result means: runs of equal sort keys, in which any order is right.

`SELECT name FROM t ORDER BY age LIMIT 3` leaves open how equal ages are ordered and which of them survive the limit.
The gold is therefore run a second time with its sort keys as extra outputs and without its limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from rlstack.rewards.sql.compare import Segment
from rlstack.rewards.sql.guard import Guarded, Outcome, Row
from rlstack.rewards.sql.statement import Statement, outermost


@dataclass(frozen=True, slots=True)
class Ordering:
    """How to find the runs of equal keys: `probe` yields the outputs followed by `extra` further keys.

    `keys` are positions (int) or names (str) of outputs, or None for the next extra one.
    """

    probe: str
    keys: tuple[int | str | None, ...]
    offset: int
    limited: bool

    @property
    def extra(self) -> int:
        return sum(key is None for key in self.keys)


def sorts_result(gold: Statement) -> bool:
    """Whether the gold's outermost query has an ORDER BY."""
    return outermost(gold.tree).args.get("order") is not None


def ordering(gold: Statement) -> Ordering | None:
    """The probe for a gold whose outermost query sorts; None where its keys cannot be shown."""
    tree = outermost(gold.tree).copy()
    order = tree.args["order"]
    outputs = tree.selects if isinstance(tree, exp.Query) else []
    keys: list[int | str | None] = []
    for ordered in order.expressions:
        key = _visible(ordered.this, outputs)
        if key is None:
            if not isinstance(tree, exp.Select) or tree.args.get("distinct"):
                return None
            tree.select(exp.alias_(ordered.this.copy(), f"__key{len(keys)}"), copy=False)
        keys.append(key)
    offset, limit = tree.args.get("offset"), tree.args.get("limit")
    start = _whole(offset.expression) if offset else 0
    if start is None or (limit and _whole(limit.expression) is None):
        return None
    tree.set("limit", None)
    tree.set("offset", None)
    return Ordering(tree.sql(dialect="sqlite"), tuple(keys), start, bool(limit or offset))


def segments(gold: Statement, database: Guarded, result: Outcome) -> tuple[Segment, ...]:
    """The gold's result on one database, cut into stretches of free order."""
    rows = result.rows
    if not sorts_result(gold):
        return (Segment(len(rows), rows),)
    how = ordering(gold)
    probe = database.run(how.probe, gold.local_names) if how else None
    cut = _cut(how, probe, rows) if how and probe and not probe.fault else None
    return cut or tuple(Segment(1, (row,)) for row in rows)


def _cut(how: Ordering, probe: Outcome, rows: Sequence[Row]) -> tuple[Segment, ...] | None:
    width = len(probe.names) - how.extra
    positions = _positions(how, probe.names[:width])
    if positions is None or (not how.limited and len(probe.rows) != len(rows)):
        return None
    found: list[Segment] = []
    start, end = 0, 0
    first, last = how.offset, how.offset + len(rows)
    for end in range(1, len(probe.rows) + 1):
        if end < len(probe.rows) and _key(probe.rows[end], positions) == _key(probe.rows[start], positions):
            continue
        take = min(end, last) - max(start, first)
        if take > 0:
            found.append(Segment(take, tuple(row[:width] for row in probe.rows[start:end])))
        start = end
    return tuple(found) if _agrees(found, rows) else None


def _agrees(found: Sequence[Segment], rows: Sequence[Row]) -> bool:
    """Whether the probe explains the gold's own result: rewriting must not have changed its meaning."""
    start = 0
    for segment in found:
        if not set(rows[start : start + segment.take]) <= set(segment.pool):
            return False
        start += segment.take
    return start == len(rows)


def _key(row: Row, positions: Sequence[int]) -> tuple[object, ...]:
    return tuple(row[at] for at in positions)


def _positions(how: Ordering, names: Sequence[str]) -> list[int] | None:
    lower = [name.lower() for name in names]
    extra = len(names)
    positions: list[int] = []
    for key in how.keys:
        if key is None:
            positions.append(extra)
            extra += 1
        elif isinstance(key, int):
            positions.append(key)
        elif key in lower:
            positions.append(lower.index(key))
        else:
            return None
    return positions


def _visible(key: exp.Expr, outputs: Sequence[exp.Expr]) -> int | str | None:
    """The output that a sort key names: by position, by alias (SQLite prefers it to a column), or as the same term."""
    if isinstance(key, exp.Literal) and not key.is_string:
        return int(key.this) - 1
    names = {output.alias_or_name.lower() for output in outputs}
    if isinstance(key, exp.Column) and not key.table and key.name.lower() in names:
        return key.name.lower()
    for at, output in enumerate(outputs):
        if output.is_star:
            break  # from here on positions are unknown
        if output.unalias() == key:
            return at
    return None


def _whole(number: exp.Expr) -> int | None:
    return int(number.this) if isinstance(number, exp.Literal) and str(number.this).isdigit() else None
