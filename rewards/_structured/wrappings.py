"""Calls in other wrappings than the asked-for `<tool_call>` block, where no call at all is wanted.

A policy that is to say that no tool fits must not earn that by calling in a notation which the parser does not read:
fenced code, bare JSON, Python, or the tags of other chat formats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rlstack.rewards._structured.tools import Tool

MAX_CHARS = 100_000  # of an answer that is looked at
FEWEST_WORDS = 3  # of an answer in words
_TAGS = re.compile(
    r"<[\s|/]*[\w.-]{0,40}(?:tool|function|invoke|python_tag)|\[/?tool_?calls?\]|\[/?function_?calls?\]", re.I
)
_FENCE = re.compile(r"```|~~~")
_WORD = re.compile(r"[^\W\d_]+")
_DENSE = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # written without spaces


def wrapped_call(answer: str, tools: Mapping[str, Tool]) -> str:
    """What in the answer is a call all the same, "" for nothing.

    Naming a tool in a sentence is free ("weather.now() only knows the weather"): a Python call counts where it has
    arguments or the tool needs none.
    """
    text = answer[:MAX_CHARS]
    if found := _TAGS.search(text):
        return f"the tag {found.group()[:40]!r}"
    fenced = "\n".join(_FENCE.split(text)[1::2])
    for name, tool in tools.items():
        spelled = "|".join(dict.fromkeys((re.escape(name), re.escape(name.replace(".", "_")))))
        if re.search(rf"[\"'](?:{spelled})[\"']\s*[,}}:]", text):
            return f"an object that names {name!r}"
        inner = r"\(" if not tool.required else r"\(\s*[^\s)]"
        if re.search(
            rf"(?<![\w.])(?:{spelled}){inner}|^\W*action\W*(?:{spelled})\W*$|<(?:{spelled})\b", text, re.I | re.M
        ):
            return f"a call of {name!r}"
        if re.search(rf"(?<!\w)(?:{spelled})(?!\w)", fenced):
            return f"a fence that names {name!r}"
    return ""


def says_little(answer: str) -> bool:
    """Whether there are fewer than three words (signs, in scripts without spaces)."""
    text = answer[:MAX_CHARS]
    return len(_WORD.findall(text)) < FEWEST_WORDS and len(_DENSE.findall(text)) < 2 * FEWEST_WORDS
