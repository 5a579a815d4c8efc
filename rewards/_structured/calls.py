"""Tool calls in an answer, and whether their arguments are among the acceptable ones.

The rules of acceptance are those of the Berkeley Function Calling Leaderboard (Patil et al. 2025): several values may
be acceptable for an argument, "" among them marks it optional, texts are compared without case, spaces and
punctuation, a whole number may stand for a float but not the reverse. Where the wanted values are no such lists, an
argument may be left out or written when its value is the default that the schema states.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlstack.rewards._structured.json_text import JsonSyntaxError, parse_json
from rlstack.rewards._structured.tools import Tool
from rlstack.rewards._structured.value import json_equal

MAX_CALLS = 64
MAX_TEXT = 10_000  # characters; a longer argument must match exactly
_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_IGNORED = re.compile(r"[ ,./\-_*^]")
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?|[-+]?\.\d+")


class CallSyntaxError(ValueError):
    """The answer's `<tool_call>` blocks are malformed; the message says how."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call as written, or as wanted; then a value may be a list of acceptable ones."""

    name: str
    arguments: Mapping[str, Any]


def calls_of(text: str) -> list[Call]:
    """The calls of an answer in order, `[]` for none. Text around the blocks is free. Raises `CallSyntaxError`."""
    before, *parts = text.split(_OPEN, MAX_CALLS + 1)
    if len(parts) > MAX_CALLS:
        raise CallSyntaxError(f"more than {MAX_CALLS} calls")
    if _CLOSE in before:
        raise CallSyntaxError(f"{_CLOSE} before any {_OPEN}")
    found: list[Call] = []
    for part in parts:
        body, closed, after = part.partition(_CLOSE)
        if not closed or _CLOSE in after:
            raise CallSyntaxError(f"{_OPEN} and {_CLOSE} do not pair up")
        found.append(_call(body))
    return found


def _call(body: str) -> Call:
    try:
        value = parse_json(body, unique_keys=True)
    except JsonSyntaxError as error:
        raise CallSyntaxError(f"a call is not JSON: {error}") from None
    if not isinstance(value, dict) or value.keys() != {"name", "arguments"}:
        raise CallSyntaxError('a call is {"name": .., "arguments": {..}} and nothing else')
    if not isinstance(value["name"], str) or not isinstance(value["arguments"], dict):
        raise CallSyntaxError("the name of a call is text, its arguments are an object")
    return Call(value["name"], value["arguments"])


def names_tool(written: str, name: str, tools: Mapping[str, Tool]) -> bool:
    """Whether a written name means the tool: chat interfaces that forbid dots write `a_b` for `a.b`."""
    return written == name or (written not in tools and written == name.replace(".", "_"))


def arguments_fault(call: Call, wanted: Call, tool: Tool, alternatives: bool | None) -> str:
    """Why the arguments are not acceptable, "" if they are.

    `alternatives`: True where every wanted value is a list of acceptable ones, False where it is the one value, None to
    tell by the parameter's type (a list for a parameter that is no array is a list of acceptable values).
    """
    for name in tool.required:
        if name not in call.arguments:
            return f"lacks the required {name!r}"
    for name, value in call.arguments.items():
        if name not in wanted.arguments:
            if alternatives is not True and _by_default(value, tool.properties.get(name)):
                continue
            return f"unasked argument {name!r}"
        if tool.properties and name not in tool.properties:
            return f"unknown argument {name!r}"
        schema = tool.properties.get(name, {})
        if value == "" and "type" in schema and schema["type"] != "string":
            return f"{name!r} is empty"  # among acceptable values "" says that the argument may be left out
        if not _acceptable(value, wanted.arguments[name], schema, alternatives):
            return f"{name!r} is {str(value)[:60]!r}"
    for name, values in wanted.arguments.items():
        if name not in call.arguments and not _optional(values, alternatives):
            if alternatives is not True and _by_default(values, tool.properties.get(name)):
                continue
            return f"lacks {name!r}"
    return ""


def _by_default(value: Any, schema: Any) -> bool:
    """Whether leaving the argument out says the same: the value is the default that its schema states."""
    return isinstance(schema, Mapping) and "default" in schema and json_equal(value, schema["default"])


def lists_alternatives(wanted: Sequence[Call], tools: Mapping[str, Tool]) -> bool:
    """Whether every wanted value of every call reads as a list of acceptable values, and not all as one array each."""
    pairs = [
        (one, tools[call.name].properties.get(name, {})) for call in wanted for name, one in call.arguments.items()
    ]
    return bool(pairs) and all(_is_list_of_alternatives(one, schema) for one, schema in pairs)


def _is_list_of_alternatives(wanted: Any, schema: Mapping[str, Any]) -> bool:
    if not isinstance(wanted, list) or not wanted:
        return False
    if schema.get("type") != "array":
        return True
    items = schema.get("items", {})
    kind = items.get("type") if isinstance(items, Mapping) else None
    depth = 2 if kind == "array" else 1
    texts = kind not in (None, "string")  # no items then, but variables that stand for a whole array
    return all(one == "" or (texts and isinstance(one, str)) or _list_depth(one) >= depth for one in wanted)


def _list_depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list):
        depth += 1
        value = value[0] if value else None
    return depth


def _optional(values: Any, alternatives: bool | None) -> bool:
    return alternatives is not False and isinstance(values, list) and "" in values


def _acceptable(value: Any, wanted: Any, schema: Mapping[str, Any], alternatives: bool | None) -> bool:
    if alternatives is False:
        return _same(value, wanted, schema, None)
    if alternatives:
        return isinstance(wanted, list) and any(_same(value, one, schema, True) for one in wanted)
    if not isinstance(wanted, list):
        return _same(value, wanted, schema, None)
    if schema.get("type") != "array":
        open_kind = "type" not in schema and _same(value, wanted, schema, None)
        return open_kind or any(_same(value, one, schema, None) for one in wanted)
    lists = [one for one in wanted if isinstance(one, list)]
    listed = bool(lists) and all(isinstance(one, list) or one == "" for one in wanted)
    return _same(value, wanted, schema, None) or (listed and any(_same(value, one, schema, None) for one in lists))


def _same(value: Any, wanted: Any, schema: Any, alternatives: bool | None) -> bool:
    """Equality after normalisation; inside objects each member may again have alternatives."""
    schema = schema if isinstance(schema, Mapping) else {}
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, str) and isinstance(wanted, str):
        return value == wanted or (len(value) <= MAX_TEXT and plain(value) == plain(wanted))
    if isinstance(value, (int, float)) and isinstance(wanted, (int, float)):
        free = schema.get("type", "number") == "number" or isinstance(value, int) or isinstance(wanted, float)
        return value == wanted and free
    if isinstance(value, list) and isinstance(wanted, list):
        items = schema.get("items", {})
        return len(value) == len(wanted) and all(
            _same(one, other, items, alternatives) for one, other in zip(value, wanted, strict=True)
        )
    if isinstance(value, dict) and isinstance(wanted, dict):
        members = schema.get("properties", {})
        if alternatives and _same_members(value, wanted, members, False):
            return True  # deep inside, the leaderboard's data also has plain objects
        return _same_members(value, wanted, members, alternatives)
    return value is None and wanted is None


def _same_members(
    value: Mapping[str, Any], wanted: Mapping[str, Any], schemas: Mapping[str, Any], alternatives: bool | None
) -> bool:
    if any(key not in wanted for key in value):
        return False
    for key, one in wanted.items():
        if key not in value:
            if not _optional(one, alternatives):
                return False
        elif not _acceptable(value[key], one, schemas.get(key, {}), alternatives):
            return False
    return True


def plain(text: str) -> str:
    """A text without case, spaces and `,./-_*^`, quotes unified; a number keeps its sign and decimal point."""
    number = text.strip().removesuffix(".")
    if _NUMBER.fullmatch(number):
        return "#" + str(float(number.replace(",", "")))
    return _IGNORED.sub("", text).lower().replace("'", '"') or text


def assigned(fits: Sequence[Sequence[bool]]) -> int:
    """The largest number of wanted calls (rows) that can be paired with calls (columns), each used once."""
    taken: dict[int, int] = {}

    def place(row: int, seen: set[int]) -> bool:
        for column, fit in enumerate(fits[row]):
            if fit and column not in seen:
                seen.add(column)
                if column not in taken or place(taken[column], seen):
                    taken[column] = row
                    return True
        return False

    return sum(place(row, set()) for row in range(len(fits)))
