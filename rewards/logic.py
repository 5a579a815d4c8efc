"""Logic puzzles: the final answer is the gold answer exactly.

`data`: `{"answer": <text, number, truth value, list or object>}` or `{"task": "<reasoning-gym name>",
"entry": {…}}`, where the entry's `answer` is the gold; `options`? may list what else could be answered. Lists keep
their order; grids are compared row by row; sets of clauses ("A is a knave, and B is a knight") in any order. A text
that marks no answer may settle on a name or a number in its closing sentence ("So Alice is the thief.").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.conclusion import (
    Mention,
    bounds,
    closing_sentence,
    concluded,
    concludes,
    doubts,
    name_mentions,
)
from rlstack.rewards._answer.final import closing_line, final_block, final_statements
from rlstack.rewards._answer.gold import gold_answer
from rlstack.rewards._answer.plain import tail
from rlstack.rewards._answer.value import bare, number, same_value
from rlstack.rewards.ifeval.wordlists import FUNCTION_WORDS

DEADLINE_S = 2.0
MOST_WORDS = 5  # of a gold answer that a closing sentence may name
_NUMERAL = re.compile(r"[^\s\w]?(?:\w*\d[\w.,/:]*\d|\w*\d)\w*%?")  # whatever holds a digit
_CAPITALISED = re.compile(r"(?<![\w'’])[A-Z][\w'’-]*(,?)")

_OPENERS = frozenset(
    ("so", "thus", "hence", "therefore", "consequently", "accordingly", "ergo", "clearly", "finally", "only", "who")
)


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 for the gold answer, 0 for any other or for two different ones."""
    gold = gold_answer(data)
    if gold is None:
        return invalid("neither data['answer'] nor data['entry']['answer'] holds an answer")
    text = tail(response.answer)
    statements = final_statements(text, closing_line)
    if statements and all(same_value(gold, s.text) for s in statements):
        return judged(1.0, "equal")
    if _fills_lines(gold) and same_value(gold, final_block(text)):
        return judged(1.0, "equal")
    if statements and all(s.kind in ("closing", "whole") for s in statements) and settles_on(gold, text, _others(data)):
        return judged(1.0, "equal")
    shown = statements[-1].text[:80] if statements else ""
    return judged(0.0, f"final answer {shown!a} is not the gold answer")


def _fills_lines(gold: Any) -> bool:
    return not isinstance(gold, str | bool | int | float) or (isinstance(gold, str) and "\n" in gold.strip())


def settles_on(gold: Any, text: str, others: Sequence[str] = ()) -> bool:
    """Whether the closing sentence of a text without a marked answer settles on `gold`, a short text or a number.

    Names are the gold, the `others`, and, where the gold is written with a capital, whatever else is.
    """
    exact = number(str(gold)) if isinstance(gold, str | int | float) and not isinstance(gold, bool) else None
    if exact is not None:
        sentence = closing_sentence(text)
        found = _NUMERAL.findall(sentence)
        claimed = concludes(sentence) and not doubts(sentence) and not bounds(sentence)
        return claimed and len(found) == 1 and number(found[0]) == exact
    if not isinstance(gold, str) or not 0 < len(gold.split()) <= MOST_WORDS:
        return False
    if len(bare(gold)) < 2 or gold.strip()[0] in "[{(" or re.search(r"[\n,;>]|\bis\b", gold):
        return False
    spelled = [(other.strip(), bare(other)) for other in others] + [(gold.strip().strip("."), bare(gold))]

    def mentions(sentence: str) -> list[Mention]:
        found = name_mentions(sentence, spelled)
        if not gold[0].isupper():
            return found
        covered = [(start, end) for start, end, _ in found]
        for match in _CAPITALISED.finditer(sentence):
            start, end = match.start(), match.end() - len(match.group(1))
            word = sentence[start:end].casefold().replace("’", "'").removesuffix("'s")
            opens = not re.search(r"\w", sentence[:start])
            if word in FUNCTION_WORDS or word in _OPENERS or (opens and match.group(1)):
                continue
            if not any(a < end and start < b for a, b in covered):
                found.append((start, end, word))
        return sorted(found)

    return concluded(text, mentions) == bare(gold)


def _others(data: Mapping[str, Any]) -> list[str]:
    options = data.get("options")
    if not isinstance(options, list | tuple):
        return []
    return [option for option in options if isinstance(option, str) and option.strip()]
