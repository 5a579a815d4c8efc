"""The gold answer of a task: `{"answer": …}` or a reasoning-gym entry `{"task": name, "entry": {…, "answer": …}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def gold_answer(data: Mapping[str, Any]) -> Any:
    """The gold value, or None where `data` holds none. An entry's own scorer is never run: some execute answers."""
    if "answer" in data:
        gold = data["answer"]
    else:
        entry = data.get("entry")
        gold = entry.get("answer") if isinstance(entry, Mapping) else None
    if isinstance(gold, str) and not gold.strip():
        return None
    return gold
