"""Tools as JSON descriptions, and the system text that offers them to a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Tool = dict[str, Any]
Call = dict[str, Any]

TEXT, WHOLE, NUMBER, TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}


def tool(name: str, about: str, properties: Mapping[str, Any], optional: Sequence[str] = ()) -> Tool:
    """A function description with the schema of its arguments."""
    parameters = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "description": about, "parameters": parameters}}


def choice(*values: str) -> dict[str, Any]:
    """A text among `values`."""
    return {"type": "string", "enum": list(values)}


def listed(items: Mapping[str, Any]) -> dict[str, Any]:
    """A list with at least one item."""
    return {"type": "array", "items": dict(items), "minItems": 1}


def name_of(description: Tool) -> str:
    return description["function"]["name"]


def system_text(tools: Sequence[Tool], otherwise: str) -> str:
    """Offers the tools as the role-tag chat template does, and says what to write where none fits."""
    schemas = "\n".join(json.dumps(one, ensure_ascii=False) for one in tools)
    return (
        f"You can call the tools below, each given by its JSON schema:\n<tools>\n{schemas}\n</tools>\n"
        "To call one, write its name and arguments as one JSON object:\n"
        '<tool_call>\n{"name": ..., "arguments": {...}}\n</tool_call>\n'
        f"Where no tool fits, write exactly: {otherwise}"
    )


def written(calls: Sequence[Call]) -> str:
    """Calls as the policy is to write them."""
    return "\n".join(f"<tool_call>{json.dumps(call, separators=(',', ':'))}</tool_call>" for call in calls)
