"""The response has the asked outer form; what it says is another reward's business.

`data`, of which at least one must be given: `{"pattern"?: <RE2, for the whole answer>, "thinking"?: "required" |
"forbidden", "boxes"?: int, "tags"?: ["answer", …], "finished"?: true}`. `thinking` required: one closed, non-empty
`<think>` part, then an answer. `boxes`: so many LaTeX boxes in the answer. `tags`: each element once, in this
order, not empty, nothing outside; a `think` among them is looked for before the answer. `finished`: not cut off by
the token limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.final import boxes
from rlstack.rewards._answer.plain import plain
from rlstack.rewards.regex import LONGEST, LONGEST_PATTERN, compiled_pattern

DEADLINE_S = 2.0
_NAME = re.compile(r"[A-Za-z][\w-]{0,40}")


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 if every asked form holds; one component for each."""
    asked = [name for name in _CHECKS if data.get(name) is not None]
    if not asked:
        return invalid(f"data names none of {', '.join(_CHECKS)}")
    for name in asked:
        if not _VALID[name](data[name]):
            return invalid(f"data['{name}'] does not fit: {str(data[name])[:80]!a}")
    held = {name: float(_CHECKS[name](response, data[name])) for name in asked}
    broken = [name for name, ok in held.items() if not ok]
    return judged(float(not broken), f"broken: {', '.join(broken)}" if broken else "as asked", **held)


def _thinking(response: Response, wish: str) -> bool:
    text = response.text
    opened, closed = text.count("<think>"), text.count("</think>")
    if wish == "forbidden":
        return not opened and not closed
    if closed != 1 or opened > 1:
        return False
    head, _, answer = text.partition("</think>")
    before, _, thought = head.rpartition("<think>")
    return not before.strip() and bool(thought.strip()) and bool(plain(answer).strip())


def _tags(response: Response, names: list[str]) -> bool:
    position, text = 0, (response.text if "think" in names else response.answer).strip()
    for name in names:
        opening, closing = f"<{name}>", f"</{name}>"
        if text.count(opening) != 1 or text.count(closing) != 1:
            return False
        start, end = text.index(opening), text.index(closing)
        if text[position:start].strip() or not text[start + len(opening) : end].strip():
            return False
        position = end + len(closing)
    return not text[position:].strip()


def _pattern(response: Response, pattern: str) -> bool:
    return compiled_pattern(pattern).fullmatch(plain(response.answer.strip()[:LONGEST])) is not None


_CHECKS: Mapping[str, Callable[[Response, Any], bool]] = {
    "pattern": _pattern,
    "thinking": _thinking,
    "boxes": lambda response, n: len(boxes(response.answer)) == n,
    "tags": _tags,
    "finished": lambda response, wish: (response.finish_reason == "stop") or not wish,
}
_VALID: Mapping[str, Callable[[Any], bool]] = {
    "pattern": lambda p: isinstance(p, str) and len(p) <= LONGEST_PATTERN and compiled_pattern(p) is not None,
    "thinking": lambda wish: wish in ("required", "forbidden"),
    "boxes": lambda n: isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= 100,
    "tags": lambda names: (
        isinstance(names, list) and bool(names) and all(isinstance(n, str) and _NAME.fullmatch(n) for n in names)
    ),
    "finished": lambda wish: isinstance(wish, bool),
}
