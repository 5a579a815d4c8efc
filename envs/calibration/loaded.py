"""Public sets of questions, with and without an answer.

`{"question", "answers" | "answer" | "aliases", "answerable"?, "lambda"?}`; TriviaQA (`answer.aliases`, or its own
files: `Data`, a list of `Question` and `Answer`); SQuAD 2 (`context`, and `answers.text`, which is empty where the
context does not tell, or its own files: `data`, a list of `paragraphs`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rlstack.api import Row
from rlstack.envs.loaded import Record, question

ABSTAIN = "I don't know."
ASK = "Answer briefly. If you do not know, say so."
LAMBDA = 1.0  # a wrong answer costs as much as a right one earns: answer above a confidence of one half
_ANSWERS = ("answers", "answer", "possible_answers", "aliases")
_WITHHELD = "<unk>"  # TriviaQA's answer to the questions of its test split


def rows(record: Record) -> list[Row]:
    """The questions of a record: one, or those of a whole file; none where the answer is withheld."""
    return [row for one in _questions(record) if (row := _row(one)) is not None]


def _questions(record: Record) -> Iterator[Record]:
    if isinstance(record.get("Data"), list):  # TriviaQA's own files; those of its test split have no answers
        yield from ({"question": one["Question"], "answer": one.get("Answer", _WITHHELD)} for one in record["Data"])
    elif isinstance(record.get("data"), list):  # SQuAD's own files
        for paragraph in (paragraph for article in record["data"] for paragraph in article["paragraphs"]):
            for asked in paragraph["qas"]:
                texts = [] if asked.get("is_impossible") else [one["text"] for one in asked["answers"]]
                yield {"question": asked["question"], "context": paragraph["context"], "answers": texts}
    else:
        yield record


def _row(record: Record) -> Row | None:
    """The question with its accepted answers; an empty list says that it has none."""
    answers = _answers(record)
    if answers == [_WITHHELD]:
        return None
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
        found = _spellings(found)
    if isinstance(found, str | int | float) and not isinstance(found, bool):
        found = [found]
    if not isinstance(found, list) and found is not None:
        raise ValueError(f"answers are a text or a list of texts, not a {type(found).__name__}")
    return list(dict.fromkeys(str(one).strip() for one in found or () if str(one).strip()))


def _spellings(answer: Record) -> list[Any]:
    """The value first, then its aliases, under the names of SQuAD, of TriviaQA on the hub and of TriviaQA's files."""
    values = [answer[key] for key in ("value", "Value") if isinstance(answer.get(key), str)]
    lists = ("text", "aliases", "Aliases", "normalized_aliases", "NormalizedAliases")
    return [*values, *next((list(answer[key]) for key in lists if answer.get(key)), [])]
