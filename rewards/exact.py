"""The whole answer is the expected text.

`data`: `{"answer": <text or list of accepted texts>, "casefold"?: false, "collapse"?: true}`. Both sides are
brought to NFKC and stripped; `collapse` makes runs of white space one blank.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.plain import plain

DEADLINE_S = 1.0
LONGEST = 200_000  # characters of a response that are looked at


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 for an accepted text, else 0."""
    accepted = data.get("answer")
    accepted = [accepted] if isinstance(accepted, str) else accepted
    if not isinstance(accepted, list | tuple) or not accepted or not all(isinstance(a, str) for a in accepted):
        return invalid("data['answer'] must be a text or a list of texts")
    fold, collapse = bool(data.get("casefold", False)), bool(data.get("collapse", True))
    given = _form(response.answer.strip()[:LONGEST], fold, collapse)
    if any(given == _form(a, fold, collapse) for a in accepted):
        return judged(1.0, "equal")
    return judged(0.0, f"answer {given[:80]!a} is not the expected text")


def _form(text: str, fold: bool, collapse: bool) -> str:
    text = plain(text)
    text = text.casefold() if fold else text
    return " ".join(text.split()) if collapse else text.strip()
