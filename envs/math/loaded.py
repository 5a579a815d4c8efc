"""Public data sets of mathematics.

GSM8K `{"question", "answer": "… #### 42"}`, MATH `{"problem", "solution": "… \\boxed{42} …"}`, DeepMind mathematics
(a question and its answer on alternating lines), and any `{"question" | "problem" | "prompt", "answer"}`.
"""

from __future__ import annotations

from typing import Any

from rlstack.api import Row
from rlstack.envs.loaded import Record, question
from rlstack.rewards._answer.final import boxes

ASK = "Answer in \\boxed{}."
_LONGEST = 500  # characters of an answer: longer ones are proofs or texts


def row(record: Record) -> Row | None:
    """The problem with its final answer; None where the record has none (a solution without a box)."""
    answer = _answer(record)
    if not answer or len(answer) > _LONGEST:
        return None
    asked = question(record)
    if "\\boxed" not in asked:
        asked = f"{asked} {ASK}"
    return Row.ask(asked, {"answer": answer}, f"\\boxed{{{answer}}}")


def _answer(record: Record) -> str:
    answer: Any = record.get("answer")
    if isinstance(answer, str) and "####" in answer:
        return answer.rpartition("####")[2].strip().replace(",", "")
    if answer is None and isinstance(record.get("solution"), str):
        found = boxes(record["solution"])
        return found[-1].text.strip() if found else ""
    if isinstance(answer, bool) or not isinstance(answer, str | int | float):
        raise KeyError("answer or solution")
    return str(answer).strip()
