"""Adapters through real Ray, vLLM and FSDP2: one whole run, and one that is stopped and goes on."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command import STAGE, START_S, Run, metrics

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
LORA = ("cluster.learners=2", "model.lora.rank=4", "model.lora.alpha=16", "stages.multidomain.optim.lr=1e-3")


def test_adapters_learn_agree_with_the_engine_and_resume_exactly(tmp_path):
    from peft import PeftModel
    from safetensors import safe_open
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    from rlstack.config.model import ModelConfig
    from rlstack.models.source import resolve

    whole = Run(tmp_path / "whole", *LORA)
    assert whole.wait(2 * START_S) == 0, whole.output
    summary = json.loads((whole.run_dir / "summary.json").read_text())["stages"][STAGE]
    assert 0 < summary["max_abs_logprob_gap"] < 1e-3  # merged in the engine, apart in the learner
    rows = metrics(whole.run_dir)
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert all(row["gap/mean_error"] < 1.001 for row in rows)
    assert rows[-1]["policy/kl"] > 0  # against the base, which is the policy without its adapters

    stopped = Run(tmp_path / "stopped", *LORA)
    stopped.until_step(2)
    stopped.process.send_signal(signal.SIGTERM)
    assert stopped.wait(20) == 130, stopped.output
    assert stopped.leftovers(10) == []
    done = metrics(stopped.run_dir)[-1]["step"]
    assert (stopped.run_dir / STAGE / "checkpoints" / f"step-{done:06d}" / "manifest.json").exists()
    again = Run(stopped.run_dir, *LORA)
    assert again.wait(2 * START_S) == 0, again.output
    assert "resuming after step" in again.output
    export = Path(STAGE) / "export"
    for file in ("model.safetensors", "adapter/adapter_model.safetensors"):
        assert (stopped.run_dir / export / file).read_bytes() == (whole.run_dir / export / file).read_bytes(), file

    base = resolve(ModelConfig(name="tiny", path="builtin:tiny"))
    names: set[str] = set()
    for file in Path(summary["checkpoint"]).rglob("*.safetensors"):
        with safe_open(file, "pt") as f:
            names |= set(f.keys())
    assert names
    assert all(".lora_" in name for name in names)
    peft = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base), str(whole.run_dir / export / "adapter")
    )
    merged, ours = (
        dict(peft.merge_and_unload().named_parameters()),
        load_file(whole.run_dir / export / "model.safetensors"),
    )
    for name, tensor in ours.items():
        assert (merged[name] - tensor).abs().max() < 1e-6, name
    untouched = load_file(base / "model.safetensors")
    changed = {name for name, tensor in ours.items() if not tensor.equal(untouched[name])}
    assert changed == {name for name in ours if "_proj." in name}
