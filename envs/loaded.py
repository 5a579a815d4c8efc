"""Reading the records of public data sets, for several environments. Not an environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rlstack.api import Message, Row

Record = Mapping[str, Any]

_QUESTION = ("question", "problem", "Question", "prompt", "instruction", "input")


def first(record: Record, *keys: str) -> Any:
    """The value of the first of `keys` that the record has. Raises KeyError naming them all."""
    for key in keys:
        if record.get(key) is not None:
            return record[key]
    raise KeyError(" or ".join(keys))


def question(record: Record) -> str:
    """The text that is asked, whatever a data set calls it."""
    if "messages" in record:
        return dialogue(record)[-1]["content"]
    text = first(record, *_QUESTION)
    if isinstance(text, list):  # a conversation under the name of prompt
        return str(text[-1]["content"]).strip()
    if not isinstance(text, str) or not text.strip():
        raise ValueError("the question is no text")
    return text.strip()


def dialogue(record: Record) -> tuple[Message, ...]:
    """The conversation of a record, up to the last turn of the user."""
    turns = record.get("messages")
    if not isinstance(turns, Sequence) or isinstance(turns, str):
        return ({"role": "user", "content": question(record)},)
    messages: list[Message] = [{"role": str(turn["role"]), "content": str(turn["content"])} for turn in turns]
    while messages and messages[-1]["role"] == "assistant":
        messages.pop()
    if not messages or messages[-1]["role"] != "user":
        raise ValueError("messages hold no turn of the user to be answered")
    return tuple(messages)


def question_and_answer(record: Record) -> Row:
    """`{"question", "answer"}`: asked as it stands; the answer is the gold, as JSON where it is no text."""
    answer = first(record, "answer", "target", "output")
    return Row.ask(question(record), {"answer": answer}, answer if isinstance(answer, str) else str(answer))
