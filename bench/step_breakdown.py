"""Where a step's time goes, and how much of it nobody generates or learns in: the bubble.

    python bench/step_breakdown.py                                  # recipe=multidomain, 12 steps, ahead=0 and ahead=1
    python bench/step_breakdown.py --ahead 0 -- cluster.engines=2   # further words go to the run
    python bench/step_breakdown.py --read runs/mine                 # of a run that is there already

Each run is the real command with everything a user's has: rollouts sealed, weights verified after every sync, a
checkpoint committed at every step. The first two steps warm up and are not counted. Times are wall times of the
driver, from metrics.jsonl (docs/metrics.md):

- generate, judge: of the collection; judge is what generation did not hide. waited: how long the driver stood still for
  them. They begin when the engines have the new weights, beside the commit; with ahead=1 they belong to the next step
  and run beside its predecessor's update.
- batch: what the others leave, advantages and packing above all.
- bubble: 1 - busy / step, where busy is generate + learn, or the longer of the two where they overlap (ahead=1).

Steps beside which an evaluation or a probe ran do not contain it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_WARM_UP = 2
PARTS = ("generate", "judge", "waited", "batch", "learn", "sync", "commit", "step")


def parts_of(row: Mapping[str, float]) -> dict[str, float]:
    """Seconds of one line of metrics.jsonl by part."""
    named = {name: row[f"seconds/{name}"] for name in ("learn", "sync", "commit", "step")}
    waited = row["seconds/waiting"]
    return {
        "generate": row["seconds/rollout"],
        "judge": row["seconds/judging"],
        "waited": waited,
        "batch": named["step"] - waited - named["learn"] - named["sync"] - named["commit"],
        **named,
    }


def bubble(rows: Sequence[Mapping[str, float]], *, ahead: bool) -> float:
    """Share of the rows' time in which nobody generates or learns; the rows follow each other.

    Ahead, a row's own rollouts were generated beside the update of the row before: that update pairs with the next
    row's, and the first and the last row serve for this pairing only.
    """
    if not ahead:
        busy = sum(row["seconds/rollout"] + row["seconds/learn"] for row in rows)
        return 1 - busy / sum(row["seconds/step"] for row in rows)
    pairs = list(itertools.pairwise(rows))
    busy = sum(max(row["seconds/learn"], after["seconds/rollout"]) for row, after in pairs)
    return 1 - busy / sum(row["seconds/step"] for row, _ in pairs)


def table(label: str, rows: Sequence[Mapping[str, float]], *, ahead: bool) -> str:
    """Medians of each part, with its share of the median step."""
    median = {name: statistics.median(parts_of(row)[name] for row in rows) for name in PARTS}
    lines = [f"{label}: {len(rows)} steps, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"]
    lines += [f"  {name:<9}{median[name]:8.3f} s {median[name] / median['step']:7.1%}" for name in PARTS]
    speed = sum(row["speed/tokens"] for row in rows) / sum(row["seconds/step"] for row in rows)
    lines.append(f"  bubble   {bubble(rows, ahead=ahead):19.1%}   {speed:.0f} trained tokens/s")
    return "\n".join(lines)


def read(run_dir: Path, stage: str) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["stage"] == stage][_WARM_UP:-1]  # the last commit hides nothing


def run(folder: Path, ahead: int, steps: int, words: Sequence[str]) -> Path:
    run_dir = folder / f"ahead-{ahead}"
    stage = "stages.multidomain"
    command = [
        sys.executable, "-m", "rlstack.run", "recipe=multidomain", f"run_dir={run_dir}", f"{stage}.steps={steps}",
        f"{stage}.ahead={ahead}", f"{stage}.eval.prompts_per_env=2", *words,
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return run_dir


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ahead", nargs="+", type=int, choices=(0, 1), default=[0, 1])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--read", type=Path, help="a run directory; nothing is run")
    parser.add_argument("words", nargs="*", help="after --: further words for the run")
    options = parser.parse_args()
    if options.read:
        _print(options.read)
        return
    with tempfile.TemporaryDirectory(prefix="step-breakdown-") as folder:
        for ahead in options.ahead:
            _print(run(Path(folder), ahead, options.steps, options.words))


def _print(run_dir: Path) -> None:
    stages = json.loads((run_dir / "config.json").read_text())["stages"]
    for name, stage in stages.items():
        if stage["kind"] == "rl":
            print(table(f"{name}, ahead={stage['ahead']}", read(run_dir, name), ahead=bool(stage["ahead"])), flush=True)


if __name__ == "__main__":
    main()
