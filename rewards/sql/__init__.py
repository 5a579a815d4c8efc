"""SQL answers, judged by execution.

    data = {"gold": "SELECT ..", "databases": [path | script | {"ddl": str, "rows": {table: [[..]]}}, ..],
            "dialect"?: "sqlite"}

The answer is one SELECT/WITH query: the whole text, or the one ```sql block in it. Gold and answer run on every
database, read-only and under guard. Results are compared as multisets of rows, columns by content (one
assignment for all databases), in order only where the gold's outermost query sorts, ties free. Components: `parses`,
`runs`, `tables` (share of the gold's tables that the answer reads), `result`; the value is 1 only if the
results agree everywhere and the answer reads a table of the gold.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards.sql.compare import Segment, difference
from rlstack.rewards.sql.database import DatabaseError, database
from rlstack.rewards.sql.guard import MAX_ROWS, Guarded, Row
from rlstack.rewards.sql.order import segments, sorts_result
from rlstack.rewards.sql.statement import Statement, StatementError, parsed, sql_of

__all__ = ["score"]

DEADLINE_S = 4.0
_CACHE_SIZE = 256


class GoldError(ValueError):
    """The gold or its databases cannot judge anything; the message says why."""


@dataclass(frozen=True, slots=True)
class Gold:
    """The wanted result on every database."""

    statement: Statement
    wanted: tuple[tuple[Segment, ...], ...]  # per database
    tables: frozenset[str]
    ordered: bool  # the order shows: some result has rows that a sort keeps apart
    varies: bool  # the databases give different results


_golds: OrderedDict[str, Gold] = OrderedDict()


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """Judge one SQL answer; a gold that does not run, or is empty on every database, is `invalid`."""
    dialect = data.get("dialect", "sqlite")
    if dialect != "sqlite":
        return invalid(f"dialect is {dialect!r}; allowed: sqlite")
    try:
        databases = [database(source) for source in data["databases"]]
        gold = _gold(data, databases)
    except (DatabaseError, GoldError) as error:
        return invalid(str(error))
    try:
        answer = parsed(sql_of(response.answer))
    except StatementError as error:
        return judged(0.0, str(error), parses=0.0, runs=0.0, tables=0.0, result=0.0)
    return _verdict(answer, gold, databases)


def _verdict(answer: Statement, gold: Gold, databases: Sequence[Guarded]) -> Score:
    found: list[Sequence[Row]] = []
    reads: frozenset[str] = frozenset()
    for base, wanted in zip(databases, gold.wanted, strict=True):
        count = sum(segment.take for segment in wanted)
        outcome = base.run(answer.text, answer.local_names, max_rows=min(MAX_ROWS, 2 * count + 100))
        if outcome.fault:
            return judged(0.0, outcome.fault, parses=1.0, runs=float(outcome.ran), tables=0.0, result=0.0)
        found.append(outcome.rows)
        reads |= outcome.reads
    tables = len(reads & gold.tables) / len(gold.tables) if gold.tables else 1.0
    fault = difference(gold.wanted, found) or _unearned(answer, gold, databases, found)
    parts = {"parses": 1.0, "runs": 1.0, "tables": tables, "result": float(not fault)}
    if not fault and not tables:
        fault = "reads none of the tables that the gold reads"
    return judged(float(not fault), fault or "equal on every database", **parts)


def _unearned(answer: Statement, gold: Gold, databases: Sequence[Guarded], found: Sequence[Sequence[Row]]) -> str:
    """Why an equal result is still no answer, "" if it is one."""
    if not gold.varies and answer.literal_outputs > gold.statement.literal_outputs:
        return "outputs a constant where the gold outputs data"
    if gold.ordered:
        if not answer.sorts:
            return "in the right order by accident: nothing sorts"
        backwards = [base.run(answer.text, answer.local_names, reverse=True) for base in databases]
        if any(outcome.fault for outcome in backwards) or difference(gold.wanted, [o.rows for o in backwards]):
            return "in the right order by accident: the sort leaves it open"
    return ""


def _gold(data: Mapping[str, Any], databases: Sequence[Guarded]) -> Gold:
    text = data["gold"]
    if not databases:
        raise GoldError("no database given")
    key = repr((text, [base.serial for base in databases]))
    found = _golds.get(key)
    if found is None:
        found = _judged_gold(text, databases)
        if not found.statement.tells_time:
            _golds[key] = found
        if len(_golds) > _CACHE_SIZE:
            _golds.popitem(last=False)
    return found


def _judged_gold(text: str, databases: Sequence[Guarded]) -> Gold:
    try:
        statement = parsed(text)
    except StatementError as error:
        raise GoldError(f"gold: {error}") from None
    wanted: list[tuple[Segment, ...]] = []
    results: list[tuple[Row, ...]] = []
    tables: frozenset[str] = frozenset()
    for base in databases:
        outcome = base.run(statement.text, statement.local_names)
        if outcome.fault:
            raise GoldError(f"gold: {outcome.fault}")
        results.append(outcome.rows)
        tables |= outcome.reads
        wanted.append(segments(statement, base, outcome))
    if not any(results):
        raise GoldError("the gold is empty on every database, which tells no two queries apart")
    ordered = sorts_result(statement) and any(len(parts) > 1 for parts in wanted)
    return Gold(statement, tuple(wanted), tables, ordered, len(set(results)) > 1)
