"""Queries run on SQLite under guard: reading only, named functions only, bounded work and output.

Four layers, since none is enough alone: the authorizer decides at compile time what a statement may touch;
static limits bound the text, the expression depth and the size of one value; a progress handler bounds the
work; the row and byte caps bound what is fetched. A single C call cannot be interrupted from inside, so
hostile text is still judged in a process that can be killed.
"""

from __future__ import annotations

import itertools
import sqlite3
import time
from dataclasses import dataclass

MAX_ROWS = 100_000
MAX_BYTES = 32_000_000  # of text and blobs in one result
MAX_STEPS = 20_000_000  # virtual machine instructions of one query
MAX_SECONDS = 0.6  # of CPU time, so that a busy machine changes no verdict
HEAP_BYTES = 512_000_000
_PERIOD = 1_000  # instructions between two looks at the clock

_FUNCTION_NAMES = """
    count sum total avg min max group_concat string_agg
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
    abs coalesce ifnull iif if nullif length octet_length lower upper like glob instr replace round sign substr
    substring trim ltrim rtrim concat concat_ws hex unhex quote char unicode printf format typeof soundex
    likely unlikely likelihood
    date time datetime julianday unixepoch strftime timediff current_date current_time current_timestamp
    acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow
    power radians sin sinh sqrt tan tanh trunc
    json json_array json_array_length json_extract json_object json_quote json_type json_valid
    json_group_array json_group_object -> ->>
"""
FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
_TABLE_FUNCTIONS = frozenset({"json_each", "json_tree"})

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 40_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 2_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 60,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 200,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one query gave. `fault` is "" where it ran to its end; then `rows` is the whole result."""

    rows: tuple[Row, ...] = ()
    names: tuple[str, ...] = ()  # of the output columns
    reads: frozenset[str] = frozenset()  # base tables, lower case
    steps: int = 0  # virtual machine instructions, to the nearest thousand below
    fault: str = ""
    ran: bool = True  # False: SQLite or the authorizer did not take the statement


class TooMuch(Exception):
    """A result is larger than the caps allow."""


class Guarded:
    """A filled connection that from now on only answers queries; `serial` names it within the process."""

    _serials = itertools.count()

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Takes over a connection whose data is complete."""
        self.serial = next(self._serials)
        self._connection = connection
        rows = connection.execute(
            "SELECT type, lower(name) FROM sqlite_master WHERE type IN ('table', 'view')"
        ).fetchall()
        self._tables = frozenset(name for kind, name in rows if kind == "table" and not name.startswith("sqlite_"))
        self._views = frozenset(name for kind, name in rows if kind == "view")
        connection.execute(
            "SELECT * FROM json_each('[]'), json_tree('[]')"
        ).fetchall()  # else their set-up is refused later
        for pragma in ("query_only = 1", "temp_store = 2", "trusted_schema = 0", f"hard_heap_limit = {HEAP_BYTES}"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        self._reads: set[str] = set()
        self._local_names: frozenset[str] = frozenset()
        self._refusal = ""
        self._trusted = False
        self._steps, self._max_steps = 0, MAX_STEPS
        self._deadline = 0.0
        self._reversed = False
        connection.set_authorizer(self._authorize)
        connection.set_progress_handler(self._tick, _PERIOD)

    def run(
        self,
        sql: str,
        local_names: frozenset[str] = frozenset(),
        max_rows: int = MAX_ROWS,
        max_steps: int = MAX_STEPS,
        reverse: bool = False,
    ) -> Outcome:
        """The result of one query; never raises for what the query does.

        `local_names` are the names of its common table expressions, lower case: reading those is not reading a table.
        `reverse=True` makes SQLite walk unordered scans backwards, which shows what an ORDER BY leaves open.
        More than `max_rows` rows or `max_steps` instructions is a fault.
        """
        self._reverse(reverse)
        self._reads, self._refusal, self._local_names = set(), "", local_names
        self._steps, self._max_steps, self._deadline = 0, max_steps, time.process_time() + MAX_SECONDS
        try:
            cursor = self._connection.execute(sql)
            rows = self._fetch(cursor, max_rows)
        except TooMuch as error:
            return Outcome(reads=frozenset(self._reads), fault=str(error))
        except (sqlite3.Error, sqlite3.Warning, MemoryError, OverflowError, ValueError) as error:
            return Outcome(fault=self._reason(error), ran=self._steps > 0)
        finally:
            self._deadline = 0.0
        if cursor.description is None:
            return Outcome(fault="the statement returns nothing", ran=False)
        names = tuple(column[0] for column in cursor.description)
        return Outcome(tuple(rows), names, frozenset(self._reads), self._steps)

    def _fetch(self, cursor: sqlite3.Cursor, max_rows: int) -> list[Row]:
        rows: list[Row] = []
        room = MAX_BYTES
        for row in cursor:
            rows.append(row)
            room -= sum(len(cell) for cell in row if isinstance(cell, (str, bytes)))
            if len(rows) > max_rows:
                raise TooMuch(f"more than {max_rows} rows")
            if room < 0:
                raise TooMuch(f"more than {MAX_BYTES} bytes of result")
        return rows

    def _reverse(self, wanted: bool) -> None:
        if wanted != self._reversed:
            self._trusted = True
            self._connection.execute(f"PRAGMA reverse_unordered_selects = {int(wanted)}").fetchall()
            self._trusted = False
            self._reversed = wanted

    def _reason(self, error: BaseException) -> str:
        if self._refusal:
            return f"refused: {self._refusal}"
        if self._steps > self._max_steps:
            return f"more than {self._max_steps} steps"
        if str(error) == "interrupted":
            return f"more than {MAX_SECONDS} s of CPU time"
        return f"{type(error).__name__}: {str(error)[:200]}"

    def _tick(self) -> int:
        self._steps += _PERIOD
        return int(bool(self._deadline) and (self._steps > self._max_steps or time.process_time() > self._deadline))

    def _authorize(self, action: int, first: str | None, second: str | None, _db: str | None, _by: str | None) -> int:
        if self._trusted or action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            table = (first or "").lower()
            if not second and table in self._local_names and not table.startswith("sqlite_"):
                return sqlite3.SQLITE_OK
            if table in self._tables:
                self._reads.add(table)
                return sqlite3.SQLITE_OK
            if table in self._views or table in _TABLE_FUNCTIONS:
                return sqlite3.SQLITE_OK
            self._refusal = f"reading {table[:40]!r}"
        elif action == sqlite3.SQLITE_FUNCTION:
            if (second or "").lower() in FUNCTIONS:
                return sqlite3.SQLITE_OK
            self._refusal = f"function {(second or '')[:40]!r}"
        else:
            self._refusal = f"action {action} on {(first or '')[:40]!r}"
        return sqlite3.SQLITE_DENY
