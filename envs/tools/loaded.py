"""Tool calls of your own: `{"question" | "messages", "tools", "expected"}`; no calls in `expected`: no tool fits."""

from __future__ import annotations

from rlstack.api import Message, Row
from rlstack.envs.loaded import Record, dialogue
from rlstack.envs.tools.describe import system_text, written

DECLINE = "No tool fits."


def row(record: Record) -> Row:
    """The request with its tools offered in the system turn; the gold takes the first of acceptable values."""
    tools, expected = list(record["tools"]), list(record["expected"])
    messages = dialogue(record)
    if messages[0]["role"] != "system":
        system: Message = {"role": "system", "content": system_text(tools, DECLINE)}
        messages = (system, *messages)
    data = {"tools": tools, "expected": expected, "decline": [DECLINE]}
    plain = all(not isinstance(value, list) for call in expected for value in call.get("arguments", {}).values())
    gold = (written(expected) if expected else DECLINE) if plain else ""
    return Row(messages, data, gold)
