"""Dynamic and learnability-aware sampling, two updates a step, an adaptive beta and a
reference that is renewed, in a real run that is killed: the same prompts, accounts, betas and weights."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command import START_S, Run, metrics

from rlstack.stages.records import read_groups

pytestmark = pytest.mark.e2e
STEPS = 6
FINITE = """
from rlstack.api import Env, Row
def row(a, b):
    return Row.ask(f"What is {a} + {b}?", {"answer": str(a + b)}, f"\\\\boxed{{{a + b}}}")
ROWS = {"train": [row(a, b) for a in range(3) for b in range(3)], "eval": [row(7, 1), row(7, 2)]}
ENV = Env(name="sums", rewards={"math": 1.0}, rows=lambda split: ROWS[split])
"""
STAGE = {
    "envs": "{math: {brevity: 0.1}, sums: {path: ./sums, gates: {math: 1.0}}}", "steps": STEPS, "prompts_per_step": 8,
    "sampling.samples_per_prompt": 4, "sampling.max_tokens": 24, "sampling.refill": 2, "sampling.truncated": "mask",
    "sampling.overlong_cache": 16, "difficulty.kind": "learnable", "checkpoint.keep": 10, "eval.prompts_per_env": 2,
    "updates_per_step": 2, "kl.target": 0.5, "kl.horizon": 100, "kl.refresh_every": 3,
}  # fmt: skip
MAY_DIFFER = ("seconds/", "speed/tokens_per_s", "gap/")  # last bits of an engine's log-probs: what else it computes


def started(folder: Path, run: str, engines: int) -> Run:
    (folder / "sums").mkdir(exist_ok=True)
    (folder / "sums" / "env.py").write_text(FINITE)
    words = [f"stages.single.{key}={value}" for key, value in STAGE.items()]
    cluster = ("cluster.learners=1", f"cluster.engines={engines}")
    return Run(folder / run, "recipe=single", "env=math", *cluster, *words, cwd=folder, small=False)


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    whole = started(tmp_path, "whole", engines=2)  # groups arrive in any order
    assert whole.wait(2 * START_S) == 0, whole.output
    killed = started(tmp_path, "killed", engines=1)
    killed.until_step(2)
    killed.process.send_signal(signal.SIGKILL)
    killed.process.wait()
    assert killed.leftovers(60) == []
    assert 2 <= metrics(killed.run_dir)[-1]["step"] < STEPS, "killed too late to show anything"
    again = started(tmp_path, "killed", engines=1)
    assert again.wait(2 * START_S) == 0, again.output
    assert "resuming after step" in again.output

    export = Path("single") / "export" / "model.safetensors"
    assert (killed.run_dir / export).read_bytes() == (whole.run_dir / export).read_bytes()
    rows, others = (
        [{k: v for k, v in row.items() if not k.startswith(MAY_DIFFER)} for row in metrics(run.run_dir)]
        for run in (whole, again)
    )
    assert rows == others
    assert sum(row["group/dropped/sums"] for row in rows) > 0, "nothing was refilled"
    betas = [row["kl/beta"] for row in rows]
    assert len(set(betas)) == STEPS, "beta was not adapted"
    assert rows[-1]["policy/clip_low"] + rows[-1]["policy/kl_old"] > 0, "the second update of a step is off-policy"
    for row in rows:
        assert row["group/kept/math"] == row["group/kept/sums"] == 4
        groups = read_groups(whole.run_dir / "single" / "rollouts" / f"step-{row['step']:06d}.jsonl")
        assert len(groups) == row["group/generated"] == 8 + row["group/dropped"]
        assert sum(bool(g.dropped) for g in groups) == row["group/dropped"]
        assert {name for g in groups for c in g.credits_G for name in c.terms} == {"overlong", "brevity"}
