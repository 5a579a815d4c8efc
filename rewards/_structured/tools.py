"""Tool descriptions: the shapes in which they come, and their parameters as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Type names of function descriptions that JSON Schema spells otherwise; "any" and unknown ones stay open.
_TYPES = {
    "dict": "object", "hashmap": "object", "map": "object", "struct": "object",
    "float": "number", "double": "number", "decimal": "number",
    "int": "integer", "long": "integer", "short": "integer", "byte": "integer", "bigint": "integer",
    "tuple": "array", "list": "array", "arraylist": "array", "set": "array",
    "bool": "boolean", "str": "string", "char": "string",
}  # fmt: skip
_JSON_TYPES = frozenset({"object", "number", "integer", "array", "boolean", "string", "null"})


@dataclass(frozen=True, slots=True)
class Tool:
    """One function that may be called."""

    name: str
    parameters: Mapping[str, Any]  # JSON Schema of the arguments object

    @property
    def properties(self) -> Mapping[str, Any]:
        return self.parameters.get("properties", {})

    @property
    def required(self) -> Sequence[str]:
        return self.parameters.get("required", ())


def tools_of(descriptions: Sequence[Mapping[str, Any]]) -> dict[str, Tool]:
    """Tools by name, from `{"type": "function", "function": {..}}` or bare `{"name", "parameters"}` descriptions.

    Raises `ValueError` for a description without a name or with parameters that are no object.
    """
    found: dict[str, Tool] = {}
    for description in descriptions:
        inner = description.get("function", description)
        name, parameters = inner.get("name"), inner.get("parameters") or {}
        if not isinstance(name, str) or not isinstance(parameters, Mapping):
            raise ValueError(f"not a tool description: {str(description)[:120]}")
        if name in found:
            raise ValueError(f"two tools are named {name!r}")
        schema = _as_schema(parameters)
        found[name] = Tool(name, schema if "type" in schema else {"type": "object", **schema})
    return found


def _as_schema(node: Any) -> Any:
    if isinstance(node, list):
        return [_as_schema(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    schema: dict[str, Any] = {}
    for key, value in node.items():
        if key == "type":
            if (kind := _kind(value)) is not None:
                schema["type"] = kind
        elif key in ("properties", "$defs", "definitions", "patternProperties") and isinstance(value, Mapping):
            schema[key] = {name: _as_schema(item) for name, item in value.items()}
        elif key in ("enum", "const", "default", "examples"):
            schema[key] = value
        elif key != "required" or isinstance(value, list):  # some descriptions mark single parameters as required
            schema[key] = _as_schema(value)
    return schema


def _kind(value: Any) -> Any:
    if isinstance(value, list):
        kinds = [_kind(item) for item in value]
        return None if None in kinds else kinds
    name = str(value).lower()
    name = _TYPES.get(name, name)
    return name if name in _JSON_TYPES else None
