"""Public sets of questions, with and without an answer.

`{"question", "answers" | "answer" | "aliases", "answerable"?, "lambda"?}`; TriviaQA (`answer.aliases`); SQuAD 2
(`context`, and `answers.text`, which is empty where the context does not tell).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rlstack.api import Row
from rlstack.envs.loaded import Record, question

ABSTAIN = "I don't know."
ASK = "Answer briefly. If you do not know, say so."
LAMBDA = 1.0  # a wrong answer costs as much as a right one earns: answer above a confidence of one half
_ANSWERS = ("answers", "answer", "possible_answers", "aliases")


def row(record: Record) -> Row:
    """The question with its accepted answers; none means that it has no answer."""
    answers = _answers(record)
    answerable = record.get("answerable", bool(answers))
    if not isinstance(answerable, bool) or (answerable and not answers):
        raise ValueError("answerable is true or false, and with answers where it is true")
    context = f"{record['context'].strip()}\n\n" if isinstance(record.get("context"), str) else ""
    cost = float(record.get("lambda", LAMBDA))
    data = {"answers": answers, "answerable": answerable, "lambda": cost}
    return Row.ask(f"{context}{question(record)} {ASK}", data, answers[0] if answerable else ABSTAIN)


def _answers(record: Record) -> list[str]:
    found: Any = next((record[key] for key in _ANSWERS if key in record), None)
    if isinstance(found, str) and found.startswith("["):
        found = json.loads(found)
    if isinstance(found, Mapping):
        aliases = found.get("text") or found.get("aliases") or []
        found = [found["value"], *aliases] if isinstance(found.get("value"), str) else aliases
    if isinstance(found, str | int | float) and not isinstance(found, bool):
        found = [found]
    if not isinstance(found, list) and found is not None:
        raise ValueError(f"answers are a text or a list of texts, not a {type(found).__name__}")
    return list(dict.fromkeys(str(one).strip() for one in found or () if str(one).strip()))
