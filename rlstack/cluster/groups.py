"""The engines as one, the learners as one, the reward model: what the step talks to."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import ray
from numpy.typing import NDArray

from rlstack.cluster.actors import RewardShell
from rlstack.cluster.processes import begin, gpus
from rlstack.cluster.waiting import Member, await_all, fetch, with_pids
from rlstack.config.cluster import ClusterConfig
from rlstack.data.batch import Batch, Item
from rlstack.errors import DeadlineError, EngineError, LearnerError, ScoringError
from rlstack.learner.learner import LearnerSpec, Rank, UpdateResult
from rlstack.learner.objective import Objective
from rlstack.rollout.engine import Ask, EngineSpec
from rlstack.types import Message, Sample

Plan = Sequence[Sequence[Sequence[Item]]]
"""Per rank, per micro-batch: the items."""
_GLANCE_S = 0.5  # between looks at whether rollouts are still wanted


@dataclass(frozen=True)
class EngineClient:
    """What learner rank 0 drives during a sync: every call goes to all engines and waits for all."""

    members: list[Member]
    seconds: float

    def _all(self, method: str, *args: Any) -> list[Any]:
        return self._begin(method, *args)()

    def _begin(self, method: str, *args: Any) -> Callable[[], list[Any]]:
        refs = [m.handle.call.remote(method, *args) for m in self.members]
        what = f"syncing weights ({method})"
        return lambda: await_all(refs, self.members, seconds=self.seconds, what=what, error=EngineError)

    def init_weight_transfer_engine(self, init_info: dict[str, Any]) -> None:
        self._all("init_weight_transfer_engine", init_info)

    def start_weight_update(self) -> None:
        self._all("start_weight_update")

    def update_weights(self, update_info: dict[str, Any]) -> None:
        self.begin_update(update_info)()

    def begin_update(self, update_info: dict[str, Any]) -> Callable[[], object]:
        return self._begin("update_weights", update_info)

    def finish_weight_update(self, version: int) -> None:
        self._all("finish_weight_update", version)

    def fingerprints(self) -> list[int]:
        return self._all("fingerprint")


class Engines:
    """All rollout engines. Prompts are dealt out by index, so every sample has one fixed origin."""

    def __init__(self, spec: EngineSpec, cfg: ClusterConfig, members: list[Member]) -> None:
        """Hands the engines their work; `ready` waits for them."""
        self._cfg, self._members = cfg, members
        self._starting = [m.handle.start.remote(spec) for m in members]
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Makes a `generate` in another thread raise EngineError: Ray must not end under it."""
        self._stopped.set()

    def ready(self) -> None:
        self._members = _started(self._members, self._starting, self._cfg, EngineError)

    def client(self) -> EngineClient:
        return EngineClient(self._members, self._cfg.deadlines.sync)

    @property
    def transfer_world(self) -> int:
        """Ranks of a GPU weight transfer: the sender and every engine rank."""
        return 1 + len(self._members) * self._cfg.tensor_parallel

    def generate(self, asks: Sequence[Ask]) -> Iterator[tuple[Sample, ...]]:
        """Groups in the order in which they finish, over all engines."""
        deadline = self._cfg.deadlines.rollout
        end = time.monotonic() + deadline
        streams: dict[Any, Member] = {}
        for i, member in enumerate(self._members):
            if share := list(asks[i :: len(self._members)]):
                streams[member.handle.generate.options(num_returns="streaming").remote(share)] = member
        while streams:
            left = end - time.monotonic()
            ready, _ = ray.wait(list(streams), timeout=max(0.0, min(_GLANCE_S, left)), fetch_local=False)
            if self._stopped.is_set():
                raise EngineError("rollouts were given up, because the stage ended")
            if not ready and left > _GLANCE_S:
                continue
            if not ready:
                names = ", ".join(m.name for m in streams.values())
                raise DeadlineError(
                    f"rollouts: {names} did not finish within {deadline:.0f} s (cluster.deadlines.rollout)"
                )
            for stream in cast(list[Any], ready):  # streams, although Ray's types say object references
                try:
                    ref = next(stream)
                except StopIteration:
                    del streams[stream]
                    continue
                yield fetch(ref, streams[stream], seconds=deadline, what="generating", error=EngineError)

    def sleep(self) -> None:
        self._call("sleep")

    def wake(self) -> None:
        self._call("wake")

    def _call(self, method: str) -> None:
        refs = [m.handle.call.remote(method) for m in self._members]
        await_all(refs, self._members, seconds=self._cfg.deadlines.sync, what=method, error=EngineError)


class Learners:
    """All FSDP2 ranks. Every call is made on every rank at once, because each one is a collective."""

    def __init__(self, spec: LearnerSpec, cfg: ClusterConfig, members: list[Member], store: str) -> None:
        """Hands the learners their work; `ready` waits for them."""
        self.spec, self._cfg, self._members = spec, cfg, members
        ranks = [Rank(i, len(members), store) for i in range(len(members))]
        self._starting = [m.handle.start.remote(spec, rank) for m, rank in zip(members, ranks, strict=True)]

    def ready(self) -> None:
        self._members = _started(self._members, self._starting, self._cfg, LearnerError)

    def connect(self, engines: Engines, *, backend: str) -> None:
        clients = [engines.client() if i == 0 else None for i in range(len(self._members))]
        world = engines.transfer_world
        options = {"dtype": self._cfg.dtype, "backend": backend, "world": world}
        self._each("connect", [(client,) for client in clients], "connecting weight sync", "sync", **options)

    def update(
        self, batch: Batch, plan: Plan, objective: Objective, *, step: int,
        old_logprobs_N: NDArray[np.float32] | None = None,
    ) -> UpdateResult:  # fmt: skip
        """One optimizer update over all ranks; the ranks' results as one."""
        shared = ray.put(batch)
        arguments = [(shared, share, objective) for share in plan]
        results = self._each(
            "update", arguments, f"update {step + 1}", "update", step=step, old_logprobs_N=old_logprobs_N
        )
        return merge(results)

    def logprobs(
        self, batch: Batch, plan: Plan, temperature: float, *, of_reference: bool = False
    ) -> NDArray[np.float32]:
        """Of the trained tokens, under the policy or the reference."""
        shared = ray.put(batch)
        arguments = [(shared, share, temperature) for share in plan]
        parts = self._each("logprobs", arguments, "log-probs", "update", of_reference=of_reference)
        return _join_parts(parts)

    def refresh_reference(self) -> None:
        """The policy as it is becomes the reference."""
        self._each("refresh_reference", None, "renewing the reference", "update")

    def sync(self, version: int, *, verify: bool) -> None:
        self._each("sync", None, f"syncing weights of version {version}", "sync", version=version, verify=verify)

    def save(self, folder: Path) -> None:
        self._each("save", None, "writing a checkpoint", "update", folder=folder)

    def restore(self, folder: Path) -> None:
        self._each("restore", None, "reading a checkpoint", "update", folder=folder)

    def export(self, folder: Path) -> None:
        self._each("export", None, "exporting", "update", folder=folder)

    def close(self) -> None:
        self._each("close", None, "closing", "stop")

    def probe(
        self, method: str, *args: Any, batch: Batch | None = None, plan: Plan | None = None, **options: Any
    ) -> list[Any]:
        """A verb of `learner.probe.Probe` on every rank, with its share of `plan`: what `rlstack verify` looks at."""
        shared = () if batch is None else (ray.put(batch),)
        shares = [(share,) for share in plan] if plan is not None else [()] * len(self._members)
        arguments = [(*shared, *share, *args) for share in shares]
        return self._each(method, arguments, f"verifying ({method})", "update", verb="probe", **options)

    def _each(
        self,
        method: str,
        arguments: list[tuple[Any, ...]] | None,
        what: str,
        deadline: str,
        verb: str = "call",
        **options: Any,
    ) -> list[Any]:
        per_rank = arguments or [()] * len(self._members)
        refs = [
            getattr(m.handle, verb).remote(method, *args, **options)
            for m, args in zip(self._members, per_rank, strict=True)
        ]
        seconds = getattr(self._cfg.deadlines, deadline)
        return await_all(refs, self._members, seconds=seconds, what=what, error=LearnerError)


class RewardScorer:
    """The scalar reward model, in a process of its own. Groups are scored one after another."""

    def __init__(self, folder: str, cfg: ClusterConfig, logs: Path) -> None:
        self._cfg = cfg
        actor = ray.remote(RewardShell).options(num_cpus=0, num_gpus=gpus(cfg, 1))
        self._members = [begin(actor, "the reward model", logs / "reward-model.log")]
        self._starting = [m.handle.start.remote(folder, cfg.device, cfg.dtype) for m in self._members]

    def ready(self) -> None:
        """Raises ConfigError for what is no scalar model."""
        self._members = _started(self._members, self._starting, self._cfg, ScoringError)

    def submit(self, conversations: Sequence[Sequence[Message]]) -> Future[list[float]]:
        """Queue a group; does not wait."""
        return self._members[0].handle.score.remote(conversations).future()


def merge(results: Sequence[UpdateResult]) -> UpdateResult:
    """Sums of sums; each token's log-prob from the rank that computed it."""
    sums = {name: math.fsum(r.sums.get(name, 0.0) for r in results) for name in {n for r in results for n in r.sums}}
    return UpdateResult(
        sums,
        _join_parts([r.logprobs_N for r in results]),
        results[0].grad_norm,
        results[0].lr,
        sum(r.tokens for r in results),
        max(r.seconds for r in results),
    )


def _join_parts(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    joined = parts[0].copy()
    for part in parts[1:]:
        np.copyto(joined, part, where=~np.isnan(part))
    return joined


def _started(members: list[Member], starting: list[Any], cfg: ClusterConfig, error: Any) -> list[Member]:
    """Waits until the processes answer and, with their numbers known, for what they have begun."""
    end = time.monotonic() + cfg.deadlines.start
    known = with_pids(members, seconds=cfg.deadlines.start, what="beginning", error=error)
    await_all(starting, known, seconds=max(1.0, end - time.monotonic()), what="starting", error=error)
    return known
