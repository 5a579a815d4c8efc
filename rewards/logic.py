"""Logic puzzles: the final answer is the gold answer exactly.

`data`: `{"answer": <text, number, truth value, list or object>}` or `{"task": "<reasoning-gym name>",
"entry": {…}}`, where the entry's `answer` is the gold. Lists keep their order; grids are compared row by row;
sets of clauses ("A is a knave, and B is a knight") in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.final import closing_line, final_block, final_statements
from rlstack.rewards._answer.gold import gold_answer
from rlstack.rewards._answer.plain import tail
from rlstack.rewards._answer.value import same_value

DEADLINE_S = 2.0


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
    shown = statements[-1].text[:80] if statements else ""
    return judged(0.0, f"final answer {shown!a} is not the gold answer")


def _fills_lines(gold: Any) -> bool:
    return not isinstance(gold, str | bool | int | float) or (isinstance(gold, str) and "\n" in gold.strip())
