"""Calendar and clock: durations, dates, times, zones, intervals, weekdays and orders, compared by value.

`data`: `{"answer": …, "date_order"?: "dmy" | "mdy"}` or `{"task": "<reasoning-gym name>", "entry": {…}}`. A gold text
that is no time value (a name, yes or no) and a gold list (an order of events) compare as in `logic`. A text that
marks no answer may state it in its closing sentence ("The train arrives at 14:30."), as the only value of its kind
there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.final import closing_line, final_block, final_statements
from rlstack.rewards._answer.gold import gold_answer
from rlstack.rewards._answer.plain import tail
from rlstack.rewards._answer.value import listed, same_value, without_lead
from rlstack.rewards.logic import settles_on
from rlstack.rewards.temporal.closing import closing_value_is
from rlstack.rewards.temporal.read import read_value
from rlstack.rewards.temporal.values import same

DEADLINE_S = 2.0


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 for the gold answer in any common spelling, else 0."""
    gold, order = gold_answer(data), data.get("date_order")
    if gold is None:
        return invalid("neither data['answer'] nor data['entry']['answer'] holds an answer")
    if order not in (None, "dmy", "mdy"):
        return invalid("data['date_order'] must be 'dmy' or 'mdy'")
    text = tail(response.answer)
    statements = final_statements(text, closing_line)
    if statements and all(_equal(gold, s.text, order) for s in statements):
        return judged(1.0, "equal")
    if isinstance(gold, list | tuple) and _equal(gold, final_block(text), order):
        return judged(1.0, "equal")
    if statements and all(s.kind in ("closing", "whole") for s in statements) and _stated_at_the_end(gold, text, order):
        return judged(1.0, "equal")
    shown = statements[-1].text[:80] if statements else ""
    return judged(0.0, f"final answer {shown!a} is not the gold answer")


def _stated_at_the_end(gold: Any, text: str, order: str | None) -> bool:
    if isinstance(gold, bool) or not isinstance(gold, str | int | float):
        return False
    wanted = read_value(str(gold), order)
    return settles_on(gold, text) if wanted is None else closing_value_is(wanted, text, order)


def _equal(gold: Any, given: str, order: str | None) -> bool:
    if isinstance(gold, list | tuple):
        items = listed(given)
        return same_value(gold, given) or (
            len(items) == len(gold) and all(_equal(a, b, order) for a, b in zip(gold, items, strict=True))
        )
    if same_value(gold, given):
        return True
    if isinstance(gold, bool) or not isinstance(gold, str | int | float):
        return False
    left, right = read_value(str(gold), order), read_value(given, order)
    if left is not None and right is None:
        right = read_value(without_lead(given), order)
    if left is not None and right is not None:
        return same(left, right)
    return left is None and isinstance(gold, str) and _same_order(gold, given, order)


def _same_order(gold: str, given: str, order: str | None) -> bool:
    """`A, B, C` against `A -> B -> C`."""
    left, right = listed(gold), listed(given)
    return 1 < len(left) == len(right) and all(_equal(a, b, order) for a, b in zip(left, right, strict=True))
