"""Looks into the pydantic schema: which section lies at a dotted path, and how an error of its is worded."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from rlstack.config.problems import Problem
from rlstack.errors import nearest

_BOUNDS = {"greater_than": "above {gt}", "greater_than_equal": "at least {ge}"}
_BOUNDS |= {"less_than": "below {lt}", "less_than_equal": "at most {le}"}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list, e.g. [a,b]",
    "tuple": "a list, e.g. [a,b]",
    "dict": "a section, e.g. {key: value}",
    "model": "a section, e.g. {key: value}",
}


def section_at(model: type[BaseModel], data: Any, path: Sequence[str | int]) -> type[BaseModel] | None:
    """The section class at `path`, reading `data` to decide between the kinds of a union; None for a leaf."""
    annotation: Any = model
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
        annotation = _child(annotation, str(key))
        if annotation is None:
            return None
        annotation = _narrow(annotation, data)
    narrowed = _narrow(annotation, data)
    return narrowed if isinstance(narrowed, type) and issubclass(narrowed, BaseModel) else None


def _child(annotation: Any, key: str) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(key)
        return field.annotation if field else None
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    return None


def _narrow(annotation: Any, data: Any) -> Any:
    """Strips Annotated and None; of several sections, takes the one whose `kind` the data names."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation
    options = [_narrow(a, data) for a in get_args(annotation) if a is not type(None)]
    kind = data.get("kind") if isinstance(data, Mapping) else None
    for option in options:
        if isinstance(option, type) and issubclass(option, BaseModel) and kind in kinds_of(option):
            return option
    return options[0] if len(options) == 1 else None


def kinds_of(section: type[BaseModel]) -> tuple[str, ...]:
    """What `kind:` may say for this section."""
    field = section.model_fields.get("kind")
    return get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()


def problem_of(error: ErrorDetails, model: type[BaseModel], data: Any) -> Problem:
    """A pydantic error in the house's words: dotted path, what was found, what is allowed, the nearest name."""
    path = _path_of(error["loc"], data)
    where = ".".join(map(str, path))
    kind, ctx = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        section = section_at(model, data, path[:-1])
        return Problem(where, f"unknown key; {nearest(str(path[-1]), section.model_fields if section else ())}")
    if kind == "missing":
        return Problem(where, "missing, and it has no default")
    found = f"found {_shown(error['input'])}, allowed: "
    if kind == "literal_error":
        allowed = [word.strip("' ") for word in ctx["expected"].replace(" or ", ",").split(",")]
        hint = nearest(str(error["input"]), allowed)
        return Problem(where, found + ", ".join(allowed) + ("" if hint.startswith("known") else f"; {hint}"))
    if kind == "union_tag_invalid":
        allowed = [tag.strip("' ") for tag in ctx["expected_tags"].split(",")]
        return Problem(f"{where}.kind", f"found '{ctx['tag']}', allowed: {', '.join(allowed)}")
    if kind == "union_tag_not_found":
        return Problem(f"{where}.kind", "missing: it says what kind of stage this is")
    if kind in _BOUNDS:
        return Problem(where, found + _BOUNDS[kind].format(**ctx))
    if kind == "finite_number":
        return Problem(where, found + "a finite number")
    if kind == "too_short":
        return Problem(where, f"needs at least {ctx['min_length']} entry" + ("" if ctx["min_length"] == 1 else "s"))
    stem = kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float")
    return Problem(where, found + _KINDS[stem] if stem in _KINDS else error["msg"])


def _path_of(loc: Sequence[str | int], data: Any) -> tuple[str | int, ...]:
    """`loc` without the union tags that pydantic inserts: parts that name a `kind` instead of a key."""
    path = []
    for part in loc:
        if isinstance(data, Mapping) and data.get("kind") == part and part not in data:
            continue
        path.append(part)
        if isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(data, Sequence) and isinstance(part, int) and part < len(data):
            data = data[part]
    return tuple(path)


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
