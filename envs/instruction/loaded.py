"""Public sets of constrained prompts.

IFEval and IFBench `{"prompt", "instruction_id_list", "kwargs"}`; IF-RLVR `{"messages", "ground_truth"}`, the latter
a JSON text of `[{"instruction_id": […], "kwargs": […]}]`. They hold no answers, so their rows have no gold.
"""

from __future__ import annotations

import json
from typing import Any

from rlstack.api import Row
from rlstack.envs.loaded import Record, dialogue, question


def row(record: Record) -> Row:
    """The prompt with its constraints, absent arguments left out."""
    ids, kwargs = _constraints(record)
    if not ids or len(ids) != len(kwargs):
        raise ValueError(f"{len(ids)} constraints with {len(kwargs)} sets of arguments")
    given = [{name: value for name, value in (one or {}).items() if value is not None} for one in kwargs]
    data = {"instruction_id_list": [str(name) for name in ids], "kwargs": given, "prompt": question(record)}
    return Row(dialogue(record), data, "")


def _constraints(record: Record) -> tuple[list[Any], list[Any]]:
    if "instruction_id_list" in record:
        return list(record["instruction_id_list"]), list(record["kwargs"])
    truth = record["ground_truth"]
    truth = json.loads(truth) if isinstance(truth, str) else truth
    truth = truth[0] if isinstance(truth, list) else truth
    return list(truth["instruction_id"]), list(truth["kwargs"])
