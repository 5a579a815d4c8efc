"""The driver's end of TRL's process: start, say whose turn it is, take the answer; a deadline on every wait."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from grpo.ours import Ours, Work

CHILD = Path(__file__).with_name("trl_child.py")
TRIALS = (2, 1, 2, 1, 2)
"""Threads of TRL's steps before the first pair."""
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
_LOG_LINES = 25


@dataclass(frozen=True, slots=True)
class TrlStep:
    seconds: float
    cpu_s: float
    generate_s: float
    tokens: int  # of all completions, trained every one
    longest: int
    reward: float


class ChildError(RuntimeError):
    """The other process ended, or did not answer in time."""


class Child:
    """A process that answers lines of its input with lines of JSON."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **environment},
                text=True,
            )
        self._answers: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise ChildError(f"the process has ended\n{self._tail()}") from error

    def answer(self, seconds: float) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise ChildError(f"no answer within {seconds:.0f} s\n{self._tail()}") from None
        if not line:
            raise ChildError(f"the process ended with status {self._process.wait(10)}\n{self._tail()}")
        return json.loads(line)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(10)

    def _tail(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join([f"its log ({self._log}) ends:", *lines[-_LOG_LINES:]])


class Theirs:
    def __init__(self, child: Child, threads: int, deadline: float) -> None:
        self._child, self._deadline, self.threads = child, deadline, threads

    def step(self) -> TrlStep:
        return timed(self._child, self.threads, self._deadline)


def timed(child: Child, threads: int, deadline: float) -> TrlStep:
    child.say(str(threads))
    return TrlStep(**child.answer(deadline))


def best_threads(child: Child, deadline: float) -> int:
    """The number of torch threads with which TRL is faster, on its own, at its best of two steps each."""
    steps = [(threads, timed(child, threads, deadline).seconds) for threads in TRIALS]
    return min(steps[1:], key=lambda step: step[1])[0]  # the first warmed up


@contextmanager
def opened(
    work: Work, ours: Ours, folder: Path, *, threads: int | None, batch: int, deadline: float
) -> Iterator[Theirs]:
    """TRL's trainer, ready for its first step on the prompts of `ours`; `threads` left open are chosen by trial.

    Raises ChildError when it sees other token ids than we do.
    """
    folder.mkdir()
    trials = range(work.steps, work.steps + len(TRIALS)) if threads is None else ()
    prompts = [prompt for step in (*trials, *range(work.steps)) for prompt in ours.prompts(step)]
    settings = {
        **asdict(work),
        "model": str(work.model),
        "folder": str(folder),
        "batch": batch,
        "messages": [list(prompt.messages) for prompt in prompts],
    }
    file = folder / "work.json"
    file.write_text(json.dumps(settings))
    environment = {"OMP_NUM_THREADS": str(threads or max(TRIALS)), **ENVIRONMENT}
    child = Child([sys.executable, str(CHILD), str(file)], folder / "trl.log", environment)
    try:
        ready = child.answer(deadline)
        if ready["prompt_ids"] != [list(ours.encode(prompt)) for prompt in prompts]:
            raise ChildError("TRL renders the prompts to other token ids than we do: nothing can be compared")
        yield Theirs(child, threads or best_threads(child, deadline), deadline)
    finally:
        child.close()
