"""Thousands of hostile answers against one reward in a live pool, good ones between them, and what was left behind."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlstack.api import Response
from rlstack.authoring.examples import OF_FORM, TASKS, Task
from rlstack.authoring.hostile import MARK, TEXTS, damaged, spliced
from rlstack.config.rl import ScoringConfig
from rlstack.plugins import load_reward
from rlstack.scoring import ScoringPool
from rlstack.types import Score

_IN_FLIGHT = 64
_PAID = 0.01
_GIVE_UP_S = 60.0  # without any verdict: the pool hangs
_SLACK_S = 0.2  # that a call may take beyond its deadline until its process is gone


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a storm did; everything but the first five fields should be empty or 0."""

    hostile: int
    good: int
    timeouts: int  # of hostile answers: cut off at the deadline
    slowest_s: float  # the longest single verdict
    seconds: float
    harmed: tuple[str, ...]  # good answers without their full score
    paid: tuple[str, ...]  # texts that answer nothing, and earned something all the same
    raised: tuple[str, ...]  # hostile answers that ended as an error or as invalid
    late: int  # verdicts that came later than the deadline and 0.2 s
    restarts: int  # of the scoring server
    files: tuple[str, ...]  # left in the temporary folder, or created by code in an answer
    processes: int  # alive after the pool was closed
    grown_mb: float  # memory of the scoring server at the end above that after a tenth of the answers

    @property
    def clean(self) -> bool:
        harm = (self.harmed, self.paid, self.raised, self.late, self.restarts, self.files, self.processes)
        return not any(harm) and self.grown_mb < 32


def storm(reward: str, hostile: int, seed: int = 0, workers: int = 2) -> Outcome:
    """Judge so many hostile answers, each beside a good one. A third of them are `TEXTS`, in turn from a place that
    the seed names; the rest is damaged gold and splices. DeadlineError when the pool hangs."""
    rng = random.Random(f"{reward}/{seed}")
    with tempfile.TemporaryDirectory(prefix="rlstack-storm-") as folder:
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            found = _storm(reward, hostile, rng, workers)
        finally:
            tempfile.tempdir = before
        files = [*map(str, Path(folder).iterdir()), *([str(MARK)] if MARK.exists() else [])]
    return Outcome(files=tuple(files), **found)


def _storm(reward: str, hostile: int, rng: random.Random, workers: int) -> dict[str, Any]:
    config = ScoringConfig(workers=workers)
    started = time.monotonic()
    harmed, paid, raised, times, timeouts, marks = [], [], [], [], 0, []
    with ScoringPool({reward: {reward: 1.0}}, config, cache_size=0) as pool:
        session, deadline = pool.server_pid, min(config.deadline, _allowed_s(reward))
        for kind, (_, gold), bad, (attacked, honest) in _judged(pool, reward, _answers(reward, hostile, rng)):
            times.append(attacked.ms / 1000)
            timeouts += attacked.status == "timeout"
            if (honest.status, honest.value) != ("ok", 1.0):
                harmed.append(f"{gold[:60]!r}: {honest}")
            if attacked.status in ("error", "invalid"):
                raised.append(f"{kind} {bad[:60]!r}: {attacked.detail[:200]}")
            if kind in TEXTS and attacked.value > _PAID and reward not in OF_FORM:
                paid.append(f"{kind}: {attacked.value}")
            if len(times) in (hostile // 10, hostile):
                marks.append(_resident_mb(session))
        restarts = pool.stats()["restarts"]
    return {
        "hostile": len(times),
        "good": len(times),
        "timeouts": timeouts,
        "slowest_s": max(times),
        "seconds": time.monotonic() - started,
        "harmed": tuple(harmed),
        "paid": tuple(paid),
        "raised": tuple(raised),
        "late": sum(seconds > deadline + _SLACK_S for seconds in times),
        "restarts": restarts,
        "processes": _alive(session),
        "grown_mb": marks[-1] - marks[0],
    }


def _allowed_s(reward: str) -> float:
    """Seconds that the reward itself allows one call."""
    return load_reward(reward).deadline_s


def _answers(reward: str, hostile: int, rng: random.Random) -> Iterator[tuple[str, Task, str]]:
    """Kind of attack, task, hostile answer."""
    names = list(TEXTS)
    turn = rng.randrange(len(names))
    made = {name: make() for name, make in TEXTS.items()}
    for number in range(hostile):
        task = rng.choice(TASKS[reward])
        if number % 3 == 0:
            name = names[(turn + number // 3) % len(names)]
            yield name, task, made[name]
        elif number % 3 == 1:
            yield "damaged gold", task, damaged(task[1], rng)
        else:
            yield "splice", task, spliced(rng)


Judged = tuple[str, Task, str, tuple[Score, ...]]


def _judged(pool: ScoringPool, reward: str, answers: Iterator[tuple[str, Task, str]]) -> Iterator[Judged]:
    waiting: deque[tuple[str, Task, str, Future[tuple[Score, ...]]]] = deque()

    def first() -> Judged:
        kind, task, bad, future = waiting.popleft()
        return kind, task, bad, pool.collect([future], _GIVE_UP_S)[0]

    for kind, task, bad in answers:
        data, gold = task
        good = gold if bad != gold else gold + " "  # equal answers of a group are judged once
        future = pool.submit(reward, [Response(bad), Response(good)], data)
        waiting.append((kind, task, bad, future))
        if len(waiting) > _IN_FLIGHT:
            yield first()
    while waiting:
        yield first()


def _resident_mb(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:  # not Linux
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _alive(session: int, patience_s: float = 5.0) -> int:
    """Processes of a session that still run after `patience_s`."""
    end = time.monotonic() + patience_s
    while (left := sum(_session_of(entry) == session for entry in Path("/proc").glob("[0-9]*"))) and (
        time.monotonic() < end
    ):
        time.sleep(0.05)
    return left


def _session_of(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[3])
    except (OSError, ValueError):  # gone meanwhile
        return 0
