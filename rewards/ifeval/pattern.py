"""Search for a keyword that the published graders treat as a regular expression, in linear time.

A keyword comes from data. Without repetition, choice, sets or groups, Python's engine needs one look per position and
is used, so its Unicode rules hold. Anything else goes to RE2, which never backtracks; what RE2 cannot express
is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

MAX_LENGTH = 1000
_BRANCHING = re.compile(r"[*+?{|(\[]")
_POSSESSIVE = re.compile(r"([*+?}])\+")


@lru_cache(maxsize=4096)
def counter(pattern: str, ignore_case: bool = True, before: str = "", after: str = "") -> Callable[[str], int]:
    """A function text → number of matches that do not overlap. Raises ValueError for a pattern that is refused.

    `before` and `after` are our own frame around the keyword, known to be linear.
    """
    if len(pattern) > MAX_LENGTH:
        raise ValueError(f"pattern of {len(pattern)} characters, at most {MAX_LENGTH} are allowed")
    framed = before + pattern + after
    if not _BRANCHING.search(pattern):
        try:
            compiled = re.compile(framed, re.IGNORECASE if ignore_case else 0)
        except re.error as error:
            raise ValueError(f"'{pattern}' is not a pattern: {error}") from None
        return lambda text: sum(1 for _ in compiled.finditer(text))
    found = linear(framed, ignore_case)
    return lambda text: sum(1 for _ in found.finditer(encodable(text)))


def encodable(text: str) -> str:
    """The text as RE2 can read it: lone surrogates, which match nothing anyway, become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


@lru_cache(maxsize=4096)
def linear(pattern: str, ignore_case: bool):
    """A pattern of RE2. Raises ValueError where it needs what RE2 cannot do in linear time."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    options.max_mem = 8 << 20
    # A possessive quantifier (`C++`) matches what the plain one does, save where it forbids giving back.
    try:
        return re2.compile(_POSSESSIVE.sub(r"\1", pattern), options)
    except re2.error as error:
        raise ValueError(f"'{pattern}' is not a pattern that can be matched in linear time: {error}") from None
