"""The processes of a stage, started before the driver knows what they will load.

They import meanwhile: half of the time to the first step is imports, on both sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray

from rlstack.cluster.actors import EngineShell, LearnerShell
from rlstack.cluster.waiting import Member
from rlstack.config.cluster import ClusterConfig


@dataclass(frozen=True, slots=True)
class Processes:
    """Actors that hold nothing yet; `Engines` and `Learners` give them their work."""

    engines: list[Member]
    learners: list[Member]


@contextmanager
def processes(cfg: ClusterConfig, logs: Path, *, engines: bool) -> Iterator[Processes]:
    """Learners, and engines where the stage samples; killed at the end, for they have nothing to put in order."""
    started = Processes(start_engines(cfg, logs) if engines else [], start_learners(cfg, logs))
    try:
        yield started
    finally:
        end([*started.engines, *started.learners])


def start_engines(cfg: ClusterConfig, logs: Path) -> list[Member]:
    actor = ray.remote(EngineShell).options(num_cpus=0, num_gpus=gpus(cfg, cfg.tensor_parallel))
    return [begin(actor, f"engine {i}", logs / f"engine-{i}.log") for i in range(cfg.engines)]


def start_learners(cfg: ClusterConfig, logs: Path) -> list[Member]:
    actor = ray.remote(LearnerShell).options(num_cpus=0, num_gpus=gpus(cfg, 1))
    return [begin(actor, f"learner {i}", logs / f"learner-{i}.log") for i in range(cfg.learners)]


def begin(actor: Any, name: str, log: Path) -> Member:
    """One process that says its number and then imports; its calls are answered in order."""
    handle = actor.remote(str(log))
    birth = handle.pid.remote()
    handle.prepare.remote()  # not waited for: if it fails, so will `start`, which says so
    return Member(handle, name, log, birth=birth)


def end(members: list[Member]) -> None:
    """Kills actors: an orderly exit of an interpreter that has loaded vLLM takes a second or two."""
    for member in members:
        ray.kill(member.handle)


def gpus(cfg: ClusterConfig, whole: int) -> float:
    """What one actor asks Ray for."""
    if cfg.device == "cpu":
        return 0
    return whole / 2 if cfg.colocate else whole
