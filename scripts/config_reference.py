"""Writes the field tables of docs/configuration.md from the schema.

python scripts/config_reference.py            rewrite the page
python scripts/config_reference.py --check    exit 1 when the page is out of date
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rlstack.config.run import RunConfig

PAGE = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"
BEGIN, END = "<!-- fields: written by scripts/config_reference.py -->", "<!-- end of fields -->"
_BOUNDS = (("gt", "> {}"), ("ge", ">= {}"), ("lt", "< {}"), ("le", "<= {}"))
_NAMES = {int: "int", float: "float", str: "text", bool: "bool"}


def sections(model: type[BaseModel] = RunConfig, path: str = "") -> dict[type[BaseModel], list[str]]:
    """Every section class in the order of the tree, with the dotted paths where it lies."""
    found: dict[type[BaseModel], list[str]] = {model: [path]}
    for name, field in model.model_fields.items():
        for inner, below in _inner(field.annotation, f"{path}.{name}" if path else name):
            for section, paths in sections(inner, below).items():
                found.setdefault(section, []).extend(p for p in paths if p not in found.get(section, []))
    return found


def _inner(annotation: Any, path: str) -> Iterator[tuple[type[BaseModel], str]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, path
    elif get_origin(annotation) is dict:
        yield from _inner(get_args(annotation)[1], f"{path}.<name>")
    elif get_origin(annotation) in (Annotated, Union, types.UnionType):
        for option in get_args(annotation):
            yield from _inner(option, path)


def type_text(annotation: Any) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in args)
    if origin is Annotated:
        return type_text(args[0])
    if origin in (Union, types.UnionType):
        return " or ".join("null" if arg is type(None) else type_text(arg) for arg in args)
    if origin is dict:
        return f"{type_text(args[0])} → {type_text(args[1])}"
    if origin is tuple:
        return "list of " + type_text(args[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    return _NAMES[annotation]


def row(name: str, field: FieldInfo) -> str:
    bounds = [form.format(f"{value:g}") for key, form in _BOUNDS if (value := _bound(field, key)) is not None]
    kind = type_text(field.annotation) + (f" ({', '.join(bounds)})" if bounds else "")
    doc = " ".join((field.description or "").split()).replace("|", "\\|")
    return f"| `{name}` | {kind} | {_default(field)} | {doc} |"


def _bound(field: FieldInfo, key: str) -> float | None:
    carriers = [*field.metadata, *(m for arg in get_args(field.annotation) for m in getattr(arg, "__metadata__", ()))]
    nested = [inner for carrier in carriers for inner in getattr(carrier, "metadata", [carrier])]
    return next((getattr(m, key) for m in nested if getattr(m, key, None) is not None), None)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.default
    if isinstance(value, BaseModel):
        changed = value.model_dump(exclude_defaults=True)
        return ", ".join(f"`{k}: {v}`" for k, v in changed.items())
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return "`null`" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def reference() -> str:
    """All tables as Markdown."""
    lines = []
    for section, paths in sections().items():
        where = ", ".join(f"`{path}`" for path in paths if path)
        lines += [f"### {section.__name__}", "", " ".join((section.__doc__ or "").split()), ""]
        lines += [f"At {where}.", ""] if where else []
        lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
        lines += [row(name, field) for name, field in section.model_fields.items()]
        lines.append("")
    return "\n".join(lines)


def page_with(tables: str, page: str) -> str:
    """The page with the part between the two markers replaced."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{PAGE} lacks the markers {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{tables}\n{END}{tail}"


def main(argv: list[str]) -> int:
    page = PAGE.read_text()
    wanted = page_with(reference(), page)
    if "--check" in argv:
        return int(page != wanted)
    PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
