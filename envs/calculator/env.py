"""A conversation with tools: the policy calls a calculator or a catalogue, reads the results, then answers."""

from __future__ import annotations

import json
import random
from typing import Any

from rlstack.api import Env, Row
from rlstack.envs.calculator import tasks
from rlstack.envs.calculator.tools import CALC, LOOK, reply

LEVELS = (tasks.one_step, tasks.long_sum, tasks.shopping, tasks.budgets)
ASK = "Answer in \\boxed{}."
EXAMPLE = '<tool_call>{"name":"calc","arguments":{"x":"2*3"}}</tool_call>'


def generate(rng: random.Random, level: int) -> Row:
    question, answer, table = LEVELS[level](rng)
    data: dict[str, Any] = {"answer": answer}
    if table:
        data["table"] = table
    gold = f"\\boxed{{{answer}}}"
    if level == 0:
        return Row.ask(f"{question} Tool: {EXAMPLE} {ASK}", data, gold)
    return Row.ask(f"{question} {ASK}", data, gold, system=_system([CALC, LOOK] if table else [CALC]))


def _system(tools: list[dict[str, Any]]) -> str:
    """Offers the tools as the role-tag chat template does."""
    schemas = "\n".join(json.dumps({"type": "function", "function": tool}) for tool in tools)
    return (
        f"You can call the tools below, each given by its JSON schema:\n<tools>\n{schemas}\n</tools>\n"
        "To call one, write its name and arguments as one JSON object:\n"
        '<tool_call>\n{"name": ..., "arguments": {...}}\n</tool_call>\n'
        "The results come in the next turn. A turn without a call is your answer."
    )


def draft(row: Row, rng: random.Random) -> str:
    """A call (after whose result the answer follows), the answer straight away, a guess, or the task in the box.

    Products are mostly guessed or restated, sums mostly computed.
    """
    expression, answer = row.messages[-1]["content"].split("?")[0], row.data["answer"]
    hard = "*" in expression
    style = rng.choices(
        ("call", "known", "guess", "restated", "unsure"),
        (0.25, 0.05, 0.35, 0.25, 0.1) if hard else (0.35, 0.15, 0.2, 0.2, 0.1),
    )
    match style[0]:
        case "call":
            return EXAMPLE.replace("2*3", expression)
        case "guess":
            return f"\\boxed{{{int(answer) + rng.choice((-10, -1, 1, 10, 100))}}}"
        case "restated":
            return f"\\boxed{{{expression}}}"
        case "unsure":
            return "I am not sure."
        case _:
            return row.gold


ENV = Env(
    name="calculator",
    rewards={"math": 1.0},
    generate=generate,
    levels=len(LEVELS),
    draft=draft,
    reply=reply,
    max_turns=6,
    facts={"source": "generated", "licence": "Apache-2.0", "about": "tools over several turns: calculator, catalogue"},
)
