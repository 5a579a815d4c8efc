"""JSON answers: syntax, schema and content.

    data = {"schema": {..}, "expected"?: <value>, "fence"?: "forbid" | "allow" | "require", "formats"?: bool}

`$schema` picks the draft (default 2020-12). With `expected` the content must equal it as a JSON value (1 equals
1.0, member order is free); without, the answer must say something: `{}`, all-blank members or the echoed
schema earn nothing even where they validate. `formats` asserts or ignores the `format` keyword (default: as the draft
says). Components: `syntax` (one JSON text, in the asked-for fence), `schema`, `content`; the value is 1 only
if all hold and no object repeats a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._structured.fence import FENCES, FenceError, payload
from rlstack.rewards._structured.json_text import JsonSyntaxError, parse_json
from rlstack.rewards._structured.schema import SchemaError, validates, validator
from rlstack.rewards._structured.value import difference, echoes, json_equal, says_nothing

__all__ = ["JsonSyntaxError", "SchemaError", "parse_json", "score", "validates"]

DEADLINE_S = 2.0
_LANGUAGES = ("json",)
_PINNING = frozenset({"const", "enum"})  # keywords by which a schema may ask for an empty value on purpose


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """Judge one JSON answer against `data`; a broken schema or gold is `invalid`."""
    schema, fence = data.get("schema", True), data.get("fence", "forbid")
    if fence not in FENCES:
        return invalid(f"fence is {fence!r}; allowed: {', '.join(FENCES)}")
    if (formats := data.get("formats")) not in (None, True, False):
        return invalid("data['formats'] must be true or false")
    try:
        check = validator(schema, formats=formats)
    except SchemaError as error:
        return invalid(f"schema: {error}")
    if "expected" in data and not check.is_valid(data["expected"]):
        return invalid("the expected value does not satisfy the schema")
    try:
        text = payload(response.answer, fence, _LANGUAGES)
        found = parse_json(text)
    except (FenceError, JsonSyntaxError) as error:
        return judged(0.0, str(error), syntax=0.0, schema=0.0, content=0.0)
    fits = check.is_valid(found)
    fault = _fault(found, text, schema, data)
    parts = {"syntax": 1.0, "schema": float(fits), "content": float(not fault)}
    if fits and not fault:
        return judged(1.0, "valid, content as asked", **parts)
    return judged(0.0, fault or f"schema: {_first_error(check, found)}", **parts)


def _fault(found: Any, text: str, schema: Any, data: Mapping[str, Any]) -> str:
    """What is wrong with the content, "" for nothing."""
    try:
        parse_json(text, unique_keys=True)
    except JsonSyntaxError as error:
        return str(error)
    if "expected" in data:
        wanted = data["expected"]
        return "" if json_equal(found, wanted) else difference(found, wanted)
    if says_nothing(found) and not _pins(schema):
        return "an empty value answers nothing"
    if echoes(found, schema):
        return "the schema is echoed"
    return ""


def _pins(schema: Any) -> bool:
    return isinstance(schema, Mapping) and not _PINNING.isdisjoint(schema)


def _first_error(check: Any, found: Any) -> str:
    error = next(iter(check.iter_errors(found)), None)
    return "not valid" if error is None else str(error).split("\n", 1)[0][:200]
