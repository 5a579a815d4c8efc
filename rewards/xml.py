"""XML answers: one well-formed element, by content.

    data = {"expected": "<XML text>", "ordered"?: bool, "fence"?: "forbid" | "allow" | "require"}

Equal means: same names (namespaces resolved), same attributes in any order, same text without outer white space, same
children, in order unless `ordered` is false. Comments and the declaration do not count. Document type declarations,
and so entities of one's own, are refused. Components: `syntax`, `root`, `content`; the value is 1 only if all hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._structured.fence import FENCES, FenceError, payload
from rlstack.rewards._structured.reading import ReadError

__all__ = ["parse_xml", "score"]

DEADLINE_S = 2.0
MAX_CHARS = 1_000_000
MAX_ELEMENTS = 50_000
MAX_DEPTH = 100
_LANGUAGES = ("xml",)
_SURROGATE = re.compile("[\ud800-\udfff]")

Canonical = tuple[str, tuple[tuple[str, str], ...], str, tuple[Any, ...]]


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """Judge one XML answer against `data`; a gold that is not XML is `invalid`."""
    fence, ordered = data.get("fence", "forbid"), data.get("ordered", True)
    if fence not in FENCES:
        return invalid(f"fence is {fence!r}; allowed: {', '.join(FENCES)}")
    try:
        wanted = parse_xml(str(data.get("expected", "")).strip())
    except ReadError as error:
        return invalid(f"expected: {error}")
    try:
        found = parse_xml(payload(response.answer, fence, _LANGUAGES).lstrip())
    except (FenceError, ReadError) as error:
        return judged(0.0, str(error), syntax=0.0, root=0.0, content=0.0)
    root = found.tag == wanted.tag
    same = _canonical(found, ordered) == _canonical(wanted, ordered)
    detail = "equal" if same else f"root <{found.tag[:60]}>" if not root else "other content"
    return judged(float(same), detail, syntax=1.0, root=float(root), content=float(same))


def parse_xml(text: str) -> Element:
    """The root element. Raises `ReadError` for what is not well-formed, declares a document type, or is too large."""
    if len(text) > MAX_CHARS:
        raise ReadError(f"longer than {MAX_CHARS} characters")
    if text.count("<") > 2 * MAX_ELEMENTS:
        raise ReadError(f"more than {MAX_ELEMENTS} elements")
    if _SURROGATE.search(text):
        raise ReadError("holds a lone surrogate")
    try:
        root = fromstring(text, forbid_dtd=True)
    except ParseError as error:
        raise ReadError(f"not well-formed: {error}") from None
    except (DefusedXmlException, ValueError, RecursionError) as error:
        raise ReadError(f"refused: {str(error)[:200]}") from None
    layer, level = [root], 0
    while layer:
        level += 1
        if level > MAX_DEPTH:
            raise ReadError(f"nested deeper than {MAX_DEPTH}")
        layer = [child for element in layer for child in element]
    return root


def _canonical(element: Element, ordered: bool) -> Canonical:
    """Name, attributes, text pieces and children; pieces of mixed text stay between the children they stand between."""
    children = [(_canonical(child, ordered), (child.tail or "").strip()) for child in element]
    if not ordered:
        children.sort()
    return (element.tag, tuple(sorted(element.attrib.items())), (element.text or "").strip(), tuple(children))
