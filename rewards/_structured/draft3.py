"""Schemas of draft 3 said in the words of draft 4, which the validator knows.

Draft 3 (draft-zyp-json-schema-03) has `required` on the member instead of the object, schemas among the types,
`extends`, `disallow`, `divisibleBy`, and its own names of some formats.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

DRAFT3 = "http://json-schema.org/draft-03/schema"
META = "urn:json-schema:draft-03"  # where references to DRAFT3 are sent: the validator does not ask for that one
_DRAFT4 = "http://json-schema.org/draft-04/schema#"
_FORMATS = {"host-name": "hostname", "ip-address": "ipv4"}
_VALUES = frozenset({"enum", "default", "required", "title", "description", "pattern"})
_MAPS = frozenset({"properties", "patternProperties", "definitions"})


def is_draft3(schema: Any) -> bool:
    """Whether a schema names draft 3 as its own."""
    return isinstance(schema, Mapping) and str(schema.get("$schema", "")).rstrip("#") == DRAFT3


@cache
def meta_schema() -> Mapping[str, Any]:
    """The meta-schema of draft 3, in the words of draft 4."""
    from jsonschema_specifications import REGISTRY

    # Without its id, whose trailing "#" the validator takes for another resource.
    return {key: value for key, value in as_draft4(REGISTRY.contents(DRAFT3)).items() if key != "id"}


def as_draft4(schema: Any) -> Any:
    """An equivalent draft 4 schema. References to `#/extends/0` and the like are not followed along."""
    if isinstance(schema, list):
        return [as_draft4(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    result: dict[str, Any] = {}
    also: list[Any] = []
    for key, value in schema.items():
        if key == "$schema":
            result[key] = _DRAFT4
        elif key == "$ref":
            result[key] = META + value[len(DRAFT3) :] if str(value).startswith(DRAFT3) else value
        elif key == "type":
            result.update(_typed(value))
        elif key == "disallow":
            also.append({"not": _typed(value)})
        elif key == "extends":
            also += as_draft4(value if isinstance(value, list) else [value])
        elif key == "divisibleBy":
            result["multipleOf"] = value
        elif key == "dependencies":
            result[key] = {name: [one] if isinstance(one, str) else as_draft4(one) for name, one in value.items()}
        elif key == "format":
            result[key] = _FORMATS.get(value, value)
        elif key in _MAPS and isinstance(value, Mapping):
            result[key] = {name: as_draft4(one) for name, one in value.items()}
        elif key not in _VALUES:
            result[key] = as_draft4(value)
        elif key != "required":
            result[key] = value
    if result.get("items") == []:  # draft 4 wants at least one schema there; then the additional items are all items
        rest = result.pop("additionalItems", True)
        result["items"] = {"not": {}} if rest is False else {} if rest is True else rest
    if needed := _required(schema.get("properties")):
        result["required"] = needed
    if also:
        result["allOf"] = also
    return result


def _required(properties: Any) -> list[str]:
    members = properties.items() if isinstance(properties, Mapping) else ()
    return [name for name, one in members if isinstance(one, Mapping) and one.get("required") is True]


def _typed(value: Any) -> dict[str, Any]:
    kinds = value if isinstance(value, list) else [value]
    if "any" in kinds:
        return {}
    names = [kind for kind in kinds if isinstance(kind, str)]
    schemas = [as_draft4(kind) for kind in kinds if not isinstance(kind, str)]
    if not schemas:
        return {"type": names[0] if len(names) == 1 else names}
    return {"anyOf": [*([{"type": names}] if names else []), *schemas]}


def _is_date(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) and datetime.date.fromisoformat(text))
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    return re.fullmatch(r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d", text, re.ASCII) is not None


def _is_color(text: str) -> bool:
    return re.fullmatch(r"#(?:[0-9a-fA-F]{3}){1,2}", text) is not None or text.lower() in _COLORS


# The colours of CSS 2.1, to which draft 3 refers.
_COLOR_NAMES = "aqua black blue fuchsia gray green lime maroon navy olive orange purple red silver teal white yellow"
_COLORS = frozenset(_COLOR_NAMES.split())
FORMATS: Mapping[str, Callable[[str], bool]] = {"date": _is_date, "time": _is_time, "color": _is_color}
