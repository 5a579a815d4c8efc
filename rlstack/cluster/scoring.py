"""Scoring on every node of a cluster: the same pool, in a Ray actor on each, behind the interface of one.

A step of a large run makes more answers than the driver's cores can judge. Groups go to the node with the fewest
answers waiting; verdicts are pure, so it does not matter which node judges.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from rlstack.api import Response
from rlstack.cluster.actors import ScoringShell
from rlstack.cluster.waiting import Member, await_all, with_pids
from rlstack.config.rl import ScoringConfig
from rlstack.errors import DeadlineError, RlstackError, ScoringError
from rlstack.scoring.pool import Pool, Scores, ScoringPool

_AT_ONCE = 4096  # groups that one actor holds; the pool behind it has its own queue


@dataclass(eq=False)
class _Node:
    """The pool of one node."""

    member: Member
    waiting: int = 0  # answers
    lost: bool = False


@dataclass(frozen=True, eq=False)
class _Ask:
    """One group on its way."""

    arguments: tuple[Any, ...]  # of ScoringShell.judge
    size: int
    scores: Future[Scores] = field(default_factory=Future)


class NodePools:
    """The pools of some nodes as one. A group whose node is lost is judged by another; ScoringError when none is left.

    `verifiable`: env → reward → weight, which every pool reports alike.
    """

    def __init__(self, members: Sequence[Member], verifiable: Mapping[str, Mapping[str, float]]) -> None:
        self._nodes = [_Node(member) for member in members]
        self._verifiable = verifiable
        self._lock = threading.Lock()  # guards the nodes' counts

    def submit(
        self, env: str, answers_G: Sequence[Response], data: Mapping[str, Any], *, cached: bool = True
    ) -> Future[Scores]:
        return self._ask("submit", env, answers_G, data, cached=cached)

    def reply(self, env: str, said: Sequence[Response], data: Mapping[str, Any]) -> Future[Scores]:
        return self._ask("reply", env, said, data)

    def collect(self, futures: Sequence[Future[Scores]], timeout_s: float) -> list[Scores]:
        _, missing = wait(futures, timeout_s)
        if missing:
            with self._lock:
                held = ", ".join(f"{node.member.name}: {node.waiting} answers" for node in self._nodes)
            raise DeadlineError(
                f"the driver waited {timeout_s:g} s for scoring: {len(missing)} of {len(futures)} groups are still "
                f"being judged ({held})"
            )
        return [future.result() for future in futures]

    def verifiable(self, env: str) -> dict[str, float]:
        return dict(self._verifiable.get(env, {}))

    def each(self) -> tuple[NodePools, ...]:
        """Every node's pool alone, e.g. to probe it."""
        return tuple(NodePools([node.member], self._verifiable) for node in self._nodes if not node.lost)

    def _ask(
        self, verb: str, env: str, answers_G: Sequence[Response], data: Mapping[str, Any], **options: Any
    ) -> Future[Scores]:
        ask = _Ask((verb, env, tuple(answers_G), dict(data), options), len(answers_G))
        self._send(ask)
        return ask.scores

    def _send(self, ask: _Ask) -> None:
        with self._lock:
            alive = [node for node in self._nodes if not node.lost]
            node = min(alive, key=lambda n: n.waiting) if alive else None
            if node is not None:
                node.waiting += ask.size
        if node is None:
            names = ", ".join(n.member.name for n in self._nodes)
            ask.scores.set_exception(
                ScoringError(f"no scoring pool is left: lost {names}; see {self._nodes[0].member.log.parent}")
            )
            return
        ref = node.member.handle.judge.remote(*ask.arguments)
        ref.future().add_done_callback(lambda done: self._arrived(node, ask, done))

    def _arrived(self, node: _Node, ask: _Ask, done: Future[Any]) -> None:
        error = done.exception()
        with self._lock:
            node.waiting -= ask.size
            node.lost = node.lost or isinstance(error, RayActorError)
        if error is None:
            ask.scores.set_result(done.result())
        elif isinstance(error, RayActorError):
            self._send(ask)
        else:
            cause = error.cause if isinstance(error, RayTaskError) else error
            known = isinstance(cause, RlstackError)
            ask.scores.set_exception(cause if known else ScoringError(f"{node.member.name} failed: {cause!r}"))


@contextmanager
def open_pool(
    config: ScoringConfig, logs: Path, *, seconds: float, **about: Any
) -> Iterator[tuple[Pool, tuple[Pool, ...]]]:
    """The pool of a run, and its parts to be probed one by one: in this process, or on every node (`scoring.place`).

    `about`: the other arguments of ScoringPool. `seconds`: until all pools are up. Raises PluginError for a reward
    that does not load.
    """
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    if config.place == "driver" or (config.place == "auto" and len(nodes) == 1):
        with ScoringPool(config=config, **about) as pool:
            yield pool, (pool,)
        return
    members = [_start({"config": config, **about}, f"scoring pool {i}", logs, node) for i, node in enumerate(nodes)]
    try:
        members = with_pids(members, seconds=seconds, what="starting", error=ScoringError)
        found = await_all(
            [m.handle.start.remote() for m in members],
            members,
            seconds=seconds,
            what="starting",
            error=ScoringError,
        )
        pools = NodePools(members, found[0])
        yield pools, pools.each()
    finally:
        for member in members:
            member.handle.close.remote()


def _start(arguments: Mapping[str, Any], name: str, logs: Path, node: str) -> Member:
    actor = ray.remote(ScoringShell).options(
        num_cpus=0,
        max_concurrency=_AT_ONCE,
        scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
    )
    log = logs / f"{name.replace(' ', '-')}.log"
    return Member(actor.remote(dict(arguments), str(Path.cwd()), str(log)), name, log)
