"""More databases made from a given one, so that a query cannot match its result by accident or by constants.

Each variant is a database that the same schema allows: rows leave together with what refers to them, columns are
shuffled, and values at which the gold draws a line are planted. Keys, uniqueness, not-null and the references
(declared, or visible in the data) survive, so queries that are equal under them stay equal, while a hard-coded
row, a constant or `>` for `>=` shows. The idea of judging on several fuzzed databases is that of Zhong et al. 2020,
"Semantic Evaluation for Text-to-SQL with Distilled Test Suites".
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from rlstack.rewards.sql.database import emptied, insert, quoted

MAX_TABLE_ROWS = 1_500  # of a larger table the first so many are taken
MAX_TOTAL_ROWS = 15_000
_KEEP = 0.6  # share of rows that a thinned table keeps
_PLANT = 0.35
_REPEAT = 0.4
_ROUNDS = 20
_PLAIN_NAMES = frozenset({"id", "key", "code", "name", "title", "number", "no", "year", "date", "type"})

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns of `child` whose values must occur in columns of `parent`."""

    child: str
    child_columns: tuple[int, ...]
    parent: str
    parent_columns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One base table: `keyed` are positions in its keys of several columns or its primary key, `unique` in any key."""

    name: str
    columns: tuple[str, ...]
    keyed: frozenset[int]
    unique: frozenset[int]
    checked: bool  # a CHECK may tie columns together, so they are not shuffled
    rows: tuple[Row, ...]


class Source:
    """A database taken apart, from which variants are made."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Reads the rows. Without `tables` afterwards there is nothing to vary: too large, empty, or not ordinary."""
        self._connection = connection
        self.tables = _tables(connection)
        if not any(table.rows for table in self.tables):
            self.tables = ()
        references = self._references = _references(connection, self.tables)
        self.tables = _closed(self.tables, references)
        self._parents = {(r.parent, c) for r in references for c in r.parent_columns}
        self._tied = self._parents | {(r.child, c) for r in references for c in r.child_columns}
        self._still = {(r.child, c) for r in references if len(r.child_columns) > 1 for c in r.child_columns}

    def variants(self, count: int, seed: int, lines: Mapping[str, Sequence[object]]) -> Iterator[sqlite3.Connection]:
        """At most `count` databases: in turn with shuffled columns, with thinned rows, and with both.

        `lines` maps column names (lower case) to values worth planting there.
        """
        for index in range(count):
            rng = random.Random(seed * 1_000 + index)
            rows = {table.name: list(table.rows) for table in self.tables}
            if index % 3 != 1:
                rows = {table.name: _mixed(table, self._still, self._tied, lines, rng) for table in self.tables}
            if index % 3 != 0:
                rows = _thinned(rows, self._references, rng)
            if (variant := _refilled(self._connection, self.tables, rows)) is not None:
                yield variant

    def with_repeats(self, count: int, seed: int) -> Iterator[sqlite3.Connection]:
        """At most `count` databases in which rows repeat each other outside the keys: there DISTINCT shows."""
        for index in range(count if self.tables else 0):
            rng = random.Random(seed * 1_000 + index)
            rows = {table.name: _repeated(table, self._still | self._parents, rng) for table in self.tables}
            if (variant := _refilled(self._connection, self.tables, rows)) is not None:
                yield variant


def _refilled(
    source: sqlite3.Connection, tables: Sequence[Table], rows: dict[str, list[Row]]
) -> sqlite3.Connection | None:
    variant = emptied(source)
    variant.execute("PRAGMA foreign_keys = 0")
    try:
        for table in tables:
            insert(variant, table.name, rows[table.name], table.columns)
    except sqlite3.Error:  # a constraint that spans rows or is hidden in an index: this variant is not a legal one
        variant.close()
        return None
    return variant


def _thinned(rows: dict[str, list[Row]], references: Sequence[Reference], rng: random.Random) -> dict[str, list[Row]]:
    """About 60 % of the rows of each table, never the first of three or more, closed under the references."""
    kept: dict[str, list[Row]] = {}
    for name, table in rows.items():
        start = int(len(table) > 2)  # so that the largest of the running numbers is not their count
        kept[name] = [row for row in table[start:] if rng.random() < _KEEP] or table[-1:]
    before = {reference: _values(rows[reference.parent], reference.parent_columns) for reference in references}
    for _ in range(_ROUNDS):
        changed = False
        for reference in references:
            gone = before[reference] - _values(kept[reference.parent], reference.parent_columns)
            child = kept[reference.child]
            stay = [row for row in child if _value(row, reference.child_columns) not in gone]
            changed |= len(stay) != len(child)
            kept[reference.child] = stay
        if not changed:
            break
    return kept


def _closed(tables: Sequence[Table], references: Sequence[Reference]) -> tuple[Table, ...]:
    """The tables without rows that refer to what was cut off a long table."""
    rows = {table.name: table.rows for table in tables}
    cut = {name for name, those in rows.items() if len(those) == MAX_TABLE_ROWS}
    for _ in range(_ROUNDS if cut else 0):
        for reference in references:
            if reference.parent in cut:
                there = _values(rows[reference.parent], reference.parent_columns)
                keys = [(row, _value(row, reference.child_columns)) for row in rows[reference.child]]
                rows[reference.child] = tuple(row for row, key in keys if None in key or key in there)
    return tuple(replace(table, rows=rows[table.name]) for table in tables)


def _mixed(
    table: Table,
    still: Set[tuple[str, int]],
    tied: Set[tuple[str, int]],
    lines: Mapping[str, Sequence[object]],
    rng: random.Random,
) -> list[Row]:
    """The rows with each column outside the keys permuted on its own, and lines planted in a third of its cells.

    Columns of a composite reference stand `still`; those `tied` by any reference are permuted but not planted.
    """
    if table.checked or not table.rows:
        return list(table.rows)
    columns = [list(column) for column in zip(*table.rows, strict=True)]
    for at, column in enumerate(columns):
        if at in table.keyed or (table.name, at) in still:
            continue
        rng.shuffle(column)
        values = lines.get(table.columns[at].lower(), ())
        if values and (table.name, at) not in tied:
            columns[at] = _planted(column, values, rng)
    return list(zip(*columns, strict=True))


def _repeated(table: Table, fixed: Set[tuple[str, int]], rng: random.Random) -> list[Row]:
    """The rows, two fifths of them with what is outside the keys taken from another row."""
    rows = list(table.rows)
    if table.checked or len(rows) < 2:
        return rows
    kept = {at for at in range(len(table.columns)) if at in table.unique or (table.name, at) in fixed}
    for at in rng.sample(range(len(rows)), max(1, round(_REPEAT * len(rows)))):
        other = rng.choice(rows)
        rows[at] = tuple(cell if column in kept else other[column] for column, cell in enumerate(rows[at]))
    return rows


def _planted(column: list[object], values: Sequence[object], rng: random.Random) -> list[object]:
    """The column with some cells replaced by the values; a column without repeats keeps that property."""
    present = set(column)
    repeats = len(present) < len(column)
    usable = list(values) if repeats else [value for value in values if value not in present]
    rng.shuffle(usable)
    share = round(_PLANT * len(column)) if repeats else 0
    count = min(len(column), max(share, len(usable))) if usable else 0
    for turn, cell in enumerate(rng.sample(range(len(column)), count)):
        column[cell] = usable[turn % len(usable)]
    return column


def _tables(source: sqlite3.Connection) -> tuple[Table, ...]:
    """All base tables with their rows; none if there are too many rows or a table is not ordinary."""
    tables: list[Table] = []
    room = MAX_TOTAL_ROWS
    listed = source.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
    for name, sql in listed:
        if sql is None or sql.lstrip()[:14].upper() == "CREATE VIRTUAL":
            return ()
        facts = source.execute(f"PRAGMA table_xinfo({quoted(name)})").fetchall()
        columns = [fact[1] for fact in facts if fact[6] == 0]
        if len(columns) != len(facts):  # generated columns: what they compute from may be keyed
            return ()
        picked = ", ".join(map(quoted, columns))
        rows = source.execute(f"SELECT {picked} FROM {quoted(name)} LIMIT {MAX_TABLE_ROWS}").fetchall()
        room -= len(rows)
        if room < 0:
            return ()
        primary = {at for at, fact in enumerate(facts) if fact[5]}
        joint, alone = _unique_positions(source, name, columns)
        alone |= {at for at, column in enumerate(columns) if column.lower().endswith("id") and _differ(rows, at)}
        keyed, unique = frozenset(primary | joint), frozenset(primary | joint | alone)
        tables.append(Table(name, tuple(columns), keyed, unique, "CHECK" in sql.upper(), tuple(rows)))
    return tuple(tables)


def _unique_positions(source: sqlite3.Connection, table: str, columns: Sequence[str]) -> tuple[set[int], set[int]]:
    """Positions in unique indexes of several columns, and in those of one (shuffled alone, that one stays unique)."""
    joint: set[int] = set()
    alone: set[int] = set()
    for index in source.execute(f"PRAGMA index_list({quoted(table)})").fetchall():
        members = [row[2] for row in source.execute(f"PRAGMA index_info({quoted(index[1])})").fetchall()]
        if index[2]:
            found = {columns.index(member) for member in members if member in columns}
            (joint if len(members) > 1 or None in members else alone).update(found)
    return joint, alone


def _differ(rows: Sequence[Row], at: int) -> bool:
    return len({row[at] for row in rows}) == len(rows)


def _references(source: sqlite3.Connection, tables: Sequence[Table]) -> list[Reference]:
    by_name = {table.name.lower(): table for table in tables}
    found: list[Reference] = []
    for table in tables:
        keys: dict[int, list[tuple[str, str, str | None]]] = {}
        for fact in source.execute(f"PRAGMA foreign_key_list({quoted(table.name)})").fetchall():
            keys.setdefault(fact[0], []).append((fact[2], fact[3], fact[4]))
        for parts in keys.values():
            parent = by_name.get(parts[0][0].lower())
            if parent and (reference := _declared(source, table, parent, parts)):
                found.append(reference)
    declared = {(reference.child, reference.child_columns) for reference in found}
    return found + [guess for guess in _visible(tables) if (guess.child, guess.child_columns) not in declared]


def _declared(
    source: sqlite3.Connection, child: Table, parent: Table, parts: Sequence[tuple[str, str, str | None]]
) -> Reference | None:
    target = [to for _, _, to in parts if to is not None]
    if not target:
        facts = source.execute(f"PRAGMA table_info({quoted(parent.name)})").fetchall()
        target = [fact[1] for fact in sorted(facts, key=lambda fact: fact[5]) if fact[5]]
    mine = [column.lower() for column in child.columns]
    theirs = [column.lower() for column in parent.columns]
    try:
        at = tuple(mine.index(origin.lower()) for _, origin, _ in parts)
        to = tuple(theirs.index(column.lower()) for column in target)
    except ValueError:
        return None
    return Reference(child.name, at, parent.name, to) if len(at) == len(to) else None


def _visible(tables: Sequence[Table]) -> list[Reference]:
    """References nobody declared: a column whose values all occur in a unique column of a related name."""
    found: list[Reference] = []
    for parent in tables:
        for to, target in enumerate(parent.columns):
            values = [_value(row, (to,))[0] for row in parent.rows]
            domain = set(values)
            if not values or len(domain) != len(values) or None in domain:
                continue
            for child in tables:
                for at, column in enumerate(child.columns):
                    if (child is parent and at == to) or not _related(column, target, parent.name):
                        continue
                    used = {_value(row, (at,))[0] for row in child.rows if row[at] is not None}
                    if used and used <= domain and not (child.name == parent.name and used == domain):
                        found.append(Reference(child.name, (at,), parent.name, (to,)))
    return found


def _related(column: str, target: str, parent: str) -> bool:
    """`author_id` or `author` relates to `authors.id`; `id` relates to nothing, since every table has one."""
    name, aim, table = column.lower(), target.lower(), parent.lower().rstrip("s")
    if aim not in _PLAIN_NAMES and len(aim) > 2 and aim in name:
        return True
    return len(table) > 2 and table in name


def _values(rows: Sequence[Row], columns: Sequence[int]) -> set[tuple[object, ...]]:
    return {_value(row, columns) for row in rows}


def _value(row: Row, columns: Sequence[int]) -> tuple[object, ...]:
    """What is compared across a reference: a number stored as text equals the number, as in SQLite."""
    return tuple(str(cell) if isinstance(cell, int) else cell for cell in map(row.__getitem__, columns))
