"""The answer matches a pattern, in linear time whatever the pattern (RE2, Cox 2010).

`data`: `{"pattern": str, "full"?: true, "casefold"?: false, "multiline"?: false}`. RE2 has no look-around and no
back-references: a pattern with them is "invalid".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.plain import plain

DEADLINE_S = 2.0
LONGEST = 200_000  # characters of a response that are looked at
LONGEST_PATTERN = 5_000
_MEMORY = 8 << 20  # bytes that RE2 may use for one pattern


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 if the whole stripped answer (or with `full` false some part of it) matches, else 0."""
    pattern = data.get("pattern")
    if not isinstance(pattern, str) or not pattern or len(pattern) > LONGEST_PATTERN:
        return invalid(f"data['pattern'] must be a text of 1 to {LONGEST_PATTERN} characters")
    compiled = compiled_pattern(pattern, bool(data.get("casefold", False)), bool(data.get("multiline", False)))
    if compiled is None:
        return invalid(f"data['pattern'] is no RE2 pattern: {pattern[:80]!a}")
    text = plain(response.answer.strip()[:LONGEST])
    matched = compiled.fullmatch(text) if data.get("full", True) else compiled.search(text)
    return judged(1.0, "matches") if matched else judged(0.0, "does not match")


@lru_cache(maxsize=256)
def compiled_pattern(pattern: str, casefold: bool = False, multiline: bool = False) -> Any:
    """A compiled RE2 pattern in which a dot matches line ends, or None where it is not one."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    options.case_sensitive = not casefold
    options.dot_nl = True
    try:
        return re2.compile(f"(?m){pattern}" if multiline else pattern, options)
    except (re2.error, UnicodeError):
        return None
