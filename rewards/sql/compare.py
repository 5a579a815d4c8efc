"""Are two query results equal? Rows as multisets, columns by content, order where it was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlstack.rewards.sql.guard import Row

TOLERANCE = 1e-6  # relative, for numbers of which at least one is not whole
_EXACT = 2**53  # from here on a whole float may be a rounded sum
_MAX_WORK = 4_000_000  # row visits in the search for an assignment of columns


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the wanted result in which the order is free: `take` rows out of `pool`.

    Without ORDER BY the result is one segment. With it, each run of equal sort keys is one; where LIMIT cuts such a
    run, fewer rows are taken than the pool holds.
    """

    take: int
    pool: tuple[Row, ...]


def difference(wanted: Sequence[Sequence[Segment]], found: Sequence[Sequence[Row]]) -> str:
    """Why the results differ, "" where they are equal on every database under one assignment of columns.

    `wanted` and `found` hold one entry per database.
    """
    if all(_is_same(segments, rows) for segments, rows in zip(wanted, found, strict=True)):
        return ""
    pairs: list[tuple[list[Row], list[Row]]] = []
    for segments, rows in zip(wanted, found, strict=True):
        count = sum(segment.take for segment in segments)
        if len(rows) != count:
            return f"{len(rows)} rows, wanted {count}"
        start = 0
        for segment in segments:
            pairs.append((list(segment.pool), list(rows[start : start + segment.take])))
            start += segment.take
    pairs = [pair for pair in pairs if pair[0] or pair[1]]
    if not pairs:
        return ""
    width = len(pairs[0][0][0])
    if any(len(row) != width for _, rows in pairs for row in rows[:1]):
        return f"{len(pairs[0][1][0])} columns, wanted {width}"
    return _assign(_unified(pairs), width)


def _is_same(segments: Sequence[Segment], rows: Sequence[Row]) -> bool:
    """The usual case: row by row the very same."""
    start = 0
    for segment in segments:
        if segment.take != len(segment.pool) or segment.pool != tuple(rows[start : start + segment.take]):
            return False
        start += segment.take
    return start == len(rows)


def _assign(pairs: list[tuple[list[Row], list[Row]]], width: int) -> str:
    """Search an assignment of found columns to wanted ones under which every segment fits."""
    if all(_fits(Counter(pool), rows) for pool, rows in pairs):
        return ""
    pools = [[Counter(column) for column in zip(*pool, strict=True)] for pool, _ in pairs]
    columns = [list(zip(*rows, strict=True)) or [()] * width for _, rows in pairs]
    choices = [
        [c for c in range(width) if all(_fits(pools[s][w], columns[s][c]) for s in range(len(pairs)))]
        for w in range(width)
    ]
    if not all(choices):
        return "other values" if width == 1 or not _same_cells(pairs) else "values in other rows or columns"
    order = sorted(range(width), key=lambda w: len(choices[w]))
    twins = _twins(columns, width)
    wanted = [list(zip(*pool, strict=True)) for pool, _ in pairs]
    cost = 1 + sum(len(pool) + len(rows) for pool, rows in pairs)
    work = 0

    def extend(level: int, used: frozenset[int], classes: _Classes) -> bool:
        nonlocal work
        if level == width:
            return True
        tried: set[int] = set()
        for c in choices[order[level]]:
            if c in used or twins[c] in tried:
                continue
            tried.add(twins[c])
            work += cost
            if work > _MAX_WORK:
                return False
            finer = _refined(classes, [part[order[level]] for part in wanted], [part[c] for part in columns])
            if finer is not None and extend(level + 1, used | {c}, finer):
                return True
        return False

    start = [([0] * len(pool), [0] * len(rows)) for pool, rows in pairs]
    return "" if extend(0, frozenset(), start) else "other rows or another order"


_Classes = list[tuple[list[int], list[int]]]  # per segment: the class of each wanted and of each found row


def _refined(
    classes: _Classes, wanted: Sequence[Sequence[object]], found: Sequence[Sequence[object]]
) -> _Classes | None:
    """The classes split by one more column of each side; None where the found rows no longer fit the wanted ones."""
    finer: _Classes = []
    for (pool, rows), wanted_cells, found_cells in zip(classes, wanted, found, strict=True):
        names: dict[tuple[int, object], int] = {}
        new_pool = [names.setdefault(key, len(names)) for key in zip(pool, wanted_cells, strict=True)]
        new_rows = [names.setdefault(key, len(names)) for key in zip(rows, found_cells, strict=True)]
        if not _fits(Counter(new_pool), new_rows):
            return None
        finer.append((new_pool, new_rows))
    return finer


def _fits(pool: Mapping[Any, int], rows: Iterable[object]) -> bool:
    """Whether the rows can be drawn from the pool (equal multisets where the sizes agree)."""
    return all(count <= pool.get(row, 0) for row, count in Counter(rows).items())


def _twins(columns: list[list[tuple[object, ...]]], width: int) -> list[int]:
    """For each found column the first one with the very same cells: trying both would be wasted."""
    first: dict[tuple[object, ...], int] = {}
    return [first.setdefault(tuple(part[c] for part in columns), c) for c in range(width)]


def _same_cells(pairs: list[tuple[list[Row], list[Row]]]) -> bool:
    return all(_fits(Counter(c for row in pool for c in row), [c for row in rows for c in row]) for pool, rows in pairs)


def _unified(pairs: list[tuple[list[Row], list[Row]]]) -> list[tuple[list[Row], list[Row]]]:
    """Numbers within the tolerance of each other become the same number; type and text stay as they are."""
    cells = (cell for pair in pairs for rows in pair for row in rows for cell in row)
    numbers = {cell for cell in cells if isinstance(cell, (int, float))}
    if all(isinstance(number, int) or _is_whole(number) for number in numbers):
        return pairs
    same: dict[object, object] = {}
    anchor = None
    for number in sorted(numbers):
        if anchor is not None and _is_near(anchor, number):
            same[number] = anchor
        else:
            anchor = number
    if not same:
        return pairs

    def mapped(rows: list[Row]) -> list[Row]:
        return [tuple(same.get(c, c) if isinstance(c, (int, float)) else c for c in row) for row in rows]

    return [(mapped(pool), mapped(rows)) for pool, rows in pairs]


def _is_whole(number: float) -> bool:
    return abs(number) < _EXACT and float(number).is_integer()


def _is_near(low: float, high: float) -> bool:
    if _is_whole(low) and _is_whole(high):
        return low == high
    return high - low <= TOLERANCE * max(abs(low), abs(high))
