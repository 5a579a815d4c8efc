"""bench/gpu.sh as far as a machine without a GPU can run it, and the figures that it takes from metrics."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "bench" / "gpu.sh"


def test_every_configuration_of_the_script_is_valid():
    done = subprocess.run([SCRIPT, "--dry-run"], capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ("colocated-ipc-sleep", "separate-nccl", "tensor-parallel-2", "eight-gpus", "rlstack verify"):
        assert said in done.stdout


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="has a GPU")
def test_it_says_that_it_needs_a_gpu(tmp_path):
    done = subprocess.run([SCRIPT], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, cwd=tmp_path)
    assert done.returncode == 2
    assert "needs an NVIDIA GPU" in done.stderr


def test_a_mistyped_option_starts_nothing():
    done = subprocess.run([SCRIPT, "--dry"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")


def test_mfu_is_counted_flops_over_time_and_peak(tmp_path):
    row = {f"seconds/{name}": 1.0 for name in ("rollout", "judging", "learn", "sync", "commit", "step")}
    row |= {"speed/tokens": 16384, "gap/max": 1e-5, "seconds/learn": 0.5}
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for _ in range(3)))
    (tmp_path / "peak").write_text("1e12")
    words = ["recipe=single", "env=math", "model=tiny-random", "cluster=gpu"]
    script = [sys.executable, str(ROOT / "bench" / "gpu_report.py"), str(tmp_path), str(tmp_path / "peak"), *words]
    done = subprocess.run(script, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr
    # 2 FLOPs x (786,432 weights of four layers + 131,072 of the head) x 4 passes x 16,384 tokens, and attention.
    flops = 8 * (4 * (128 * 384 + 3 * 128 * 384) + 1024 * 128) * 16384 + 16 * 4 * 128 * 256 * 64 * 32
    assert f"MFU {flops / 0.5 / 1e12:.1%}" in done.stdout
    assert "trained tokens/s 16,384; update alone 32,768" in done.stdout
