"""Public sets of tool calls, and your own.

Your own `{"question" | "messages", "tools", "expected"}`, where no calls in `expected` means that no tool fits; xLAM
`{"query", "tools", "answers"}`; the Berkeley leaderboard's tasks of one turn `{"question", "function"}` with the
`ground_truth` of its `possible_answer` folder. Lists may be JSON texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rlstack.api import Message, Response, Row
from rlstack.envs.loaded import Record, dialogue
from rlstack.envs.tools.describe import system_text, written
from rlstack.envs.tools.flat import as_schema
from rlstack.rewards._structured.tools import tools_of
from rlstack.rewards.tool_call import score

DECLINE = "No tool fits."


def row(record: Record) -> Row | None:
    """The request with its tools offered in the system turn; the gold takes the first of acceptable values.

    None for what is no task of one turn: conversations, function descriptions, tasks whose calls are not told, and
    those of public sets whose own calls do not fit their tools.
    """
    if "function" in record:
        return _of_leaderboard(record)
    if "query" in record:
        return _of_xlam(record)
    if _is_no_task(record):
        return None
    return _own(record)


def _own(record: Record) -> Row:
    tools, expected = _list(record["tools"]), _list(record["expected"])
    messages = dialogue(record)
    if messages[0]["role"] != "system":
        messages = (_offer(tools), *messages)
    data = {"tools": tools, "expected": expected, "decline": [DECLINE]}
    plain = all(not isinstance(value, list) for call in expected for value in call.get("arguments", {}).values())
    gold = (written(expected) if expected else DECLINE) if plain else ""
    return Row(messages, data, gold)


# ---- public sets ---------------------------------------------------------------------------------------


def _of_xlam(record: Record) -> Row | None:
    asked: Message = {"role": "user", "content": str(record["query"]).strip()}
    tools, calls = _list(record["tools"]), _list(record["answers"])
    if not _are_described(tools):
        return None
    tools = [{**one, "parameters": as_schema(one.get("parameters") or {})} for one in tools]
    return _paid([asked], tools, {"expected": calls, "alternatives": False}, [calls])


def _of_leaderboard(record: Record) -> Row | None:
    turns = _turns(record["question"])
    truth = record.get("ground_truth")
    if truth is None and "irrelevance" in str(record.get("id")):
        truth = []
    tools = record["function"] if isinstance(record["function"], list) else [record["function"]]
    told = isinstance(truth, list) and all(isinstance(call, Mapping) for call in truth)
    if turns is None or truth is None or not told or not _are_described(tools):
        return None
    pairs = [(name, arguments) for call in truth for name, arguments in call.items()]
    golds = [
        [{"name": name, "arguments": _example(arguments, deep)} for name, arguments in pairs] for deep in (True, False)
    ]
    return _paid(turns, tools, {"expected": truth}, golds)


def _paid(
    turns: Sequence[Message],
    tools: Sequence[Record],
    wanted: Mapping[str, Any],
    golds: Sequence[Sequence[dict[str, Any]]],
) -> Row | None:
    """The row with the first of the `golds` that the reward pays; None where it pays none."""
    schemas = tools_of(tools)
    described = [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": str(one.get("description") or ""),
                "parameters": dict(schemas[name].parameters),
            },
        }
        for name, one in zip(schemas, tools, strict=True)
    ]
    messages = [_offer(described), *turns]
    if turns[0]["role"] == "system":
        both: Message = {"role": "system", "content": f"{turns[0]['content']}\n\n{messages[0]['content']}"}
        messages = [both, *turns[1:]]
    data = {"tools": described, **wanted, "decline": [DECLINE]}
    texts = [written(gold) if gold else DECLINE for gold in golds]
    gold = next((text for text in texts if score(Response(text), data).value == 1.0), None)
    return Row(tuple(messages), data, gold) if gold else None


def _are_described(tools: Sequence[Any]) -> bool:
    """Whether every tool has a name of its own, and parameters that are described."""
    if not all(isinstance(one, Mapping) and isinstance(one.get("parameters") or {}, Mapping) for one in tools):
        return False
    names = [one.get("name") for one in tools]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _example(arguments: Record, deep: bool) -> dict[str, Any]:
    """The first acceptable value of every argument that may not be left out; `deep`: also inside objects."""
    found = {}
    for name, values in arguments.items():
        if isinstance(values, list) and "" not in values:
            found[name] = _inner(values[0], deep) if values else values
        elif not isinstance(values, list):
            found[name] = values
    return found


def _inner(value: Any, deep: bool) -> Any:
    if isinstance(value, list):
        return [_inner(one, deep) for one in value]
    return _example(value, deep) if deep and isinstance(value, Mapping) else value


def _turns(asked: Any) -> list[Message] | None:
    """The messages of the only turn; None where several follow each other."""
    if isinstance(asked, str):
        return [{"role": "user", "content": asked}]
    turns = [asked] if asked and isinstance(asked[0], Mapping) else list(asked)
    if len(turns) != 1 or not turns[0] or turns[0][-1]["role"] != "user":
        return None
    return [{"role": one["role"], "content": str(one["content"])} for one in turns[0]]


def _is_no_task(record: Record) -> bool:
    """What lies beside the leaderboard's tasks: tasks with live tools, descriptions of functions, lists of ids."""
    described = {"name", "parameters"} <= record.keys() and not {"question", "messages"} & record.keys()
    ids = bool(record) and all(
        isinstance(one, list) and all(isinstance(i, str) for i in one) for one in record.values()
    )
    return "involved_classes" in record or described or ids


def _offer(tools: Sequence[dict[str, Any]]) -> Message:
    return {"role": "system", "content": system_text(tools, DECLINE)}


def _list(value: Any) -> list[Any]:
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, list | tuple):
        raise ValueError(f"tools and calls are lists, found a {type(found).__name__}")
    return list(found)
