"""Public multiple-choice sets.

ARC `{"question", "choices": {"text", "label"}, "answerKey"}` and OpenBookQA (`question_stem`), CommonsenseQA and both
others' own files (`question.stem`), SciQ (`correct_answer`, `distractor1`…), GPQA (`Correct Answer`, `Incorrect
Answer 1`…), MMLU (`choices` as a list, `answer` as an index), HellaSwag (`ctx`, `endings`, `label`), PIQA (`goal`,
`sol1`, `sol2`, `label`), and `{"question", "options", "answer"}`. Sets without an order of their options get one by a
hash of the question. Test splits that withhold the answer ("" or -1) are left out.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from rlstack.api import Row
from rlstack.envs.loaded import Record, first, question

LETTERS = "ABCDEFGHIJKLMNOP"
ASK = "Answer with the letter in brackets."
_RIGHT = ("answerKey", "answer", "label")


def row(record: Record) -> Row | None:
    """The question with its lettered options; None where the right one is withheld."""
    if any(record.get(key) == "" for key in _RIGHT) or str(record.get("label")) == "-1":
        return None
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
    if "endings" in record:
        asked = f"{str(record['ctx']).strip()} …\nHow does it go on?"
        return asked, list(map(str, record["endings"])), int(record["label"])
    if "goal" in record:
        return str(record["goal"]).strip(), [str(record["sol1"]), str(record["sol2"])], int(record["label"])
    stem = record.get("question")
    if isinstance(stem, Mapping):  # the files of ARC, OpenBookQA and CommonsenseQA
        choices = {str(one["label"]): str(one["text"]) for one in stem["choices"]}
        return str(stem["stem"]), list(choices.values()), list(choices).index(str(record["answerKey"]))
    asked = str(record["question_stem"]) if "question_stem" in record else question(record)
    options = first(record, "choices", "options")
    if isinstance(options, Mapping):
        return asked, list(map(str, options["text"])), list(options["label"]).index(record["answerKey"])
    return asked, list(map(str, options)), _index(first(record, *_RIGHT), options)


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
