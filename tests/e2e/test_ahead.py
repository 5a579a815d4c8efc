"""Training one step ahead: it learns, every token's age is recorded and bounded, and a stopped run goes on exactly."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command import STAGE, START_S, Run, metrics

from rlstack.stages.records import read_groups

pytestmark = pytest.mark.e2e
STEPS = 10
AHEAD = (
    "stages.multidomain.ahead=1",
    f"stages.multidomain.steps={STEPS}",
    "stages.multidomain.prompts_per_step=12",
    "stages.multidomain.sampling.samples_per_prompt=8",
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Run:
    run = Run(tmp_path_factory.mktemp("ahead") / "whole", *AHEAD)
    assert run.wait(2 * START_S) == 0, run.output
    assert run.leftovers(10) == []
    return run


def test_it_learns_from_samples_that_are_one_update_old(whole):
    rows = metrics(whole.run_dir)
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    assert "stale/age" not in rows[0]
    assert all(row["stale/age"] == row["stale/share"] == 1 and "gap/max" not in row for row in rows[1:])
    assert rows[0]["gap/max"] < 1e-3  # equal weights: the same log-probs
    assert all(1e-4 < row["stale/max"] < 3 for row in rows[1:])  # the policy moved in between, and not far
    rewards = [row["reward/mean"] for row in rows]
    assert np.mean(rewards[-4:]) > np.mean(rewards[:3]) + 0.02


def test_every_sample_names_the_weights_it_came_from(whole):
    for step in range(STEPS):
        groups = read_groups(whole.run_dir / STAGE / "rollouts" / f"step-{step + 1:06d}.jsonl")
        assert {s.weight_version for g in groups for s in g.samples_G} == {max(0, step - 1)}


def test_a_stopped_run_goes_on_to_the_same_weights(whole, tmp_path):
    first = Run(tmp_path / "run", *AHEAD)
    first.until_step(3)
    first.process.send_signal(signal.SIGINT)
    assert first.wait(20) == 130, first.output
    assert "Traceback" not in first.output
    assert first.leftovers(10) == []
    assert metrics(tmp_path / "run")[-1]["step"] < STEPS
    second = Run(tmp_path / "run", *AHEAD)
    assert second.wait(2 * START_S) == 0, second.output
    assert "resuming after step" in second.output
    export = Path(STAGE) / "export" / "model.safetensors"
    assert (tmp_path / "run" / export).read_bytes() == (whole.run_dir / export).read_bytes()
