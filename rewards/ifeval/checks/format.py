"""Marks that shape a response: bullets, highlights, sections, titles, JSON, quotes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from rlstack.rewards.ifeval import pattern
from rlstack.rewards.ifeval.registry import count, instruction, phrase, string
from rlstack.rewards.ifeval.text import Text

# Each pattern looks at any character a bounded number of times, also on megabytes of one sign.
_BRACKETED = re.compile(r"\[[^\]\n]*(\]?)")
_STAR_BULLET = re.compile(r"^[^\S\n]*\*[^*].*$", re.MULTILINE)
_DASH_BULLET = re.compile(r"^[^\S\n]*-.*$", re.MULTILINE)
_HIGHLIGHT = re.compile(r"\*[^\n*]*\*")
_DOUBLE_HIGHLIGHT = re.compile(r"\*\*[^\n*]*\*\*")
_FENCES = ("```json", "```Json", "```JSON", "```")
_POSTSCRIPTS = {"P.P.S": re.compile(r"p\.\s?p\.\s?s"), "P.S.": re.compile(r"p\.\s?s\.")}
OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")


@instruction("detectable_content:number_placeholders", num_placeholders=count)
def number_placeholders(text: Text, num_placeholders: int) -> bool:
    """At least so many [placeholders], each within one line; empty brackets count."""
    return sum(map(bool, _BRACKETED.findall(text.raw))) >= num_placeholders


def marker(value: object) -> str:
    if (mark := phrase(value)) not in _POSTSCRIPTS:
        pattern.counter(mark.lower(), ignore_case=False)
    return mark


@instruction("detectable_content:postscript", postscript_marker=marker)
def postscript(text: Text, postscript_marker: str) -> bool:
    """The marker anywhere, in any case: the published check does not ask for the end of the text."""
    if known := _POSTSCRIPTS.get(postscript_marker):
        return known.search(text.lower) is not None
    return pattern.counter(postscript_marker.lower(), ignore_case=False)(text.lower) > 0


@instruction("detectable_format:number_bullet_lists", num_bullets=count)
def number_bullet_lists(text: Text, num_bullets: int) -> bool:
    """Exactly so many lines that begin with one `*` or with `-` (a rule `---` counts too)."""
    stars = sum(1 for _ in _STAR_BULLET.finditer(text.raw))
    return stars + sum(1 for _ in _DASH_BULLET.finditer(text.raw)) == num_bullets


@instruction("detectable_format:constrained_response", exact=True)
def constrained_response(text: Text) -> bool:
    return any(option in text.raw for option in OPTIONS)


@instruction("detectable_format:number_highlighted_sections", num_highlights=count)
def number_highlighted_sections(text: Text, num_highlights: int) -> bool:
    """`*one*` counts once. `**two**` counts once as a double one; the single pattern sees only its empty ends."""
    found = sum(1 for mark in _HIGHLIGHT.findall(text.raw) if mark.strip("*").strip())
    found += sum(1 for mark in _DOUBLE_HIGHLIGHT.findall(text.raw) if mark[2:-2].strip())
    return found >= num_highlights


def _heads(splitter: str) -> Callable[[str], int]:
    return pattern.counter(splitter, ignore_case=False, after=r"\s?\d+")


def splitter(value: object) -> str:
    _heads(word := phrase(value))
    return word


@instruction("detectable_format:multiple_sections", section_spliter=splitter, num_sections=count)
def multiple_sections(text: Text, section_spliter: str, num_sections: int) -> bool:
    """At least so many heads like "Section 1" or "Section1", in the case given."""
    return _heads(section_spliter)(text.raw) >= num_sections


@instruction("detectable_format:json_format")
def json_format(text: Text) -> bool:
    """One JSON value, with or without a code fence around it. NaN and repeated keys pass, as published."""
    body = text.stripped
    for fence in _FENCES:
        body = body.removeprefix(fence)
    try:
        json.loads(body.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


@instruction("detectable_format:title")
def title(text: Text) -> bool:
    """A <<title>> within one line that is more than angle brackets."""
    for line in text.raw.split("\n"):
        begin, end = line.find("<<"), line.rfind(">>")
        if begin >= 0 and end >= begin + 3 and line[begin : end + 2].lstrip("<").rstrip(">").strip():
            return True
    return False


@instruction("startend:quotation")
def quotation(text: Text) -> bool:
    """Straight double quotes at both ends."""
    return len(text.stripped) > 1 and text.stripped[0] == text.stripped[-1] == '"'


@instruction("startend:end_checker", end_phrase=string)
def end_checker(text: Text, end_phrase: str) -> bool:
    """Ends with the phrase in any case; straight double quotes around the response are overlooked."""
    return text.stripped.strip('"').lower().endswith(end_phrase.strip().lower())
