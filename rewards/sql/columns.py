"""Tables drawn anew for a variant: columns mixed and varied, values planted, rows added or repeated.

Keys, uniqueness and references stay as they are; so does the property of a column to hold no value twice, outside
numbers and dates of added rows.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import count

_PLANT = 0.35  # share of cells that take a value worth having
_TOGETHER = 0.5  # chance that all columns take theirs in the same rows, so that conditions are met together
_REFER = 0.5  # share of references drawn anew
_VARY = 0.25  # share of numbers drawn anew
_FEW = 4  # different numbers up to which a column is a code and not a measure
_REPEAT = (0.4, 1.0, 0.7)  # share of rows that repeat another, by variant
_DONORS = (1_000, 2, 4)  # rows that are repeated, by variant
_GROW = 20  # rows added at most, and half of it at least
_GROWS_BELOW = 60

Row = tuple[object, ...]
Place = tuple[str, int]  # table, position of the column


@dataclass(frozen=True, slots=True)
class Table:
    """One base table: `keyed` are positions in its keys of several columns or its primary key, `unique` in any key."""

    name: str
    columns: tuple[str, ...]
    keyed: frozenset[int]
    unique: frozenset[int]
    checked: bool  # a CHECK may tie columns together, so they are not shuffled
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """What a gold query asks of columns, by their names in lower case."""

    values: Mapping[str, Sequence[object]] = field(
        default_factory=dict
    )  # worth having there: its literals and neighbours
    averaged: frozenset[str] = frozenset()  # averages are taken of them: some row should lie right on it


@dataclass(frozen=True, slots=True)
class Mixer:
    """Draws the columns of tables anew.

    Columns of a composite reference stand `still`; those `tied` by any reference take values of `domains` or are
    permuted.
    """

    still: Set[Place]
    tied: Set[Place]
    domains: Mapping[Place, Sequence[object]]
    lines: Lines

    def mixed(self, table: Table, balanced: bool, rng: random.Random) -> list[Row]:
        """The rows with each column outside the keys drawn on its own; `balanced` puts rows right on averages."""
        if table.checked or not table.rows:
            return list(table.rows)
        columns = [list(column) for column in zip(*table.rows, strict=True)]
        size = len(table.rows)
        places = rng.sample(range(size), size)
        together = rng.random() < _TOGETHER
        for at, column in enumerate(columns):
            if at not in table.keyed and (table.name, at) not in self.still:
                column = columns[at] = self._drawn(table, at, column, balanced, rng)
                values = self.lines.values.get(table.columns[at].lower(), ())
                if values and (table.name, at) not in self.tied:
                    repeats = len({row[at] for row in table.rows}) < size
                    _plant(column, values, repeats, places if together else rng.sample(range(size), size), rng)
        return list(zip(*columns, strict=True))

    def _drawn(self, table: Table, at: int, column: list[object], balanced: bool, rng: random.Random) -> list[object]:
        place, repeats = (table.name, at), len(set(column)) < len(column)
        if place in self.tied or at in table.unique:
            rng.shuffle(column)
            if repeats and (domain := self.domains.get(place)):
                return [rng.choice(domain) if c is not None and rng.random() < _REFER else c for c in column]
            if place in self.tied:
                return column
        elif repeats:
            column = rng.choices(column, k=len(column))
        else:
            rng.shuffle(column)
        name = table.columns[at].lower()
        if at not in table.unique:
            varied = (
                _balanced(column, rng) if balanced and name in self.lines.averaged else _varied(column, repeats, rng)
            )
            column = column if varied is None else varied
        return column


def _numbers(column: Sequence[object]) -> list[int] | list[float] | None:
    """The numbers of a column of numbers that measure something, None for any other column."""
    present = [cell for cell in column if cell is not None]
    if all(type(cell) is int for cell in present):
        numbers = [cell for cell in present if type(cell) is int]
        return numbers if len(set(numbers)) > _FEW else None
    floats = [float(cell) for cell in present if isinstance(cell, int | float)]
    return floats if len(floats) == len(present) and len(set(floats)) > _FEW else None


def _varied(column: Sequence[object], repeats: bool, rng: random.Random) -> list[object] | None:
    """A quarter of the numbers drawn anew between the smallest and the largest."""
    numbers = _numbers(column)
    if numbers is None:
        return None
    low, high, used = min(numbers), max(numbers), set(column)
    whole = all(float(number).is_integer() for number in numbers)
    varied: list[object] = []
    for cell in column:
        if cell is not None and rng.random() < _VARY and abs(low) + abs(high) < 1e15:
            fresh = rng.randint(int(low), int(high)) if whole else round(rng.uniform(low, high), 2)
            if repeats or fresh not in used:
                used.add(fresh)
                cell = type(numbers[0])(fresh)
        varied.append(cell)
    return varied


def _balanced(column: Sequence[object], rng: random.Random) -> list[object] | None:
    """Numbers as many above as below the rest, which then are the average."""
    present = [cell for cell in column if isinstance(cell, int | float)]
    if len(present) < 3 or len(present) + column.count(None) < len(column):
        return None
    middle = round(sorted(present)[len(present) // 2])
    away = max(1, round(max(present)) - middle)
    third = len(present) // 3
    drawn = [middle - away] * third + [middle + away] * third + [middle] * (len(present) - 2 * third)
    rng.shuffle(drawn)
    whole = all(isinstance(cell, int) for cell in present)
    return [None if cell is None else drawn.pop() if whole else float(drawn.pop()) for cell in column]


def _plant(
    column: list[object], values: Sequence[object], repeats: bool, places: Sequence[int], rng: random.Random
) -> None:
    """Put the values in the first of `places`; a column without repeats keeps that property."""
    present = set(column)
    usable = list(values) if repeats else [value for value in values if value not in present]
    rng.shuffle(usable)
    share = round(_PLANT * len(column)) if repeats else 0
    wanted = min(len(column), max(share, len(usable))) if usable else 0
    for turn, place in enumerate(places[:wanted]):
        column[place] = usable[turn % len(usable)]


def grown(table: Table, rows: list[Row], rng: random.Random) -> list[Row]:
    """The rows and as many again under new keys, ten to twenty; a table whose keys cannot be made up keeps its rows.

    Texts that were all different stay so.
    """
    if table.checked or not rows or len(rows) >= _GROWS_BELOW or len(table.unique) > 1:
        return rows
    key = next(iter(table.unique), None)
    used = [row[key] for row in rows] if key is not None else []
    if any(type(value) is not int for value in used):
        return rows
    fresh = count(1 + max((value for value in used if type(value) is int), default=0))
    names = {
        at
        for at, column in enumerate(zip(*rows, strict=True))
        if len(set(column)) == len(column) and all(isinstance(cell, str) and not cell[:1].isdigit() for cell in column)
    }
    donors = rng.sample(rows, (len(rows) + 1) // 2)  # half of them, so that groups grow unevenly
    added: list[Row] = []
    for number in range(min(max(len(rows), _GROW // 2), _GROW)):
        row = rng.choice(donors)
        cells = [f"{cell} {number + 2}" if at in names else cell for at, cell in enumerate(row)]
        if key is not None:
            cells[key] = next(fresh)
        added.append(tuple(cells))
    return rows + added


def repeated(table: Table, rows: list[Row], fixed: Set[Place], variant: int, rng: random.Random) -> list[Row]:
    """The rows, many of them with what is outside the keys taken from another row."""
    if table.checked or len(rows) < 2:
        return rows
    kept = {at for at in range(len(table.columns)) if at in table.unique or (table.name, at) in fixed}
    donors = rng.sample(rows, min(len(rows), _DONORS[variant]))
    for at in rng.sample(range(len(rows)), max(1, round(_REPEAT[variant] * len(rows)))):
        other = rng.choice(donors)
        rows[at] = tuple(cell if column in kept else other[column] for column, cell in enumerate(rows[at]))
    return rows
