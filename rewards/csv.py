"""CSV answers: a header and rows, with typed cells.

    data = {"expected": {"header": [..], "rows": [[..], ..]} | [{..}, ..] | "<CSV text>", "delimiter"?: ",",
            "ordered"?: bool, "columns_ordered"?: bool, "fence"?: "forbid" | "allow" | "require"}

Cells of `expected` have types: a number equals any way of writing it (`7`, `7.0`), a text must match exactly, null is
the empty cell, a boolean is `true` or `false` in any case. Rows are compared in order unless `ordered` is
false, columns by name unless `columns_ordered` is true. Every row must be as long as the header. Components:
`syntax`, `header`, `rows`; the value is 1 only if all hold.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._structured.fence import FENCES, FenceError, payload
from rlstack.rewards._structured.reading import ReadError

__all__ = ["Table", "parse_csv", "score"]

DEADLINE_S = 2.0
MAX_CHARS = 1_000_000
MAX_CELLS = 100_000
MAX_DIGITS = 320
_LANGUAGES = ("csv", "tsv", "text", "txt")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?", re.ASCII)

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Table:
    """A header and rows of the same length."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """Judge one CSV answer against `data`; a broken gold is `invalid`."""
    fence, delimiter = data.get("fence", "forbid"), data.get("delimiter", ",")
    if fence not in FENCES:
        return invalid(f"fence is {fence!r}; allowed: {', '.join(FENCES)}")
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        return invalid(f"delimiter is {delimiter!r}; allowed: one character")
    try:
        wanted = _table(data["expected"], delimiter)
    except (ReadError, TypeError, AttributeError, KeyError) as error:
        return invalid(f"expected: {error}")
    try:
        found = parse_csv(payload(response.answer, fence, _LANGUAGES), delimiter)
    except (FenceError, ReadError) as error:
        return judged(0.0, str(error), syntax=0.0, header=0.0, rows=0.0)
    by_place = data.get("columns_ordered", False)
    header = found.header == wanted.header if by_place else Counter(found.header) == Counter(wanted.header)
    if not header:
        return judged(0.0, f"header {list(found.header)[:8]}", syntax=1.0, header=0.0, rows=0.0)
    places = [found.header.index(name) for name in wanted.header]
    rows = [tuple(row[place] for place in places) for row in found.rows]
    fault = _rows_fault(rows, wanted.rows, data.get("ordered", True))
    return judged(float(not fault), fault or "equal", syntax=1.0, header=1.0, rows=float(not fault))


def parse_csv(text: str, delimiter: str = ",") -> Table:
    """Read CSV after RFC 4180: quoted cells, doubled quotes, one length for all rows. Raises `ReadError`."""
    if len(text) > MAX_CHARS:
        raise ReadError(f"longer than {MAX_CHARS} characters")
    rows: list[tuple[str, ...]] = []
    cells = 0
    lines = text.replace("\r\n", "\n").split("\n")
    try:
        for row in csv.reader((line + "\n" for line in lines), delimiter=delimiter, strict=True):
            cells += len(row)
            if cells > MAX_CELLS:
                raise ReadError(f"more than {MAX_CELLS} cells")
            if rows and len(row) != len(rows[0]):
                raise ReadError(f"row {len(rows)} has {len(row)} cells, the header {len(rows[0])}")
            rows.append(tuple(row))
    except csv.Error as error:
        raise ReadError(f"not CSV: {error}") from None
    if not rows or not any(rows[0]):
        raise ReadError("no header")
    header = tuple(name.strip() for name in rows[0])
    if len(set(header)) != len(header):
        raise ReadError("a column name is repeated")
    return Table(header, tuple(rows[1:]))


def _table(expected: Any, delimiter: str) -> Table:
    if isinstance(expected, str):
        return parse_csv(expected.strip("\r\n"), delimiter)
    if isinstance(expected, Mapping):
        table = Table(tuple(expected["header"]), tuple(tuple(row) for row in expected["rows"]))
    else:
        if not all(isinstance(row, Mapping) for row in expected):
            raise ReadError("data['expected'] must list objects")
        header = tuple(expected[0]) if expected else ()
        table = Table(header, tuple(tuple(row[name] for name in header) for row in expected))
    if not table.header or any(len(row) != len(table.header) for row in table.rows):
        raise ReadError("rows and header differ in length, or there is no header")
    return table


def _rows_fault(rows: Sequence[tuple[Cell, ...]], wanted: Sequence[tuple[Cell, ...]], ordered: bool) -> str:
    if len(rows) != len(wanted):
        return f"{len(rows)} rows, wanted {len(wanted)}"
    if ordered:
        at = next((at for at, pair in enumerate(zip(rows, wanted, strict=True)) if not _same_row(*pair)), None)
        return "" if at is None else f"row {at + 1}: {str(rows[at])[:100]}"
    typed = [tuple(map(_key, row)) for row in wanted]
    found = [tuple(_key_as(cell, like) for cell, like in zip(row, _kinds(wanted), strict=True)) for row in rows]
    return "" if Counter(found) == Counter(typed) else "other rows"


def _is_number(text: str) -> bool:
    return len(text) <= MAX_DIGITS and _NUMBER.fullmatch(text) is not None


def _same_row(row: Sequence[Cell], wanted: Sequence[Cell]) -> bool:
    return all(_key_as(cell, like) == _key(like) for cell, like in zip(row, wanted, strict=True))


def _kinds(wanted: Sequence[tuple[Cell, ...]]) -> list[Cell]:
    """A cell for each column that shows its type: the first that is not null."""
    return [next((cell for cell in column if cell is not None), None) for column in zip(*wanted, strict=True)]


def _key(cell: Cell) -> tuple[str, Cell]:
    if cell is None or cell == "":
        return ("empty", None)
    if isinstance(cell, bool):
        return ("boolean", cell)
    return ("number", cell) if isinstance(cell, (int, float)) else ("text", cell)


def _key_as(cell: Cell, like: Cell) -> tuple[str, Cell]:
    """The key of a written cell, read as the type of `like`."""
    text = str(cell)
    if not text.strip():
        return ("empty", None)
    if isinstance(like, bool) and text.strip().lower() in ("true", "false"):
        return ("boolean", text.strip().lower() == "true")
    if isinstance(like, (int, float)) and not isinstance(like, bool) and _is_number(text.strip()):
        whole = re.fullmatch(r"[-+]?\d+", text.strip(), re.ASCII)
        return ("number", int(text) if whole else float(text))
    return ("text", text)
