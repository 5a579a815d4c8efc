"""The databases that judge one gold: those given, then variants of the first that has rows."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rlstack.rewards.sql.compare import Segment, difference
from rlstack.rewards.sql.database import connect, database
from rlstack.rewards.sql.fill import filled
from rlstack.rewards.sql.guard import Guarded, Row
from rlstack.rewards.sql.lines import lines
from rlstack.rewards.sql.order import segments, sorts_result
from rlstack.rewards.sql.statement import Statement, StatementError, parsed
from rlstack.rewards.sql.variants import Source

_SEED = 20
_WANTED = 7  # databases in all, where the data does not say how many variants to make
_FEWEST = 4  # variants, however many databases are given
_MOST_STEPS = 10_000_000  # of the gold on variants: a costly gold gets fewer of them
_REPEATS = 3  # databases with rows that repeat each other
_TRIES = 5  # variants made for each one wanted: some are not fit to judge


class GoldError(ValueError):
    """The gold or its databases cannot judge anything; the message says why."""


Kind = Literal["given", "variant", "repeats"]  # the last only judges answers that drop repeats in another way


@dataclass(frozen=True, slots=True)
class Case:
    """One database and the result that is wanted there."""

    base: Guarded
    wanted: tuple[Segment, ...]
    kind: Kind
    steps: int  # work of the gold

    @property
    def n_rows(self) -> int:
        return sum(segment.take for segment in self.wanted)


@dataclass(frozen=True, slots=True)
class Suite:
    """A gold with its cases."""

    statement: Statement
    cases: tuple[Case, ...]
    tables: frozenset[str]
    ordered: bool  # the order shows: some result has rows that a sort keeps apart
    varies: bool  # the databases give different results


def suite(gold: str, sources: Sequence[str | Mapping[str, Any]], extra: int | None) -> Suite:
    """Run the gold on every database and on `extra` variants (None: as many as are needed to tell queries apart).

    Raises `GoldError` and `DatabaseError`.
    """
    if not sources:
        raise GoldError("no database given")
    try:
        statement = parsed(gold)
    except StatementError as error:
        raise GoldError(f"gold: {error}") from None
    cases: list[Case] = []
    tables: frozenset[str] = frozenset()
    for source in sources:
        case, reads = _case(statement, database(source), "given")
        cases.append(case)
        tables |= reads
    for case, reads in _more(statement, sources, extra):
        cases.append(case)
        tables |= reads
    if not any(case.n_rows for case in cases):
        raise GoldError("the gold is empty on every database, which tells no two queries apart")
    ordered = sorts_result(statement) and any(len(case.wanted) > 1 for case in cases)
    return Suite(statement, tuple(cases), tables, ordered, _varies(cases))


def _case(statement: Statement, base: Guarded, kind: Kind) -> tuple[Case, frozenset[str]]:
    outcome = base.run(statement.text, statement.local_names)
    if outcome.fault:
        raise GoldError(f"gold: {outcome.fault}")
    return Case(base, segments(statement, base, outcome), kind, outcome.steps), outcome.reads


def _is_clear(case: Case) -> bool:
    """Whether a variant is fit to judge: no ties cut by a limit, and not just "nothing".

    At both, queries that answer the same question differ: `ORDER BY x LIMIT 1` and `x = (SELECT min(x) ..)` on ties,
    `max(x)` and `ORDER BY x DESC LIMIT 1` where no row is left.
    """
    if any(segment.take < len(segment.pool) for segment in case.wanted):
        return False
    return case.n_rows > 1 or any(
        cell not in (None, 0) for segment in case.wanted for row in segment.pool for cell in row
    )


def _more(
    statement: Statement, sources: Sequence[str | Mapping[str, Any]], extra: int | None
) -> list[tuple[Case, frozenset[str]]]:
    count = max(_FEWEST, _WANTED - len(sources)) if extra is None else extra
    if count <= 0:
        return []
    values = lines(statement.tree)
    seed = _SEED + zlib.crc32(statement.text.encode())
    for source in sources:
        connection = connect(source)
        origin = Source(connection)
        found = _clear(statement, origin.variants(_TRIES * count, seed, values), "variant", count)
        found += _clear(statement, origin.with_repeats(_REPEATS, seed), "repeats", _REPEATS)
        connection.close()
        if origin.tables:
            return found
    connection = connect(sources[0])
    found = _clear(statement, filled(connection, _TRIES * count, seed, values.values), "variant", count)
    connection.close()
    return found


def _clear(
    statement: Statement, connections: Iterator[sqlite3.Connection], kind: Kind, count: int
) -> list[tuple[Case, frozenset[str]]]:
    """The first `count` of the databases that are fit to judge."""
    found: list[tuple[Case, frozenset[str]]] = []
    steps = 0
    for connection in connections:
        try:
            case, reads = _case(statement, Guarded(connection), kind)
        except GoldError:
            continue
        if _is_clear(case):
            found.append((case, reads))
        steps += case.steps
        if len(found) == count or steps > _MOST_STEPS:
            break
    return found


def _varies(cases: Sequence[Case]) -> bool:
    def rows(case: Case) -> list[Row]:
        return [row for segment in case.wanted for row in segment.pool[: segment.take]]

    first = rows(cases[0])
    return any(difference([(Segment(len(first), tuple(first)),)], [rows(case)]) for case in cases[1:])
