"""The tools of the env: what they do with a call, errors included, which are data for the policy and no exceptions."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from rlstack.api import Message
from rlstack.envs.calculator.arithmetic import CannotCompute, compute
from rlstack.rewards._structured.calls import Call, CallSyntaxError, calls_of

MOST_CALLS = 8  # answered in one turn
LONGEST = 500  # characters of one result

CALC = {
    "name": "calc",
    "description": "Computes + - * / and parentheses exactly",
    "parameters": {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]},
}
LOOK = {
    "name": "look",
    "description": "Looks an entry up in the catalogue",
    "parameters": {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]},
}


def reply(conversation: Sequence[Message], data: Mapping[str, Any]) -> list[Message] | None:
    """Answers the calls of the policy's last turn, one result each; None when it made none, which ends it."""
    text = conversation[-1]["content"].rpartition("</think>")[2]
    try:
        calls = calls_of(text)
    except CallSyntaxError as error:
        return [_result(f"error: {error}")]
    if not calls:
        return None
    found = [_result(answer(call, data)) for call in calls[:MOST_CALLS]]
    if len(calls) > MOST_CALLS:
        found.append(_result(f"error: only the first {MOST_CALLS} calls were answered"))
    return found


def _result(text: str) -> Message:
    return {"role": "tool", "content": text[:LONGEST]}


def answer(call: Call, data: Mapping[str, Any]) -> str:
    """The result of one call, or `error: …` with what to do instead."""
    table: Mapping[str, Any] = data.get("table", {})
    names = ["calc", *(["look"] if table else [])]
    if call.name not in names:
        return f"error: no tool {call.name[:40]!r}; there is {' and '.join(names)}"
    if call.arguments.keys() != {"x"} or not isinstance(call.arguments["x"], str):
        return f'error: {call.name} takes one argument, a text: {{"x": "…"}}'
    if call.name == "calc":
        try:
            return compute(call.arguments["x"])
        except CannotCompute as error:
            return f"error: {error}"
    return _looked_up(call.arguments["x"], table)


def _looked_up(key: str, table: Mapping[str, Any]) -> str:
    if key in table:
        return json.dumps(table[key], ensure_ascii=False)
    near = difflib.get_close_matches(key[:40], table, n=1, cutoff=0.6)
    return f"error: no entry {key[:40]!r}" + (f"; did you mean {near[0]!r}?" if near else "")
