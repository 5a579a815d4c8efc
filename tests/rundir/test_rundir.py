"""A step is committed whole or not at all; a used directory is never overwritten silently."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rlstack.errors import RunDirError
from rlstack.rundir import RunDir, verify

CONFIG = {"recipe": "x", "stages": {"a": {"steps": 3}}, "run_dir": "here"}


def _writer(text: str):
    def write(folder: Path) -> None:
        (folder / "weights.safetensors").write_bytes(text.encode() * 1000)

    return write


@pytest.fixture
def run_dir(tmp_path):
    opened = RunDir(tmp_path / "run", CONFIG)
    yield opened
    opened.close()


def test_latest_is_the_newest_that_verifies(run_dir):
    for step in (1, 2, 3):
        run_dir.commit("a", step, {"seen": step * 10}, _writer(str(step)), keep=9)
    assert run_dir.latest("a").step == 3
    newest = run_dir.checkpoints("a") / "step-000003" / "weights.safetensors"
    data = bytearray(newest.read_bytes())
    data[500] ^= 1  # one flipped bit: the size is right, the content is not
    newest.write_bytes(data)
    assert "sha256" in verify(newest.parent)
    found = run_dir.latest("a")
    assert (found.step, found.state["seen"]) == (2, 20)
    (run_dir.checkpoints("a") / "step-000002" / "manifest.json").unlink()
    assert run_dir.latest("a").step == 1


def test_old_checkpoints_are_removed_and_broken_writes_leave_nothing(run_dir):
    for step in (1, 2, 3, 4):
        run_dir.commit("a", step, {}, _writer("w"), keep=2)

    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_dir.commit("a", 5, {}, fail, keep=2)
    assert run_dir.latest("a").step == 4
    assert sorted(p.name for p in run_dir.checkpoints("a").glob("step-*")) == ["step-000003", "step-000004"]


def test_no_checkpoint_yet(run_dir):
    assert run_dir.latest("a") is None


def test_a_second_process_is_kept_out(run_dir):
    with pytest.raises(RunDirError, match="in use"):
        RunDir(run_dir.path, CONFIG)


def test_another_configuration_is_refused_with_the_difference(run_dir):
    run_dir.close()
    with pytest.raises(RunDirError, match=r"stages\.a\.steps: 3 there, 4 now"):
        RunDir(run_dir.path, {**CONFIG, "stages": {"a": {"steps": 4}}})
    RunDir(run_dir.path, {**CONFIG, "run_dir": "moved", "dry_run": False}).close()  # changes no result


def test_a_folder_that_is_no_run_is_not_touched(tmp_path):
    (tmp_path / "thesis.tex").write_text("all my work")
    with pytest.raises(RunDirError, match=r"thesis\.tex"):
        RunDir(tmp_path, CONFIG)
    assert (tmp_path / "thesis.tex").read_text() == "all my work"


def test_metrics_of_uncommitted_steps_are_forgotten(run_dir):
    for step in (1, 2, 3):
        run_dir.append_metrics({"stage": "a", "step": step})
    run_dir.append_metrics({"stage": "b", "step": 7})
    with run_dir.metrics_file.open("a") as file:
        file.write('{"stage": "a", "st')  # killed in the middle of a line
    run_dir.forget_metrics_after("a", 2)
    rows = [json.loads(line) for line in run_dir.metrics_file.read_text().splitlines()]
    assert [(r["stage"], r["step"]) for r in rows] == [("a", 1), ("a", 2), ("b", 7)]


_KILLED = """
import sys
from pathlib import Path
from rlstack.rundir import RunDir
run = RunDir(Path(sys.argv[1]), {"c": 1})
step = (run.latest("s").step if run.latest("s") else 0)
print("ready", flush=True)
while True:
    step += 1
    def write(folder, step=step):
        for i in range(20):
            (folder / f"{i}.bin").write_bytes(str(step).encode() * 20000)
    run.commit("s", step, {"content": step}, write, keep=2)
"""


def test_random_kills_never_lose_a_committed_step(tmp_path):
    rng, last = random.Random(0), 0
    for _ in range(8):
        process = subprocess.Popen([sys.executable, "-c", _KILLED, str(tmp_path / "run")], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n"
        time.sleep(rng.uniform(0.0, 0.3))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        opened = RunDir(tmp_path / "run", {"c": 1})
        found = opened.latest("s")
        opened.close()
        if found is None:
            continue
        assert found.step >= last
        assert (found.folder / "7.bin").read_bytes() == str(found.step).encode() * 20000
        last = found.step
    assert last > 0
