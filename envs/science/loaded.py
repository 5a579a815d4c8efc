"""Public multiple-choice sets.

ARC `{"question", "choices": {"text", "label"}, "answerKey"}` (also with `question.stem`), SciQ (`correct_answer`,
`distractor1`…), GPQA (`Correct Answer`, `Incorrect Answer 1`…), MMLU (`choices` as a list, `answer` as an index),
and `{"question", "options", "answer"}`. Sets without an order of their options get one by a hash of the question.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from rlstack.api import Row
from rlstack.envs.loaded import Record, first, question

LETTERS = "ABCDEFGHIJKLMNOP"
ASK = "Answer with the letter in brackets."


def row(record: Record) -> Row:
    """The question with its lettered options."""
    asked, options, right = _parts(record)
    if not 2 <= len(options) <= len(LETTERS) or not 0 <= right < len(options):
        raise ValueError(f"{len(options)} options, the right one at {right}")
    listed = "\n".join(f"({letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))
    answer = LETTERS[right]
    return Row.ask(f"{asked}\n{listed}\n{ASK}", {"answer": answer, "options": options}, f"({answer})")


def _parts(record: Record) -> tuple[str, list[str], int]:
    if "correct_answer" in record:
        wrong = [str(record[f"distractor{n}"]) for n in (1, 2, 3)]
        return _shuffled(question(record), str(record["correct_answer"]), wrong)
    if "Correct Answer" in record:
        wrong = [str(record[f"Incorrect Answer {n}"]) for n in (1, 2, 3)]
        return _shuffled(question(record), str(record["Correct Answer"]).strip(), [one.strip() for one in wrong])
    stem = record.get("question")
    if isinstance(stem, Mapping):  # ARC's own files
        choices = {str(one["label"]): str(one["text"]) for one in stem["choices"]}
        return str(stem["stem"]), list(choices.values()), list(choices).index(str(record["answerKey"]))
    options = first(record, "choices", "options", "endings")
    if isinstance(options, Mapping):
        return question(record), list(map(str, options["text"])), list(options["label"]).index(record["answerKey"])
    return question(record), list(map(str, options)), _index(first(record, "answerKey", "answer", "label"), options)


def _index(answer: Any, options: Sequence[Any]) -> int:
    if isinstance(answer, int) and not isinstance(answer, bool):
        return answer
    text = str(answer).strip()
    letter = text.strip("().").upper()
    return LETTERS.index(letter) if len(letter) == 1 and letter in LETTERS else list(map(str, options)).index(text)


def _shuffled(asked: str, right: str, wrong: list[str]) -> tuple[str, list[str], int]:
    options = [right, *wrong]
    random.Random(asked).shuffle(options)
    return asked, options, options.index(right)
