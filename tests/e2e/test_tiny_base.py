"""recipe=tiny_base through Ray at small scale: two stages, stopped in the second and gone on with."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
STEPS = 12
COMMAND = [
    sys.executable,
    "-m",
    "rlstack.run",
    "recipe=tiny_base",
    "stages.pretrain.steps=2",
    f"stages.sft.steps={STEPS}",
    *(f"stages.{stage}.{field}" for stage in ("pretrain", "sft") for field in ("rows_per_step=4", "row_tokens=128")),
    "stages.sft.checkpoint.every=2",
]


def losses(run: Path, stage: str = "sft") -> dict[int, float]:
    file = run / "metrics.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return {row["step"]: row["loss/nll"] for row in rows if row["stage"] == stage}


def start(run: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, f"run_dir={run}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted run."""
    folder = tmp_path_factory.mktemp("tiny_base") / "whole"
    finish(start(folder))
    return folder


def test_a_stopped_stage_goes_on_as_if_nothing_had_happened(whole: Path, tmp_path: Path) -> None:
    stopped = tmp_path / "stopped"
    process, end = start(stopped), time.monotonic() + 240
    while max(losses(stopped), default=0) < 4:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert 4 <= max(losses(stopped)) < STEPS

    output = finish(start(stopped))
    assert "pretrain: finished before, skipped" in output
    assert "sft: resuming after step" in output
    assert losses(stopped) == losses(whole)
    assert sorted(losses(whole)) == list(range(1, STEPS + 1))
    weights = [(run / "sft" / "export" / "model.safetensors").read_bytes() for run in (whole, stopped)]
    assert weights[0] == weights[1]
    summary = json.loads((stopped / "summary.json").read_text())["stages"]
    assert (summary["pretrain"]["steps"], summary["sft"]["steps"]) == (2, STEPS)


def test_the_export_loads_where_hub_folders_load(whole: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    export = whole / "sft" / "export"
    tokenizer, model = AutoTokenizer.from_pretrained(export), AutoModelForCausalLM.from_pretrained(export)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    assert model.generate(**prompt, max_new_tokens=3, do_sample=False).shape[1] > prompt["input_ids"].shape[1]
    assert model.config.embedding_multiplier == 12.0
