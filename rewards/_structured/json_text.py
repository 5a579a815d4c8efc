"""A strict JSON reader: the grammar of RFC 8259 and nothing beside it.

The standard library's parser accepts more than the grammar (NaN, Infinity, lone surrogates, overflowing
numbers, UTF-16) and falls over deep nesting; here all of these are refused, in linear time.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

MAX_DEPTH = 256
MAX_CHARS = 4_000_000

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonSyntaxError(ValueError):
    """The text is not one JSON value; the message says where or why."""


def parse_json(source: str | bytes, *, unique_keys: bool = False, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text, strictly after RFC 8259.

    `source` is text or UTF-8 bytes. Raises `JsonSyntaxError` for anything outside the grammar, and for what the
    grammar leaves open but no reader agrees on: a byte order mark, lone surrogates (raw or escaped), numbers
    beyond the range of a double, integers of more than 4300 digits, nesting deeper than `max_depth`. The grammar
    allows a repeated key (the last one wins here); `unique_keys=True` refuses it.
    """
    if len(source) > MAX_CHARS:
        raise JsonSyntaxError(f"longer than {MAX_CHARS} characters")
    text = _decoded(source)
    # Fewer opening brackets than the limit cannot nest too deep: the usual answer pays for two counts only.
    deep = text.count("[") + text.count("{") > max_depth
    try:
        value = (_UNIQUE if unique_keys else _PLAIN).decode(text)
    except RecursionError:
        raise JsonSyntaxError(f"nested deeper than {max_depth}") from None
    except JsonSyntaxError:
        raise
    except ValueError as error:
        raise JsonSyntaxError(str(error)) from None
    if deep and depth(value, max_depth) > max_depth:
        raise JsonSyntaxError(f"nested deeper than {max_depth}")
    if _ESCAPED_SURROGATE.search(text) and _has_surrogate(value):
        raise JsonSyntaxError("lone surrogate in an escape")
    return value


def depth(value: Any, stop: int) -> int:
    """Levels of nesting of arrays and objects (0 for a scalar); counting ends at `stop + 1`. No recursion."""
    level, layer = 0, [value]
    while level <= stop:
        layer = [child for node in layer for child in _children(node) if isinstance(node, (list, dict))]
        if not layer:
            break
        level += 1
    return level


def _children(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return node.values() or (None,)
    if isinstance(node, list):
        return node or (None,)
    return ()


def _decoded(source: str | bytes) -> str:
    if isinstance(source, bytes):
        try:
            return _without_mark(source.decode("utf-8", "strict"))
        except UnicodeDecodeError as error:
            raise JsonSyntaxError(f"not UTF-8: {error.reason} at byte {error.start}") from None
    if not source.isascii() and (found := _SURROGATE.search(source)):
        raise JsonSyntaxError(f"lone surrogate at character {found.start()}")
    return _without_mark(source)


def _without_mark(text: str) -> str:
    if text.startswith("\ufeff"):
        raise JsonSyntaxError("starts with a byte order mark")
    return text


def _has_surrogate(value: Any) -> bool:
    """Whether any string of the value holds a surrogate that its escapes did not pair up."""
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            if _SURROGATE.search(node):
                return True
        elif isinstance(node, dict):
            stack.extend(node.keys())
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return False


def _no_constant(name: str) -> Any:
    raise JsonSyntaxError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise JsonSyntaxError(f"number out of range: {digits[:40]}")
    return number


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        again = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise JsonSyntaxError(f"duplicate key {again[:80]!r}")
    return members


_PLAIN = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
_UNIQUE = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_no_repeats)
