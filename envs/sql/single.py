"""Levels 0 and 1: queries of one table."""

from __future__ import annotations

import random

from rlstack.envs.sql.tables import Number, Task, schemas, script, two

ASK = "One SQLite query, nothing else."


def one_condition(rng: random.Random) -> Task:
    """Level 0: a table of two columns, one of them selected, one condition."""
    schema = rng.choice(schemas())
    number = rng.choice((schema.first, schema.second))
    limit = rng.randint(number.low + 1, number.high - 1)
    word, sign = rng.choice((("over", ">"), ("under", "<")))
    databases = tuple(
        script(schema.child, f"name TEXT, {number.column} INTEGER", _around(rng, number, limit, schema.labels))
        for _ in range(2)
    )
    question = f"SQL for {schema.child}(name, {number.column}): name where {number.column} is {word} {limit}."
    return Task(question, f"SELECT name FROM {schema.child} WHERE {number.column} {sign} {limit}", databases)


def _around(rng: random.Random, number: Number, limit: int, labels: tuple[str, ...]) -> list[tuple[str | int, ...]]:
    """Rows below, at and above a limit, so that each bound and each missing condition shows."""
    values = [limit, limit - 1, limit + 1, *(rng.randint(number.low, number.high) for _ in range(5))]
    rng.shuffle(values)
    return list(zip(rng.sample(labels, len(values)), values, strict=True))


def count_over(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    limit = rng.randint(s.first.low, (s.first.low + s.first.high) // 2)
    kind = rng.choice(s.kinds)
    return Task(
        f"{s.child_text}: how many {s.child} with {s.kind} {kind} have {s.first.column} over {limit}? {ASK}",
        f"SELECT COUNT(*) FROM {s.child} WHERE {s.kind} = '{kind}' AND {s.first.column} > {limit}",
        two(s, rng),
    )


def average_of_kind(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    kind = rng.choice(s.kinds)
    word, function = rng.choice((("average", "AVG"), ("highest", "MAX"), ("lowest", "MIN"), ("total", "SUM")))
    return Task(
        f"{s.child_text}: what is the {word} {s.second.column} of {s.child} with {s.kind} {kind}? {ASK}",
        f"SELECT {function}({s.second.column}) FROM {s.child} WHERE {s.kind} = '{kind}'",
        two(s, rng),
    )


def top_three(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    word, order = rng.choice((("highest", "DESC"), ("lowest", "ASC")))
    n = rng.randint(2, 4)
    return Task(
        f"{s.child_text}: names and {s.first.column} of the {n} {s.child} with the {word} {s.first.column}, {word} "
        f"first. {ASK}",
        f"SELECT name, {s.first.column} FROM {s.child} ORDER BY {s.first.column} {order} LIMIT {n}",
        two(s, rng),
    )


def two_conditions(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    low = rng.randint(s.first.low, (s.first.low + s.first.high) // 2)
    high = rng.randint((s.second.low + s.second.high) // 2, s.second.high)
    joint, operator = rng.choice((("and", "AND"), ("or", "OR")))
    return Task(
        f"{s.child_text}: names of {s.child} with {s.first.column} over {low} {joint} {s.second.column} under {high}. "
        f"{ASK}",
        f"SELECT name FROM {s.child} WHERE {s.first.column} > {low} {operator} {s.second.column} < {high}",
        two(s, rng),
    )


def kinds_with(rng: random.Random) -> Task:
    s = rng.choice(schemas())
    limit = rng.randint((s.first.low + s.first.high) // 2, s.first.high - 1)
    return Task(
        f"{s.child_text}: which different {s.kind} values occur among {s.child} with {s.first.column} of at least "
        f"{limit}? {ASK}",
        f"SELECT DISTINCT {s.kind} FROM {s.child} WHERE {s.first.column} >= {limit}",
        two(s, rng),
    )
