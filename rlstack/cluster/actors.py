"""Thin Ray shells over the plain classes `Engine`, `Learner`, `ScoringPool` and `RewardModel`."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rlstack.api import Response
from rlstack.config.cluster import ClusterConfig
from rlstack.rollout.engine import Ask, Engine, EngineSpec, import_vllm
from rlstack.scoring.pool import Scores, ScoringPool
from rlstack.startup import uncollected
from rlstack.types import Message, Sample


def environment(cfg: ClusterConfig) -> dict[str, str]:
    """Variables that must be set before torch and vLLM are imported."""
    # On a private Ray all ranks are on this machine; on a cluster gloo finds the interface itself.
    interface = os.environ.get("GLOO_SOCKET_IFNAME") or ("lo" if cfg.address is None else "")
    return {
        "OMP_NUM_THREADS": str(cfg.threads),
        "TORCHDYNAMO_DISABLE": "1",  # removes a 25 s stall in the first call on CPU
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the engine in this process: 3 s to start, not 32
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # two engines would be bound to the same core
        "VLLM_LOGGING_LEVEL": "WARNING",
        "VLLM_NO_USAGE_STATS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        **({"GLOO_SOCKET_IFNAME": interface} if interface else {}),
    }


def _own_log(log: str) -> None:
    """Output of this process goes to a file of the run directory; SIGUSR1 dumps all stacks there."""
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    file = open(log, "ab", buffering=0)  # noqa: SIM115 - open as long as the process lives
    os.dup2(file.fileno(), sys.stdout.fileno())
    os.dup2(file.fileno(), sys.stderr.fileno())
    faulthandler.register(signal.SIGUSR1, file=file, all_threads=True)


class EngineShell:
    def __init__(self, log: str) -> None:
        _own_log(log)
        self._engine: Any = None

    def prepare(self) -> None:
        """Imports, while the driver still reads what is to be loaded."""
        with uncollected():
            import_vllm()

    def start(self, spec: EngineSpec) -> None:
        with uncollected():
            self._engine = Engine(spec)

    def pid(self) -> int:
        return os.getpid()

    def generate(self, asks: Sequence[Ask]) -> Iterator[tuple[Sample, ...]]:
        yield from self._engine.generate(asks)

    def call(self, method: str, *args: Any) -> Any:
        """Any other verb of `Engine`."""
        return getattr(self._engine, method)(*args)


class LearnerShell:
    def __init__(self, log: str) -> None:
        _own_log(log)
        self._learner: Any = None
        self._probe: Any = None

    def prepare(self) -> None:
        """Imports, while the driver still reads what is to be loaded."""
        with uncollected():
            from rlstack.learner.model import import_transformers

            import_transformers()

    def start(self, spec: Any, rank: Any) -> None:
        with uncollected():
            from rlstack.learner.learner import Learner

            self._learner = Learner(spec, rank)

    def pid(self) -> int:
        return os.getpid()

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Any verb of `Learner`."""
        return getattr(self._learner, method)(*args, **kwargs)

    def probe(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Any verb of `Probe`, for `rlstack verify`."""
        if self._probe is None:
            from rlstack.learner.probe import Probe

            self._probe = Probe(self._learner)
        return getattr(self._probe, method)(*args, **kwargs)


class ScoringShell:
    """A scoring pool on this node. Async, so that many groups wait at once."""

    def __init__(self, arguments: Mapping[str, Any], cwd: str, log: str) -> None:
        _own_log(log)
        if Path(cwd).is_dir():
            os.chdir(cwd)  # plugins of the working directory are found from here
        self._arguments = arguments

    async def pid(self) -> int:
        return os.getpid()

    async def start(self) -> dict[str, dict[str, float]]:
        """Env → reward → weight of those that a gold answer must satisfy. Raises PluginError as ScoringPool does."""
        self._pool = ScoringPool(**self._arguments)
        return {env: dict(weights) for env, weights in self._pool.facts.verifiable.items()}

    async def judge(
        self, verb: str, env: str, answers_G: Sequence[Response], data: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Scores:
        """`submit` or `reply` of the pool, awaited."""
        return await asyncio.wrap_future(getattr(self._pool, verb)(env, answers_G, data, **options))

    async def close(self) -> None:
        self._pool.close()


class RewardShell:
    def __init__(self, log: str) -> None:
        _own_log(log)
        self._model: Any = None

    def pid(self) -> int:
        return os.getpid()

    def prepare(self) -> None:
        """Imports, while the driver still reads what is to be loaded."""
        with uncollected():
            from rlstack.learner.model import import_transformers

            import_transformers()

    def start(self, folder: str, device: str, dtype: str) -> None:
        with uncollected():
            from rlstack.models.reward_head import load

            self._model = load(folder, device=device, dtype=dtype)

    def score(self, conversations: Sequence[Sequence[Message]]) -> list[float]:
        return self._model.score(conversations)
