"""The answer is written in the asked language.

`data`: `{"language": "de", "min_letters"?: 3}` with an ISO 639-1 code. Code, formulas and addresses are left out of
account; an answer of digits only is in no language. Every longer paragraph must be in the language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.language import is_language, letters, prose
from rlstack.rewards.ifeval.language import CODES

DEADLINE_S = 3.0
MOST_PARAGRAPHS = 12
LONG_PARAGRAPH = 60  # letters from which a paragraph is judged on its own
_KNOWN = frozenset(code.partition("-")[0] for code in CODES)


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 if the answer as a whole and each longer paragraph is in `data["language"]`, else 0."""
    code, fewest = data.get("language"), data.get("min_letters", 3)
    if not isinstance(code, str) or code.lower().partition("-")[0] not in _KNOWN:
        return invalid(f"data['language'] must be one of {', '.join(sorted(_KNOWN))}")
    if isinstance(fewest, bool) or not isinstance(fewest, int):
        return invalid("data['min_letters'] must be a whole number")
    text = prose(response.answer)
    if letters(text) < max(fewest, 1):
        return judged(0.0, "too few letters to be in a language")
    if not is_language(text, code):
        return judged(0.0, f"not in '{code}'")
    paragraphs = [p for p in text.split("\n") if letters(p) >= LONG_PARAGRAPH][:MOST_PARAGRAPHS]
    if any(not is_language(p, code) for p in paragraphs):
        return judged(0.0, f"a paragraph is not in '{code}'")
    return judged(1.0, f"in '{code}'")
