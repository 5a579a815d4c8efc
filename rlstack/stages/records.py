"""The rollout file: one JSON line per prompt with its samples and verdicts (docs/rollouts.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlstack.errors import RunDirError
from rlstack.types import Credit, Group, Prompt, Sample, Score


def rollout_file(stage: str, step: int) -> Path:
    """Of one step (1-based), relative to the run directory."""
    return Path(stage) / "rollouts" / f"step-{step:06d}.jsonl"


def group_row(group: Group, step: int) -> dict[str, Any]:
    samples = [
        {**sample.to_json(), "score": score.to_json()}
        for sample, score in zip(group.samples_G, group.scores_G, strict=True)
    ]
    if group.credits_G:
        samples = [{**row, "credit": credit.to_json()} for row, credit in zip(samples, group.credits_G, strict=True)]
    dropped = {"dropped": group.dropped} if group.dropped else {}
    return {"step": step, "prompt": group.prompt.to_json(), **dropped, "samples": samples}


def read_groups(file: Path) -> list[Group]:
    """Raises RunDirError naming file and line when a row does not parse."""
    return list(_read(file))


def _read(file: Path) -> Iterator[Group]:
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise RunDirError(f"cannot read the rollouts {file}: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            rows = row["samples"]
            scores = tuple(Score.from_json(sample.pop("score")) for sample in rows)
            credits_G = tuple(Credit.from_json(sample.pop("credit")) for sample in rows if "credit" in sample)
            samples = tuple(map(Sample.from_json, rows))
            yield Group(Prompt.from_json(row["prompt"]), samples, scores, credits_G, row.get("dropped", ""))
        except (ValueError, KeyError, TypeError) as error:
            raise RunDirError(f"{file}:{number} is not a row of rollouts: {error!r}") from error
