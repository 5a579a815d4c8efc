"""The answer contains given texts.

`data`: `{"answer": <text or list>, "mode"?: "all" | "any", "casefold"?: true, "words"?: true, "max_words"?: int}`.
`words` asks for whole words, in scripts that part them; `max_words` keeps an answer from containing everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.plain import plain

DEADLINE_S = 1.0
LONGEST = 200_000  # characters of a response that are looked at
_UNPARTED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 if all (or any) of the texts occur; component `found` is their share."""
    needles = data.get("answer")
    needles = [needles] if isinstance(needles, str) else needles
    if (
        not isinstance(needles, list | tuple)
        or not needles
        or not all(isinstance(n, str) and n.strip() for n in needles)
    ):
        return invalid("data['answer'] must be a text or a list of texts, none empty")
    mode, limit = data.get("mode", "all"), data.get("max_words")
    if mode not in ("all", "any") or not isinstance(limit, int | None):
        return invalid("data['mode'] must be 'all' or 'any', data['max_words'] a whole number")
    fold, words = bool(data.get("casefold", True)), bool(data.get("words", True))
    text = _form(response.answer[:LONGEST], fold)
    found = [_occurs(_form(n, fold), text, words) for n in needles]
    share = sum(found) / len(found)
    if limit is not None and len(text.split()) > limit:
        return judged(0.0, f"longer than {limit} words", found=share)
    missing = [n for n, there in zip(needles, found, strict=True) if not there]
    met = not missing if mode == "all" else any(found)
    return judged(float(met), "contained" if met else f"missing {missing[0][:60]!a}", found=share)


def _form(text: str, fold: bool) -> str:
    text = " ".join(plain(text).split())
    return text.casefold() if fold else text


def _occurs(needle: str, text: str, words: bool) -> bool:
    if not words:
        return needle in text
    before = r"(?<!\w)" if _parts_words(needle[:1]) else ""
    after = r"(?!\w)" if _parts_words(needle[-1:]) else ""
    return re.search(before + re.escape(needle) + after, text) is not None


def _parts_words(letter: str) -> bool:
    """Whether a letter's script puts blanks between words; Chinese, Japanese, Thai, Lao, Khmer and Burmese do not."""
    return letter.isalnum() and not _UNPARTED.match(letter)
