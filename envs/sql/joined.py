"""Levels 2 and 3: joins, groups and nested queries."""

from __future__ import annotations

import random

from rlstack.envs.sql.single import ASK
from rlstack.envs.sql.tables import Schema, Task, schemas, two


def _task(s: Schema, question: str, gold: str, rng: random.Random) -> Task:
    return Task(f"{s.text}: {question} {ASK}", gold, two(s, rng))


def _join(s: Schema, kind: str = "JOIN") -> str:
    return f"{s.parent} p {kind} {s.child} c ON c.{s.key} = p.id"


def _only(s: Schema, rng: random.Random, table: str = "c") -> tuple[str, str]:
    """A restriction of the children, in words and in SQL."""
    match rng.randrange(3):
        case 0:
            limit = rng.randint(s.second.low, (s.second.low + s.second.high) // 2)
            return f"with {s.second.column} over {limit}", f"{table}.{s.second.column} > {limit}"
        case 1:
            limit = rng.randint((s.first.low + s.first.high) // 2, s.first.high)
            return f"with {s.first.column} under {limit}", f"{table}.{s.first.column} < {limit}"
        case _:
            kind = rng.choice(s.kinds)
            return f"whose {s.kind} is not {kind}", f"{table}.{s.kind} <> '{kind}'"


# ---- level 2 ------------------------------------------------------------------------------------------


def children_per_parent(rng: random.Random) -> Task:
    s, least = rng.choice(schemas()), rng.randint(2, 3)
    words, only = _only(s, rng)
    return _task(
        s,
        f"name and number of {s.child} {words}, of each of the {s.parent} that has at least {least} of them.",
        f"SELECT p.name, COUNT(*) FROM {_join(s)} WHERE {only} GROUP BY p.id HAVING COUNT(*) >= {least}",
        rng,
    )


def of_parent_kind(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    kind = rng.choice(s.parent_kinds)
    words, only = _only(s, rng)
    return _task(
        s,
        f"names of the {s.child} {words} that belong to {s.parent} with {s.parent_kind} {kind}, by name.",
        f"SELECT c.name FROM {_join(s)} WHERE p.{s.parent_kind} = '{kind}' AND {only} ORDER BY c.name",
        rng,
    )


def totals_per_kind(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    words, only = _only(s, rng)
    total = f"SUM(c.{s.second.column})"
    return _task(
        s,
        f"for each {s.parent_kind} of the {s.parent}, the total {s.second.column} of their {s.child} {words}, highest "
        "total first.",
        f"SELECT p.{s.parent_kind}, {total} FROM {_join(s)} WHERE {only} GROUP BY p.{s.parent_kind} "
        f"ORDER BY {total} DESC",
        rng,
    )


def best_per_parent(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    words, only = _only(s, rng)
    return _task(
        s,
        f"name of each of the {s.parent} with the highest {s.first.column} among its {s.child} {words}.",
        f"SELECT p.name, MAX(c.{s.first.column}) FROM {_join(s)} WHERE {only} GROUP BY p.id",
        rng,
    )


def with_none(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    words, only = _only(s, rng)
    return _task(
        s,
        f"name of each of the {s.parent} with its number of {s.child} {words}, also where it is 0.",
        f"SELECT p.name, COUNT(c.id) FROM {_join(s, 'LEFT JOIN')} AND {only} GROUP BY p.id",
        rng,
    )


# ---- level 3 ------------------------------------------------------------------------------------------


def above_own_mean(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    n, (words, only) = s.first.column, _only(s, rng)
    return _task(
        s,
        f"names of the {s.child} {words} whose {n} is over the average {n} of all {s.child} of the same {s.key}.",
        f"SELECT c.name FROM {s.child} c WHERE {only} AND c.{n} > (SELECT AVG(d.{n}) FROM {s.child} d "
        f"WHERE d.{s.key} = c.{s.key})",
        rng,
    )


def parents_without(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    kind, (words, only) = rng.choice(s.kinds), _only(s, rng)
    return _task(
        s,
        f"names of the {s.parent} that have no {s.child} {words} and with {s.kind} {kind}.",
        f"SELECT p.name FROM {s.parent} p WHERE NOT EXISTS (SELECT 1 FROM {s.child} c WHERE c.{s.key} = p.id "
        f"AND {only} AND c.{s.kind} = '{kind}')",
        rng,
    )


def first_of_kind(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    n, (words, only) = s.second.column, _only(s, rng, "d")
    return _task(
        s,
        f"for each {s.kind}, {s.kind}, name and {n} of the {s.child} {words} with the highest {n} of those "
        "(all on a tie).",
        f"SELECT c.{s.kind}, c.name, c.{n} FROM {s.child} c WHERE {only.replace('d.', 'c.', 1)} AND c.{n} = (SELECT "
        f"MAX(d.{n}) FROM {s.child} d WHERE d.{s.kind} = c.{s.kind} AND {only})",
        rng,
    )


def rich_parents(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    n, (words, only) = s.second.column, _only(s, rng)
    return _task(
        s,
        f"names of the {s.parent} whose total {n} over their {s.child} {words} is above the average of these totals "
        f"(over {s.parent} that have such {s.child}).",
        f"WITH totals AS (SELECT c.{s.key} AS k, SUM(c.{n}) AS total FROM {s.child} c WHERE {only} GROUP BY c.{s.key}) "
        f"SELECT p.name FROM {s.parent} p JOIN totals t ON t.k = p.id WHERE t.total > (SELECT AVG(total) FROM totals)",
        rng,
    )


def second_best(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    n, (words, only) = s.first.column, _only(s, rng, "d")
    return _task(
        s,
        f"for each of the {s.parent} with at least two different values, its name and the second highest {n} among its "
        f"{s.child} {words} (of the different values).",
        f"SELECT p.name, MAX(c.{n}) FROM {_join(s)} WHERE {only.replace('d.', 'c.', 1)} AND c.{n} < (SELECT MAX(d.{n}) "
        f"FROM {s.child} d WHERE d.{s.key} = p.id AND {only}) GROUP BY p.id",
        rng,
    )
