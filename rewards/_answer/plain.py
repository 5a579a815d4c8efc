"""Text as people see it: one Unicode form, nothing invisible, no terminal codes. Linear time."""

from __future__ import annotations

import re
import unicodedata

_TERMINAL = re.compile(r"\x1b\[[0-9;?]{0,32}[A-Za-z]|\x1b")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LIGATURE = re.compile("[\ufdfa\ufdfb]")  # NFKC makes 18 and 8 characters of them: a bomb
_SURROGATE = re.compile("[\ud800-\udfff]")

LONGEST = 40_000  # characters looked at, from the end: a final answer stands there


def plain(text: str) -> str:
    """NFKC form of `text` without zero-width characters, control and terminal codes; surrogates become "?".

    >>> plain("４2\\u200b")
    '42'
    """
    if "\x1b" in text:
        text = _TERMINAL.sub("", text)
    text = _CONTROL.sub("", text)
    if text.isascii():
        return text
    text = _LIGATURE.sub("?", _SURROGATE.sub("?", text))
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def tail(text: str) -> str:
    """The last `LONGEST` characters before white space at the end.

    What is cut begins with "…", so that a few words behind much white space never pass for the whole answer.
    """
    text = text.rstrip()
    return text if len(text) <= LONGEST else "…" + text[-LONGEST:]


def folded(text: str) -> str:
    """`plain`, case-folded, runs of white space as one blank: for comparing words."""
    return " ".join(plain(text).casefold().split())
