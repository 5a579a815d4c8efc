"""Structured output of your own: `{"question" | "prompt", "schema", "expected"?}`."""

from __future__ import annotations

import json

from rlstack.api import Row
from rlstack.envs.loaded import Record, dialogue


def row(record: Record) -> Row:
    """The request with its schema and, where it is known, the value."""
    schema = record["schema"]
    schema = json.loads(schema) if isinstance(schema, str) else schema
    if "expected" not in record:
        return Row(dialogue(record), {"schema": schema, "fence": "allow"}, "")
    value = record["expected"]
    data = {"schema": schema, "expected": value, "fence": "allow"}
    return Row(dialogue(record), data, json.dumps(value, separators=(",", ":"), ensure_ascii=False))
