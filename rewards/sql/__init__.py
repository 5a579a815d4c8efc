"""SQL answers, judged by execution.

    data = {"gold": "SELECT ..", "databases": [path | script | {"ddl": str, "rows": {table: [[..]]}}, ..],
            "dialect"?: "sqlite", "variants"?: int}

The answer is one SELECT/WITH query: the whole text, or the one ```sql block in it. Gold and answer run on every
database, read-only and under guard. Results are compared as multisets of rows, columns by content (one
assignment for all databases), in order only where the gold's outermost query sorts, ties free. `variants` of
the first database (thinned, grown, drawn anew; by default enough for seven databases in all) show constants, hard-coded
rows and accidental matches; a schema without rows is filled. Components: `parses`,
`runs`, `tables` (share of the gold's tables that the answer reads), `result`; the value is 1 only if the
results agree everywhere and the answer reads a table of the gold.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards.sql.compare import difference
from rlstack.rewards.sql.database import DatabaseError, owned, source_key
from rlstack.rewards.sql.guard import MAX_ROWS, MAX_STEPS, Row
from rlstack.rewards.sql.statement import Statement, StatementError, parsed, sql_of
from rlstack.rewards.sql.suite import Case, GoldError, Suite, suite

__all__ = ["score"]

DEADLINE_S = 5.0
_CACHE_SIZE = 128
_LEAST_STEPS = 2_000_000  # of work allowed to any answer; beyond it, in proportion to the gold's
_PER_GOLD_STEP = 50


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """Judge one SQL answer; a gold that does not run, or is empty on every database, is `invalid`."""
    if fault := _data_fault(data):
        return invalid(fault)
    try:
        gold = _suite(data)
    except (DatabaseError, GoldError) as error:
        return invalid(str(error))
    try:
        answer = parsed(sql_of(response.answer))
    except StatementError as error:
        return judged(0.0, str(error), parses=0.0, runs=0.0, tables=0.0, result=0.0)
    return _verdict(answer, gold)


def _data_fault(data: Mapping[str, Any]) -> str:
    """Which key holds something else than the format says, "" for none."""
    gold, sources, extra = data.get("gold"), data.get("databases"), data.get("variants")
    if (dialect := data.get("dialect", "sqlite")) != "sqlite":
        return f"data['dialect'] is {dialect!r}; allowed: sqlite"
    if not isinstance(gold, str) or not gold.strip():
        return "data['gold'] must be a query as text"
    if not isinstance(sources, list | tuple) or not all(isinstance(one, str | Mapping) for one in sources):
        return "data['databases'] must list paths, scripts or {'ddl': .., 'rows': ..}"
    if extra is not None and (isinstance(extra, bool) or not isinstance(extra, int)):
        return "data['variants'] must be a whole number"
    return ""


def _verdict(answer: Statement, gold: Suite) -> Score:
    alike = answer.drops_repeats == gold.statement.drops_repeats
    cases = [case for case in gold.cases if case.kind != "repeats" or not alike]
    given = [case for case in cases if case.kind == "given"]
    reads: frozenset[str] = frozenset()
    found: list[Sequence[Row]] = []
    fault = ""
    for at, case in enumerate(cases):
        outcome = case.base.run(
            answer.text, answer.local_names, max_rows=min(MAX_ROWS, 2 * case.n_rows + 100), max_steps=_allowance(case)
        )
        if outcome.fault:
            return judged(0.0, outcome.fault, parses=1.0, runs=float(outcome.ran), tables=0.0, result=0.0)
        reads |= outcome.reads
        found.append(outcome.rows)
        if at + 1 in (len(given), len(cases)) or len(outcome.rows) != case.n_rows:
            fault = difference([case.wanted for case in cases[: at + 1]], found)
        if fault:
            fault = fault if at < len(given) else f"equal here, but not on a variant of the database: {fault}"
            break
    tables = len(reads & gold.tables) / len(gold.tables) if gold.tables else 1.0
    fault = fault or _unearned(answer, gold, cases)
    if not fault and not tables:
        fault = "reads none of the tables that the gold reads"
    parts = {"parses": 1.0, "runs": 1.0, "tables": tables, "result": float(not fault)}
    return judged(float(not fault), fault or f"equal on {len(found)} databases", **parts)


def _unearned(answer: Statement, gold: Suite, cases: Sequence[Case]) -> str:
    """Why an equal result is still no answer, "" if it is one."""
    if not gold.varies and answer.literal_outputs > gold.statement.literal_outputs:
        return "outputs a constant where the gold outputs data"
    if not gold.ordered:
        return ""
    if not answer.sorts:
        return "in the right order by accident: nothing sorts"
    backwards = [case.base.run(answer.text, answer.local_names, reverse=True) for case in cases]
    wanted = [case.wanted for case in cases]
    if any(outcome.fault for outcome in backwards) or difference(wanted, [outcome.rows for outcome in backwards]):
        return "in the right order by accident: the sort leaves it open"
    return ""


def _allowance(case: Case) -> int:
    return min(MAX_STEPS, max(_LEAST_STEPS, _PER_GOLD_STEP * case.steps))


def _suite(data: Mapping[str, Any]) -> Suite:
    text, sources, extra = data["gold"], data["databases"], data.get("variants")
    cache: OrderedDict[tuple[Any, ...], Suite | GoldError] = owned("suites")
    key = (text, tuple(map(source_key, sources)), extra)
    found = cache.get(key)
    if found is None:
        try:
            found = suite(text, sources, extra)
        except GoldError as error:
            found = error
        if isinstance(found, GoldError) or not found.statement.tells_time:
            cache[key] = found
        if len(cache) > _CACHE_SIZE:
            cache.popitem(last=False)
    else:
        cache.move_to_end(key)
    if isinstance(found, GoldError):
        raise found
    return found
