"""Flat descriptions of parameters, as xLAM has them, as JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_GENERIC = re.compile(r"(list|set|tuple|sequence|iterable|dict|optional)\[(.*)\]")
_LISTS = {"list", "set", "tuple", "sequence", "iterable"}
_TYPES = {
    "str": "string", "string": "string", "int": "integer", "integer": "integer", "float": "number", "number": "number",
    "bool": "boolean", "boolean": "boolean", "dict": "object", "object": "object", "array": "array",
    **dict.fromkeys(_LISTS, "array"),
}  # fmt: skip


def as_schema(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """`{"x": {"type": "List[int], optional", "description": …}}` as the schema of an object.

    A parameter is required unless its type says "optional" or it has a default; types beyond the usual ones of Python
    stay open. A schema comes back as it is.
    """
    if isinstance(parameters.get("properties"), Mapping):
        return dict(parameters)
    parameters = {name: one if isinstance(one, Mapping) else {"type": str(one)} for name, one in parameters.items()}
    required = [
        name
        for name, one in parameters.items()
        if "default" not in one and "optional" not in str(one.get("type")).lower()
    ]
    properties = {name: {**one, **_kind(str(one.get("type", "")))} for name, one in parameters.items()}
    for one in properties.values():
        if one.get("type") not in _TYPES.values():
            one.pop("type", None)
    return {"type": "object", "properties": properties, "required": required}


def _kind(written: str) -> dict[str, Any]:
    text = re.sub(r"\s|,\s*optional|typing\.", "", written.lower())
    generic = _GENERIC.fullmatch(text)
    if generic is None:
        return {"type": _TYPES[text]} if text in _TYPES else {}
    outer, inner = generic.groups()
    if outer == "optional":
        return _kind(inner)
    if outer == "dict":
        return {"type": "object"}
    items = _kind(inner) if outer != "tuple" else {}  # the members of a tuple may differ
    return {"type": "array", **({"items": items} if items else {})}
