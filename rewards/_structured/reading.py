"""Verdicts that YAML, CSV and XML answers share: where the payload is, what a broken gold means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._structured.fence import FENCES, FenceError, payload
from rlstack.rewards._structured.schema import SchemaError, validator
from rlstack.rewards._structured.value import difference, echoes, json_equal, says_nothing


class ReadError(ValueError):
    """The text is not in the format; the message says where or why."""


def read_and_compare(
    response: Response,
    data: Mapping[str, Any],
    languages: Sequence[str],
    read: Callable[[str], Any],
    content: Callable[[Any], Any],
) -> Score:
    """Read the answer, check its value against `schema` if there is one, compare it with `expected`.

    `expected` is a value, or text in the format itself, which `content` makes comparable. Components: `syntax`,
    `schema`, `content`.
    """
    fence = data.get("fence", "forbid")
    if fence not in FENCES:
        return invalid(f"fence is {fence!r}; allowed: {', '.join(FENCES)}")
    try:
        check = validator(data["schema"], formats=data.get("formats")) if "schema" in data else None
        wanted = content(data["expected"]) if "expected" in data else None
    except (SchemaError, ReadError) as error:
        return invalid(str(error))
    if check is None and "expected" not in data:
        return invalid("give expected, schema, or both")
    try:
        found = read(payload(response.answer, fence, languages))
    except (FenceError, ReadError) as error:
        return judged(0.0, str(error), syntax=0.0, schema=0.0, content=0.0)
    fits = check is None or bool(check.is_valid(found))
    if "expected" in data:
        fault = "" if json_equal(found, wanted) else difference(found, wanted)
    elif says_nothing(found):
        fault = "an empty value answers nothing"
    else:
        fault = "the schema is echoed" if echoes(found, data["schema"]) else ""
    parts = {"syntax": 1.0, "schema": float(fits), "content": float(not fault)}
    good = fits and not fault
    return judged(float(good), fault or ("equal" if good else "breaks the schema"), **parts)
