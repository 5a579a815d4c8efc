"""Tool calls: the right functions with acceptable arguments, and no call where none fits.

    data = {"tools": [<JSON description>, ..], "expected": [{"name": str, "arguments": {..}}, ..],
            "alternatives"?: bool, "decline"?: [<the words to write where no tool fits>, ..]}

The answer calls with `<tool_call>{"name": .., "arguments": {..}}</tool_call>`, one block per call, in any order.
A wanted value may be a list of acceptable ones, with "" marking the argument optional; `alternatives` says
whether all are such lists (true), none is (false), or the data tells (absent). The leaderboard's own shape
`{"<name>": {"<argument>": [..]}}` is taken as well. Where all are lists of acceptable values, the leaderboard's
rules alone decide; else a value must also satisfy its parameter's schema. `expected: []` wants an answer in
words: at least three, and no call in any other wrapping (a fence, bare JSON, Python, other tags). Components:
`syntax`, `names`, `schema`, `values` (shares of calls); the value is 1 only if the calls are exactly those wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.value import bare
from rlstack.rewards._structured.calls import (
    Call,
    CallSyntaxError,
    arguments_fault,
    assigned,
    calls_of,
    lists_alternatives,
    names_tool,
)
from rlstack.rewards._structured.schema import SchemaError, validator
from rlstack.rewards._structured.tools import Tool, tools_of
from rlstack.rewards._structured.wrappings import says_little, wrapped_call

__all__ = ["score"]

DEADLINE_S = 2.0


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """Judge the calls of one answer; descriptions or wanted calls that are broken are `invalid`."""
    for key in ("tools", "expected"):
        if not isinstance(data.get(key), list | tuple):
            return invalid(f"data[{key!r}] must be a list")
    try:
        tools = tools_of(data["tools"])
        checks = {name: validator(tool.parameters) for name, tool in tools.items()}
        wanted, alternatives = _wanted(data, tools)
        declining = {bare(str(words)) for words in data.get("decline") or ()}
    except (ValueError, TypeError, AttributeError, KeyError, SchemaError) as error:
        return invalid(str(error)[:300])
    try:
        calls = calls_of(response.answer)
    except CallSyntaxError as error:
        return judged(0.0, str(error), syntax=0.0, names=0.0, schema=0.0, values=0.0)
    if not wanted:
        return _without_call(response.answer, calls, tools, declining)
    if not calls:
        return judged(0.0, "no call", syntax=0.0, names=0.0, schema=0.0, values=0.0)
    gate = None if alternatives else checks
    return _verdict(calls, wanted, tools, checks, gate, alternatives)


def _verdict(
    calls: Sequence[Call],
    wanted: Sequence[Call],
    tools: Mapping[str, Tool],
    checks: Mapping[str, Any],
    gate: Mapping[str, Any] | None,
    alternatives: bool | None,
) -> Score:
    named = [next((name for name in tools if names_tool(call.name, name, tools)), "") for call in calls]
    right = (Counter(named) & Counter(call.name for call in wanted)).total()
    valid = [
        bool(name) and bool(checks[name].is_valid(call.arguments)) for name, call in zip(named, calls, strict=True)
    ]
    fits: list[list[bool]] = []
    faults: list[str] = []
    for want in wanted:
        row = []
        for at, call in enumerate(calls):
            fault = _fault(call, named[at], want, tools, gate, valid[at], alternatives)
            row.append(not fault)
            if fault:
                faults.append(fault)
        fits.append(row)
    paired = assigned(fits)
    larger = max(len(calls), len(wanted))
    parts = {
        "syntax": 1.0,
        "names": right / larger,
        "schema": sum(valid) / len(calls),
        "values": paired / larger,
    }
    if paired == larger:
        return judged(1.0, "the calls as wanted", **parts)
    if len(calls) != len(wanted):
        return judged(0.0, f"{len(calls)} calls, wanted {len(wanted)}", **parts)
    return judged(0.0, faults[0] if faults else "one call answers two wishes", **parts)


def _fault(
    call: Call,
    name: str,
    want: Call,
    tools: Mapping[str, Tool],
    gate: Mapping[str, Any] | None,
    valid: bool,
    alternatives: bool | None,
) -> str:
    if name != want.name:
        return f"calls {call.name[:60]!r}, wanted {want.name!r}"
    if fault := arguments_fault(call, want, tools[name], alternatives):
        return f"{name}: {fault}"
    if gate is not None and not valid and _gold_is_valid(want, tools[name], gate[name]):
        return f"{name}: the arguments break the schema"
    return ""


def _gold_is_valid(want: Call, tool: Tool, check: Any) -> bool:
    """Whether some reading of the wanted call satisfies the schema; where none does, the schema is no yardstick."""
    readings = [{}, {}]
    for name, value in want.arguments.items():
        listed = isinstance(value, list) and value
        first = next((one for one in value if one != ""), None) if listed else value
        if not (listed and "" in value and name not in tool.required):
            readings[0][name] = value
            readings[1][name] = first
    return any(check.is_valid(reading) for reading in readings)


def _without_call(answer: str, calls: Sequence[Call], tools: Mapping[str, Tool], declining: Set[str]) -> Score:
    parts = {"syntax": 1.0, "names": float(not calls), "schema": float(not calls), "values": float(not calls)}
    if calls:
        return judged(0.0, f"calls {calls[0].name[:60]!r} where no tool fits", **parts)
    if not any(char.isalnum() for char in answer):
        return judged(0.0, "neither a call nor an answer", **{**parts, "values": 0.0})
    if declining and bare(answer) not in declining:
        return judged(0.0, "no call, but not declined in the asked words", **{**parts, "values": 0.0})
    if declining:
        return judged(1.0, "declined, as wanted", **parts)
    if wrapping := wrapped_call(answer, tools):
        return judged(0.0, f"{wrapping}, where no tool fits", **{**parts, "values": 0.0})
    if says_little(answer):
        return judged(0.0, "no call, but no answer in words either", **{**parts, "values": 0.0})
    return judged(1.0, "no call, as wanted", **parts)


def _is_leaderboard(expected: Sequence[Mapping[str, Any]]) -> bool:
    return bool(expected) and all(call.keys() != {"name", "arguments"} and len(call) == 1 for call in expected)


def _wanted(data: Mapping[str, Any], tools: Mapping[str, Tool]) -> tuple[list[Call], bool | None]:
    expected = data["expected"]
    if _is_leaderboard(expected):
        wanted = [Call(name, arguments) for call in expected for name, arguments in call.items()]
        alternatives: bool | None = True
    else:
        wanted = [Call(call["name"], call.get("arguments", {})) for call in expected if _is_call(call)]
        alternatives = data.get("alternatives")
    for call in wanted:
        if call.name not in tools:
            raise ValueError(f"the wanted call names {call.name!r}; tools: {', '.join(tools)}")
        if not isinstance(call.arguments, Mapping):
            raise ValueError(f"the wanted arguments of {call.name!r} are no object")
    if alternatives is None and lists_alternatives(wanted, tools):
        alternatives = True
    return wanted, alternatives


def _is_call(call: Any) -> bool:
    if not isinstance(call, Mapping) or "name" not in call:
        raise ValueError(f"not a wanted call: {str(call)[:120]}")
    return True
