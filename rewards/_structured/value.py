"""Equality and emptiness of JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def json_equal(left: Any, right: Any) -> bool:
    """Equality as JSON Schema defines it: 1 equals 1.0, true does not equal 1, member order is free.

    Both values come out of a reader that bounds their depth.
    """
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(json_equal(item, right[key]) for key, item in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(json_equal, left, right))
    return left == right


def difference(found: Any, wanted: Any, path: str = "$") -> str:
    """Where two unequal values first differ, for people: `$.rows[2].name: found 'x', wanted 'y'`."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in wanted:
            if key not in found:
                return f"{path}: lacks {key!r}"
            if not json_equal(found[key], wanted[key]):
                return difference(found[key], wanted[key], f"{path}.{key}")
        return f"{path}: unasked {next((key for key in found if key not in wanted), None)!r}"
    if isinstance(found, list) and isinstance(wanted, list):
        for at, (one, other) in enumerate(zip(found, wanted, strict=False)):
            if not json_equal(one, other):
                return difference(one, other, f"{path}[{at}]")
        return f"{path}: {len(found)} items, wanted {len(wanted)}"
    return f"{path}: found {_short(found)}, wanted {_short(wanted)}"


def says_nothing(value: Any) -> bool:
    """Whether a value carries no content: null, a blank string, or a container of nothing else."""
    return all(leaf is None or (isinstance(leaf, str) and not leaf.strip()) for leaf in _leaves(value))


def holds(value: Any, part: Any) -> bool:
    """Whether `part` occurs anywhere inside a value, or is it."""
    stack = [value]
    while stack:
        node = stack.pop()
        if json_equal(node, part):
            return True
        if isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return False


def echoes(value: Any, schema: Any) -> bool:
    """Whether a value holds the schema that it was to fit, or the schema's properties."""
    if not isinstance(schema, Mapping) or not schema:
        return False
    parts = [dict(schema), {key: part for key, part in schema.items() if key != "$schema"}]
    if isinstance(properties := schema.get("properties"), Mapping) and properties:
        parts.append(dict(properties))
    return any(part and holds(value, part) for part in parts)


def _leaves(value: Any) -> Iterator[Any]:
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
        else:
            yield node


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
