"""More databases made from a given one, so that a query cannot match its result by accident or by constants.

Each variant is a database that the same schema allows: rows leave together with what refers to them, rows come with
keys of their own, columns are drawn anew, and values at which the gold draws a line are planted. Keys, uniqueness,
not-null and the references (declared, or visible in the data) survive, so queries that are equal under them stay
equal, while a hard-coded row, a constant or `>` for `>=` shows. The idea of judging on several fuzzed databases is
that of Zhong et al. 2020, "Semantic Evaluation for Text-to-SQL with Distilled Test Suites".
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rlstack.rewards.sql.columns import Lines, Mixer, Row, Table, grown, repeated
from rlstack.rewards.sql.database import emptied, insert, quoted

MAX_TABLE_ROWS = 1_500  # of a larger table the first so many are taken
MAX_TOTAL_ROWS = 15_000
_KEEP = 0.6  # share of rows that a thinned table keeps
_ROUNDS = 20
_REFER_ANEW = 0.6  # share of added rows that refer to another row than the one they are made from
_PLAIN_NAMES = frozenset({"id", "key", "code", "name", "title", "number", "no", "year", "date", "type"})


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns of `child` whose values must occur in columns of `parent`."""

    child: str
    child_columns: tuple[int, ...]
    parent: str
    parent_columns: tuple[int, ...]


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

    def variants(self, count: int, seed: int, lines: Lines) -> Iterator[sqlite3.Connection]:
        """At most `count` databases: in turn with columns drawn anew and more rows, with fewer rows, with both, and
        with rows right on the averages. `lines` says which values are worth having in which columns.
        """
        mixer = Mixer(self._still, self._tied, self._domains(), lines)
        for index in range(count):
            rng, kind = random.Random(seed * 1_000 + index), index % 5
            rows = {table.name: list(table.rows) for table in self.tables}
            if kind != 1:
                rows = {table.name: mixer.mixed(table, kind == 4, rng) for table in self.tables}
            if kind in (0, 2):
                rows = self._grown(rows, rng)
            if kind in (1, 3):
                rows = _thinned(rows, self._references, rng)
            if (variant := _refilled(self._connection, self.tables, rows)) is not None:
                yield variant

    def with_repeats(self, count: int, seed: int) -> Iterator[sqlite3.Connection]:
        """At most `count` databases in which rows repeat each other outside the keys: there DISTINCT shows."""
        for index in range(count if self.tables else 0):
            rng = random.Random(seed * 1_000 + index)
            fixed = self._still | (self._tied if index % 3 == 1 else self._parents)
            rows = {table.name: list(table.rows) for table in self.tables}
            if index:
                rows = self._grown(rows, rng)
            rows = {table.name: repeated(table, rows[table.name], fixed, index % 3, rng) for table in self.tables}
            if (variant := _refilled(self._connection, self.tables, rows)) is not None:
                yield variant

    def _grown(self, rows: dict[str, list[Row]], rng: random.Random) -> dict[str, list[Row]]:
        """More rows in each table, which refer to old and new ones."""
        more = {table.name: grown(table, rows[table.name], rng) for table in self.tables}
        for table in self.tables:
            mine = [reference for reference in self._references if reference.child == table.name]
            for reference in mine:
                at = reference.child_columns[0]
                only = sum(at in other.child_columns for other in mine) == 1 and len(reference.child_columns) == 1
                if only and at not in table.unique and reference.parent != table.name:
                    targets = [row[reference.parent_columns[0]] for row in more[reference.parent]]
                    start = len(rows[table.name])
                    for place in range(start, len(more[table.name])):
                        if more[table.name][place][at] is not None and rng.random() < _REFER_ANEW:
                            row = more[table.name][place]
                            more[table.name][place] = (*row[:at], rng.choice(targets), *row[at + 1 :])
        return more

    def _domains(self) -> dict[tuple[str, int], tuple[object, ...]]:
        """What a column may refer to: the values of another table's column, for references of one column."""
        rows = {table.name: table.rows for table in self.tables}
        found: dict[tuple[str, int], tuple[object, ...]] = {}
        for reference in self._references:
            if len(reference.child_columns) == 1 and reference.child != reference.parent:
                place = (reference.child, reference.child_columns[0])
                values = tuple(row[reference.parent_columns[0]] for row in rows[reference.parent])
                before = found.get(place)
                found[place] = values if before is None else tuple(v for v in before if v in set(values))
        return found


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
