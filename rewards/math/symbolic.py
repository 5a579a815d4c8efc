"""The slow path: math-verify and sympy on answers that our own reader does not understand.

Only within static limits, since nothing in here can be interrupted; the deadline is the scoring pool's.
math-verify's own time-outs use signals, which fail off the main thread, so they are switched off.
"""

from __future__ import annotations

import logging
import re

LONGEST = 300
MOST_OPERATIONS = 60
_REFUSED = re.compile(
    r"\\(?:i*int|oint|sum|prod|lim|limsup|liminf|[dt]?binom|partial|nabla|frac\{d)(?![A-Za-z])"  # tasks, not results
    r"|!|\d[eE][-+]?\d{3}|\^\s*\{?[^{}]{0,40}\^|\d{13}"  # bombs
    r"|__|[\x22\x27\x60;@#]|(?<![\\A-Za-z{])[A-Za-z]{5}|[^\x20-\x7e]"  # code, prose, other scripts
)
_EXPONENT = re.compile(r"\^\s*\{?\s*-?(\d+)")
_NESTED = 12


def admissible(text: str) -> bool:
    """Whether `text` is small and tame enough to be handed to sympy."""
    if len(text) > LONGEST or not any(map(str.isalnum, text)) or _REFUSED.search(text):
        return False
    if any(int(m) > 40 for m in _EXPONENT.findall(text)):
        return False
    if len(re.findall(r"[-+*/^=<>]|\\[A-Za-z]+", text)) > MOST_OPERATIONS:
        return False
    depth = deepest = 0
    for sign in re.findall(r"[({\[]|[)}\]]", text):
        depth += 1 if sign in "({[" else -1
        deepest = max(deepest, depth)
    return deepest <= _NESTED


def same_symbolically(gold: str, given: str) -> bool:
    """Whether math-verify finds both LaTeX texts equal; False for whatever it cannot read."""
    if not (admissible(gold) and admissible(given)):
        return False
    from math_verify import LatexExtractionConfig, parse, verify

    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    logging.getLogger("latex2sympy2_extended").setLevel(logging.CRITICAL)
    config = [LatexExtractionConfig(try_extract_without_anchor=True)]
    sides = [
        parse(f"${text}$", config, fallback_mode="no_fallback", parsing_timeout=0, raise_on_error=False)
        for text in (gold, given)
    ]
    if not all(sides):
        return False
    return bool(verify(sides[0], sides[1], float_rounding=12, timeout_seconds=None, raise_on_error=False))
