"""Known and unknown by the policy's own pass rate: judged answers → rows for `envs.calibration.data`.

`rlstack env label calibration` is the command.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rlstack.envs.calibration.loaded import ABSTAIN

Json = dict[str, Any]


def labelled(rollouts: Iterable[Mapping[str, Any]], known: float = 0.5) -> list[Json]:
    """One row per question of the rows of rollout files or of `rlstack env try --json`, with its pass rate.

    A question that the policy answers rightly in at least the share `known` of its judged samples stays as it
    is. Below that it counts as unanswerable: then saying so pays, and a lucky guess does not. Questions without
    an answer stay unanswerable, and so does what was labelled unknown before: label the original questions again, not
    the labelled ones. Those without a judged sample are left out.
    """
    if not 0.0 < known <= 1.0:
        raise ValueError(f"known={known}, but must be a share above 0 and at most 1")
    prompts: dict[str, Mapping[str, Any]] = {}
    rights: dict[str, list[float]] = {}
    for group in rollouts:
        prompt = group["prompt"]
        prompts.setdefault(prompt["id"], prompt)
        scores = [sample["score"] for sample in group["samples" if "samples" in group else "answers"]]
        found = [s["components"]["calibration/correct"] for s in scores if s["status"] == "ok"]
        rights.setdefault(prompt["id"], []).extend(found)
    return [_row(prompt, sum(right) / len(right), known) for id_, prompt in prompts.items() if (right := rights[id_])]


def _row(prompt: Mapping[str, Any], rate: float, known: float) -> Json:
    data = dict(prompt["data"])
    answerable = data["answerable"] and rate >= known
    data |= {"answerable": answerable, "pass_rate": round(rate, 4)}
    return {"messages": prompt["messages"], "data": data, "gold": data["answers"][0] if answerable else ABSTAIN}
