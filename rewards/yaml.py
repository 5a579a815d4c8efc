"""YAML answers: one document of plain data, by value.

    data = {"expected"?: <JSON value>, "schema"?: {..}, "fence"?: "forbid" | "allow" | "require"}

Only what JSON can say is data: no anchors, aliases, tags or merge keys, keys are texts, dates stay texts.
Scalars are read by the YAML 1.2 core rules (`yes` and `010` hold no surprises: a text and the number 10).
Components: `syntax`, `schema`, `content`; the value is 1 only if all hold.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar

import yaml
from yaml.constructor import ConstructorError
from yaml.events import AliasEvent

from rlstack.api import Response, Score
from rlstack.rewards._structured.reading import ReadError, read_and_compare

__all__ = ["parse_yaml", "score"]

DEADLINE_S = 3.0
MAX_CHARS = 50_000  # the reader is pure Python: about half a second
_MAX_NESTING = 60
_MAX_DIGITS = 320
_LANGUAGES = ("yaml", "yml")


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """Judge one YAML answer against `data`."""
    return read_and_compare(response, data, _LANGUAGES, parse_yaml, lambda wanted: wanted)


def parse_yaml(text: str) -> Any:
    """The value of one YAML document as JSON would have it. Raises `ReadError`; bounded in size and depth."""
    if len(text) > MAX_CHARS:
        raise ReadError(f"longer than {MAX_CHARS} characters")
    if text.count("[") + text.count("{") > _MAX_NESTING and _flow_depth(text) > _MAX_NESTING:
        raise ReadError(f"nested deeper than {_MAX_NESTING}")
    try:
        return _Reader(text).get_single_data()
    except yaml.YAMLError as error:
        raise ReadError(f"not plain YAML: {' '.join(str(error).split())[:200]}") from None
    except RecursionError:
        raise ReadError("nested too deep") from None
    except (ValueError, OverflowError) as error:
        raise ReadError(f"not plain YAML: {str(error)[:200]}") from None


def _flow_depth(text: str) -> int:
    level = deepest = 0
    for char in re.findall(r"[\[\]{}]", text):
        level += 1 if char in "[{" else -1
        deepest = max(deepest, level)
    return deepest


class _Reader(yaml.SafeLoader):
    """The safe loader without aliases, tags of its own, repeated keys, or the scalar rules of YAML 1.1."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(AliasEvent):
            event = self.peek_event()
            raise ConstructorError(None, None, "an alias is not plain data", event.start_mark)
        event = self.peek_event()
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise ConstructorError(None, None, "anchors and tags are not plain data", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key in found:
                raise ConstructorError(None, None, "a key is repeated or no text", key_node.start_mark)
            found[key] = self.construct_object(value_node, deep=True)
        return found

    def construct_number(self, node: Any) -> int | float:
        text = node.value
        if len(text) > _MAX_DIGITS:
            raise ConstructorError(None, None, "a number out of range", node.start_mark)
        if text[:2] in ("0x", "0o"):
            return int(text[2:], 16 if text[1] == "x" else 8)
        number = int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)
        if math.isinf(number):
            raise ConstructorError(None, None, "a number out of range", node.start_mark)
        return number


def _number(loader: _Reader, node: Any) -> int | float:
    return loader.construct_number(node)


def _mapping(loader: _Reader, node: Any) -> dict[str, Any]:
    return loader.construct_mapping(node, deep=True)


def _constant(loader: _Reader, node: Any) -> bool | None:
    return {"t": True, "f": False}.get(node.value[:1].lower())


_NULL_TAG, _BOOL_TAG, _NUMBER_TAG = (f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "float"))
_Reader.add_implicit_resolver(_NULL_TAG, re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Reader.add_implicit_resolver(_BOOL_TAG, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Reader.add_implicit_resolver(
    _NUMBER_TAG,
    re.compile(r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+)$", re.ASCII),
    list("-+.0123456789"),
)
_Reader.add_constructor(_NULL_TAG, _constant)
_Reader.add_constructor(_BOOL_TAG, _constant)
_Reader.add_constructor(_NUMBER_TAG, _number)
_Reader.add_constructor("tag:yaml.org,2002:map", _mapping)
