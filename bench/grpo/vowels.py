"""A reward that costs nothing and that every text has: so a step's time is that of the machinery around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlstack.api import Response, Score, judged


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """Share of vowels among the characters of the answer, in [0, 1]."""
    text = response.text.lower()
    return judged(sum(map(text.count, "aeiou")) / max(1, len(text)))
