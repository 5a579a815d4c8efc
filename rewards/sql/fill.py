"""Rows for a schema that came without any: typed, referring to each other, and near the lines that a gold draws."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from rlstack.rewards.sql.database import emptied, quoted

_ROWS = 40
_TRIES = 4  # rows tried for each one wanted: constraints may refuse some
_MAX_TABLES = 60
_NULL = (0.1, 0.5, 0.0, 0.25)  # share of cells that may be empty, by database
_LINE = 0.5  # share of cells near a line that the gold draws
_ON_LINES = 0.25  # share of rows in which all such cells are
_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron")
_DATES = ("2019-12-31", "2020-01-01", "2020-02-29", "2021-07-15", "2022-10-03")

Reference = tuple[str, str]


def filled(
    source: sqlite3.Connection, count: int, seed: int, lines: Mapping[str, Sequence[object]]
) -> Iterator[sqlite3.Connection]:
    """`count` copies of an empty database with about forty rows in each table; none if it is not empty.

    `lines` maps column names (lower case) to values that half of the cells of such a column take. References point
    at rows that exist; rows that break another constraint are left out.
    """
    listed = source.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    ).fetchall()
    names = [name for (name,) in listed]
    if not names or len(names) > _MAX_TABLES or any(_count(source, name) for name in names):
        return
    for index in range(count):
        base = emptied(source)
        base.execute("PRAGMA foreign_keys = 0")
        rng = random.Random(seed * 1_000 + index)
        for table in _parents_first(source, names):
            _fill(base, table, lines, _NULL[index % len(_NULL)], rng)
        yield base


def _fill(
    base: sqlite3.Connection, table: str, lines: Mapping[str, Sequence[object]], empty: float, rng: random.Random
) -> None:
    facts = [fact for fact in base.execute(f"PRAGMA table_xinfo({quoted(table)})").fetchall() if fact[6] == 0]
    composite, single = _foreign_keys(base, table)
    domains = {column: _domain(base, target) for column, target in single.items()}
    groups = [(columns, _tuples(base, parent, targets)) for columns, parent, targets in composite]
    names = [fact[1] for fact in facts]
    places, marks = ", ".join(map(quoted, names)), ", ".join("?" * len(names))
    text = f"INSERT OR IGNORE INTO {quoted(table)} ({places}) VALUES ({marks})"
    alone = sum(bool(fact[5]) for fact in facts) == 1
    for number in range(_ROWS * _TRIES):
        if number % _ROWS == 0 and _count(base, table) >= _ROWS:
            break
        share = 1.0 if rng.random() < _ON_LINES else _LINE
        row = {fact[1]: _cell(fact, number if alone else None, domains, lines, empty, share, rng) for fact in facts}
        for columns, choices in groups:
            row.update(zip(columns, rng.choice(choices), strict=True) if choices else ())
        base.execute(text, [row[name] for name in names])


def _cell(
    fact: Sequence[object],
    number: int | None,
    domains: Mapping[str, Sequence[object]],
    lines: Mapping[str, Sequence[object]],
    empty: float,
    share: float,
    rng: random.Random,
) -> object:
    name, kind, required, key = str(fact[1]), str(fact[2]).upper(), bool(fact[3]), bool(fact[5])
    nullable = not required and not key
    if name in domains:
        if (nullable and rng.random() < empty) or not domains[name]:
            return None
        return rng.choice(domains[name])
    if nullable and rng.random() < empty:
        return None
    if key and number is not None:
        return number + 1 if "INT" in kind else f"{rng.choice(_WORDS)} {number}"
    values = lines.get(name.lower(), ())
    if values and rng.random() < share:
        return rng.choice(values)
    return _typed(name.lower(), kind, rng)


def _typed(name: str, kind: str, rng: random.Random) -> object:
    if "BOOL" in kind:
        return rng.randint(0, 1)
    if "INT" in kind:
        return rng.randint(1, 2 * _ROWS) if name.endswith("id") else rng.choice((0, 1, 2, 3, 5, 8, 20, 50, 100, 2020))
    if "DATE" in kind or "TIME" in kind or "date" in name:
        return rng.choice(_DATES)
    if any(part in kind for part in ("REAL", "FLOA", "DOUB", "NUM", "DEC")):
        return rng.choice((0.5, 1.0, 2.5, 10.0, 99.5, 1000.0))
    return rng.choice(_WORDS)


def _parents_first(source: sqlite3.Connection, names: Sequence[str]) -> list[str]:
    waiting = {name: {fact[2].lower() for fact in _keys(source, name)} - {name.lower()} for name in names}
    done: list[str] = []
    while waiting:
        placed = {name.lower() for name in done}
        known = {name.lower() for name in waiting}
        ready = [name for name, parents in waiting.items() if not (parents & known) - placed] or [next(iter(waiting))]
        done += ready
        for name in ready:
            del waiting[name]
    return done


def _keys(source: sqlite3.Connection, table: str) -> list[tuple[int, int, str, str, str | None]]:
    return source.execute(f"PRAGMA foreign_key_list({quoted(table)})").fetchall()


def _foreign_keys(
    base: sqlite3.Connection, table: str
) -> tuple[list[tuple[list[str], str, list[str]]], dict[str, Reference]]:
    """Composite foreign keys as (columns, parent, parent columns), single ones as column → (parent, column)."""
    grouped: dict[int, list[tuple[int, int, str, str, str | None]]] = {}
    for fact in _keys(base, table):
        grouped.setdefault(fact[0], []).append(fact)
    composite: list[tuple[list[str], str, list[str]]] = []
    single: dict[str, Reference] = {}
    for facts in grouped.values():
        parent = facts[0][2]
        primary = [f[1] for f in base.execute(f"PRAGMA table_info({quoted(parent)})").fetchall() if f[5]]
        targets = [fact[4] or (primary[at] if at < len(primary) else "rowid") for at, fact in enumerate(facts)]
        if len(facts) == 1:
            single[facts[0][3]] = (parent, targets[0])
        else:
            composite.append(([fact[3] for fact in facts], parent, targets))
    return composite, single


def _domain(base: sqlite3.Connection, target: Reference) -> list[object]:
    return [row[0] for row in _tuples(base, target[0], [target[1]])]


def _tuples(base: sqlite3.Connection, table: str, columns: Sequence[str]) -> list[tuple[object, ...]]:
    try:
        picked = ", ".join(map(quoted, columns))
        return base.execute(f"SELECT DISTINCT {picked} FROM {quoted(table)} ORDER BY {picked}").fetchall()
    except sqlite3.Error:  # the schema refers to a table that it does not have
        return []


def _count(base: sqlite3.Connection, table: str) -> int:
    return base.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()[0]
