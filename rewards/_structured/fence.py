"""Where the payload of an answer is: the bare text, or one fenced code block."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

Fence = Literal["forbid", "allow", "require"]
FENCES = ("forbid", "allow", "require")
_SPACE = " \t\r\n"
_BLANK_LINES = re.compile(r"(?:[ \t\r]*\n)*")


class FenceError(ValueError):
    """The answer does not have the asked-for shape; the message says why."""


def payload(answer: str, fence: Fence, languages: Sequence[str]) -> str:
    """The payload of an answer without blank lines around it (the indent of its first line stays: YAML needs it).

    `forbid`: the answer is the payload, no fence. `require`: the answer is exactly one fenced block (three or
    more back-ticks), nothing before or after. `allow`: either. The block's info string must be empty or one of
    `languages`. Raises `FenceError`.
    """
    text = answer.strip(_SPACE)
    if not text:
        raise FenceError("empty answer")
    if not text.startswith("```"):
        if fence == "require":
            raise FenceError("the answer is not in a fenced block")
        return _trimmed(answer)
    if fence == "forbid":
        raise FenceError("the answer is fenced, which is not allowed here")
    return _unfenced(text, languages)


def _unfenced(text: str, languages: Sequence[str]) -> str:
    first, newline, rest = text.partition("\n")
    ticks = len(first) - len(first.lstrip("`"))
    language = first[ticks:].strip(_SPACE).lower()
    if not newline or (language and language not in languages):
        raise FenceError(f"fence of language {language[:40]!r}; allowed: none, {', '.join(languages)}")
    body, newline, last = rest.rpartition("\n")
    if last.strip(_SPACE) != "`" * ticks or not (newline or rest == last):
        raise FenceError("the fence is not closed at the end of the answer")
    if any(line.strip(_SPACE) == "`" * ticks for line in body.split("\n")):
        raise FenceError("more than one fenced block")
    return _trimmed(body)


def _trimmed(text: str) -> str:
    text = text.rstrip(_SPACE)
    blank = _BLANK_LINES.match(text)
    return text[blank.end() :] if blank else text
