"""SQL text in an answer: where it is, and what its syntax tree says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

MAX_CHARS = 20_000
MAX_SOURCES = 400  # tables read after every common table expression is written out, which SQLite does
MAX_NESTING = 40  # open parentheses; the parser needs some twenty Python frames for each

_FENCE = re.compile(r"^[ \t]*```+[ \t]*([A-Za-z0-9_+-]*)[ \t]*$", re.MULTILINE)
_LANGUAGES = frozenset({"", "sql", "sqlite", "sqlite3"})
_SURROGATE = re.compile("[\ud800-\udfff]")
_OPENING = re.compile(r"\b(?:select|with|values)\b", re.IGNORECASE)
_LEADING = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)


class StatementError(ValueError):
    """The text is not one readable query; the message says why."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One parsed query: `text` is what runs, `tree` what is asked about it.

    `local_names` are its common table expressions, lower case.
    """

    text: str
    tree: exp.Expr
    local_names: frozenset[str]

    @property
    def sorts(self) -> bool:
        """Whether an ORDER BY of a query (not of a window or an aggregate) occurs at any level."""
        return any(node.args.get("order") for node in self.tree.find_all(exp.Query))

    @property
    def drops_repeats(self) -> tuple[bool, frozenset[str]]:
        """How it drops repeats: whether it says DISTINCT, UNION, INTERSECT or EXCEPT, and what it groups by."""
        distinct = self.tree.find(exp.Distinct) is not None
        distinct = distinct or any(node.args.get("distinct") for node in self.tree.find_all(exp.SetOperation))
        keys: set[str] = set()
        for select in self.tree.find_all(exp.Select):
            for key in group.expressions if (group := select.args.get("group")) else ():
                if (
                    isinstance(key, exp.Literal)
                    and str(key.this).isdigit()
                    and 0 < int(key.this) <= len(select.selects)
                ):
                    key = select.selects[int(key.this) - 1]
                keys.add(
                    key.name.lower() if isinstance(key, exp.Column) else key.alias_or_name.lower() or key.sql().lower()
                )
        return distinct, frozenset(keys)

    @property
    def literal_outputs(self) -> int:
        """The largest number of output columns that name no column, over the branches of a set operation."""
        return max((sum(map(_is_literal, branch.expressions)) for branch in _branches(self.tree)), default=0)

    @property
    def tells_time(self) -> bool:
        """Whether the result depends on the clock."""
        return bool(
            re.search(
                r"'now'|\bcurrent_(?:date|time|timestamp)\b|\b(?:julianday|date|datetime|time)\s*\(\s*\)",
                self.text,
                re.IGNORECASE,
            )
        )


def sql_of(answer: str) -> str:
    """The query in an answer: the whole text, or the one block fenced as sql, whatever prose is around it.

    Raises `StatementError` for prose without a fence, several fenced blocks, or a block in another language.
    """
    if len(answer) > 50 * MAX_CHARS:
        raise StatementError(f"the answer is longer than {50 * MAX_CHARS} characters")
    marks = list(_FENCE.finditer(answer))
    if not marks:
        text = answer.strip()
    elif len(marks) != 2 or marks[1].group(1):
        raise StatementError("the answer must hold exactly one fenced block")
    elif marks[0].group(1).lower() not in _LANGUAGES:
        raise StatementError(f"the fenced block is {marks[0].group(1)[:20]!r}, not sql")
    else:
        text = answer[marks[0].end() : marks[1].start()].strip()
    if not text:
        raise StatementError("no query in the answer")
    return text


def parsed(text: str, dialect: str = "sqlite") -> Statement:
    """One SELECT, WITH or VALUES statement. Raises `StatementError` for anything else, in bounded time."""
    text = text.strip().rstrip(";").rstrip()
    if len(text) > MAX_CHARS:
        raise StatementError(f"the query is longer than {MAX_CHARS} characters")
    if "\0" in text or _SURROGATE.search(text):
        raise StatementError("the query holds a NUL or a lone surrogate")
    if not _OPENING.match(text, _LEADING.match(text).end()):  # type: ignore[union-attr]
        raise StatementError("not a SELECT or WITH query")
    if _nesting(text) > MAX_NESTING:
        raise StatementError(f"parentheses nested deeper than {MAX_NESTING}")
    try:
        trees = [tree for tree in sqlglot.parse(text, read=dialect) if not isinstance(tree, exp.Semicolon)]
    except (SqlglotError, RecursionError, ValueError) as error:
        raise StatementError(f"does not parse: {str(error).splitlines()[0][:160]}") from None
    if len(trees) != 1:
        raise StatementError("more than one statement")
    tree = trees[0]
    if not isinstance(tree, (exp.Query, exp.Values)):
        raise StatementError(f"a {type(tree).__name__} is not a query")
    expressions = list(tree.find_all(exp.CTE, bfs=False)) if "with" in text.lower() else []
    if _sources(tree, expressions) > MAX_SOURCES:
        raise StatementError(f"more than {MAX_SOURCES} table references when written out")
    return Statement(text, tree, frozenset(cte.alias.lower() for cte in expressions))


def outermost(tree: exp.Expr) -> exp.Expr:
    """The query inside enclosing parentheses."""
    while isinstance(tree, exp.Subquery) and not tree.args.get("order") and not tree.args.get("limit"):
        tree = tree.this
    return tree


def _nesting(text: str) -> int:
    level = deepest = 0
    for char in re.findall(r"[()]", text):
        level += 1 if char == "(" else -1
        deepest = max(deepest, level)
    return deepest


def _sources(tree: exp.Expr, expressions: Sequence[exp.CTE]) -> int:
    """Table references of a query once its common table expressions are written out wherever they are used."""
    sizes: dict[str, int] = {}
    total = 0
    for cte in expressions:
        sizes[cte.alias.lower()] = max(1, sum(sizes.get(t.name.lower(), 1) for t in cte.this.find_all(exp.Table)))
        total += sizes[cte.alias.lower()]
        if total > MAX_SOURCES:
            return total
    return total + sum(sizes.get(table.name.lower(), 1) for table in tree.find_all(exp.Table))


def _branches(tree: exp.Expr) -> list[exp.Select]:
    tree = outermost(tree)
    if isinstance(tree, exp.SetOperation):
        return _branches(tree.this) + _branches(tree.expression)
    return [tree] if isinstance(tree, exp.Select) else []


def _is_literal(output: exp.Expr) -> bool:
    """An output that cannot depend on the rows: no column, no star, no subquery, no count or sum of rows."""
    moving = (exp.Column, exp.Star, exp.Query, exp.Count, exp.Sum, exp.Window)
    return next(output.find_all(*moving), None) is None
