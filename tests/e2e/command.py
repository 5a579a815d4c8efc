"""Runs the command line as a user does, and looks at the processes it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import psutil

SMALL = (
    "recipe=multidomain",
    "cluster.engines=1",
    "cluster.learners=1",
    "stages.multidomain.steps=4",
    "stages.multidomain.prompts_per_step=9",
    "stages.multidomain.sampling.samples_per_prompt=4",
    "stages.multidomain.sampling.max_tokens=24",
    "stages.multidomain.eval.prompts_per_env=4",
    "stages.multidomain.checkpoint.keep=10",
)
STAGE = "multidomain"
START_S = 240  # generous: a busy machine imports slowly


class Run:
    """One `python -m rlstack.run …` in a process of its own, with its output in a file."""

    def __init__(self, run_dir: Path, *overrides: str, cwd: Path | None = None, small: bool = True) -> None:
        self.run_dir, self._mark = run_dir, uuid.uuid4().hex
        self._output = run_dir.with_suffix(f".{self._mark[:6]}.out")
        command = [sys.executable, "-m", "rlstack.run", *(SMALL if small else ()), f"run_dir={run_dir}", *overrides]
        with self._output.open("wb") as out:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, cwd=cwd, env={**os.environ, "RUN_MARK": self._mark}
            )

    @property
    def output(self) -> str:
        return self._output.read_text(errors="replace")

    def wait(self, seconds: float) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"still running after {seconds} s; its output:\n{self.output}") from None

    def until_step(self, step: int) -> None:
        self.until(lambda: any(m["step"] >= step for m in metrics(self.run_dir)), START_S)

    def until(self, holds: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, f"ended early with {self.process.returncode}:\n{self.output}"
            assert time.monotonic() < end, f"waited {seconds} s in vain:\n{self.output}"
            time.sleep(0.05)

    def actors(self, title: str) -> list[psutil.Process]:
        """Processes of this run whose title begins so, e.g. "ray::EngineShell"."""
        return [p for p in self._own() if p.name().startswith(title[:15]) or title in " ".join(p.cmdline())]

    def leftovers(self, seconds: float) -> list[str]:
        """Names of processes of this run that still live after `seconds`."""
        end = time.monotonic() + seconds
        while (left := self._own()) and time.monotonic() < end:
            time.sleep(0.1)
        return [f"{p.pid} {' '.join(p.cmdline())[:80]}" for p in left]

    def _own(self) -> list[psutil.Process]:
        """By an environment variable that every descendant inherits. Scorers are stripped of it: they carry the
        driver's process number in their command line."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                    continue
                command = process.cmdline()
                is_scorer = "rlstack.scoring" in command and str(self.process.pid) in command
                if is_scorer or process.environ().get("RUN_MARK") == self._mark:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found


def metrics(run_dir: Path) -> list[dict]:
    file = run_dir / "metrics.jsonl"
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")]
