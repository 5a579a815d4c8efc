"""Runs learner ranks or an engine in fresh processes and brings back what they took."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

from cost.load import Load, asks_of, batch_of

_DEADLINE_S = 900.0


@dataclass(frozen=True, slots=True)
class Taken:
    """Of one load. Memory in bytes, of the rank that took most."""

    load: Load
    seconds: float  # the fastest repetition, of the slowest rank
    resident: int  # weights, optimizer and reference: above what an empty process with torch has
    peak: int  # so, at its highest during an update


def updates(model: Path, loads: Sequence[Load], *, ranks: int = 1, micro_tokens: int = 4096, repeats: int = 2,
            reference: bool = True) -> list[Taken]:  # fmt: skip
    """Learner updates: forward, reference forward, backward, AdamW; one thread a rank, float32."""
    arguments = (str(model), tuple(loads), ranks, micro_tokens, repeats, reference)
    per_rank = _children(_learner, [(rank, *arguments) for rank in range(ranks)])
    return [
        Taken(load, max(r[i][0] for r in per_rank), max(r[i][1] for r in per_rank), max(r[i][2] for r in per_rank))
        for i, load in enumerate(loads)
    ]


def rollouts(model: Path, loads: Sequence[Load], *, repeats: int = 2, context: int = 4096) -> list[float]:
    """Seconds of sampling each load with one engine of one thread."""
    (seconds,) = _children(_engine, [(str(model), tuple(loads), repeats, context)])
    return seconds


def _children(target: Any, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    context = multiprocessing.get_context("spawn")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    results: Any = context.Queue()
    folder = Path(tempfile.mkdtemp(prefix="rlstack-cost-"))
    store = folder / "store"
    children = [
        context.Process(target=_reporting, args=(target, number, results, str(store), each), daemon=True)
        for number, each in enumerate(arguments)
    ]
    for child in children:
        child.start()
    try:
        found: dict[int, Any] = {}
        end = time.monotonic() + _DEADLINE_S
        while len(found) < len(children):
            try:
                number, result = results.get(timeout=1.0)
            except Empty:
                if dead := [c.exitcode for c in children if c.exitcode not in (None, 0)]:
                    raise RuntimeError(f"a measured process ended with status {dead[0]}") from None
                if time.monotonic() > end:
                    raise TimeoutError(f"the measured processes took more than {_DEADLINE_S:.0f} s") from None
                continue
            found[number] = result
        return [found[number] for number in range(len(children))]
    finally:
        for child in children:
            child.join(10)
            if child.is_alive():
                child.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _reporting(target: Any, number: int, results: Any, store: str, arguments: tuple[Any, ...]) -> None:
    os.environ.update(
        OMP_NUM_THREADS="1", TORCHDYNAMO_DISABLE="1", VLLM_ENABLE_V1_MULTIPROCESSING="0",
        VLLM_CPU_OMP_THREADS_BIND="nobind", VLLM_LOGGING_LEVEL="ERROR", VLLM_NO_USAGE_STATS="1",
    )  # fmt: skip
    results.put((number, target(store, *arguments)))


def _learner(store: str, rank: int, model: str, loads: Sequence[Load], ranks: int, micro_tokens: int, repeats: int,
             reference: bool) -> list[tuple[float, int, int]]:  # fmt: skip
    from transformers import GraniteForCausalLM  # noqa: F401 - so that its import is not counted as the model's

    from rlstack.config.optim import OptimConfig
    from rlstack.config.rl import KLConfig, LossConfig
    from rlstack.learner.learner import Learner, LearnerSpec, Rank
    from rlstack.learner.model import ModelSpec
    from rlstack.learner.objective import PolicyObjective

    empty = _memory("VmRSS")
    spec = LearnerSpec(ModelSpec(model), OptimConfig(lr=1e-6), 1000, reference=reference)
    learner = Learner(spec, Rank(rank, ranks, store))
    objective = PolicyObjective(LossConfig(), KLConfig(beta=0.05 if reference else 0.0), 1.0)
    small, small_plan = batch_of(Load(ranks, 2, 8, 8), ranks, micro_tokens)
    learner.update(small, small_plan[rank], objective, step=0)  # the optimizer's state exists from here on
    found = []
    for load in loads:
        batch, plan = batch_of(load, ranks, micro_tokens)
        resident, best = _memory("VmRSS"), float("inf")
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
        for _ in range(repeats):
            best = min(best, learner.update(batch, plan[rank], objective, step=0).seconds)
        found.append((best, resident - empty, _memory("VmHWM") - empty))
    learner.close()
    return found


def _engine(store: str, model: str, loads: Sequence[Load], repeats: int, context: int) -> list[float]:
    from rlstack.rollout.engine import Engine, EngineSpec

    spec = EngineSpec(model, "cpu", "float32", context, (), "shared_memory", kv_cache_bytes=512 * 2**20)
    engine = Engine(spec)
    list(engine.generate(asks_of(Load(2, 2, 8, 8), 0)))
    found = []
    for load in loads:
        best = float("inf")
        for seed in range(1, repeats + 1):
            started = time.perf_counter()
            tokens = sum(sample.n_tokens for group in engine.generate(asks_of(load, seed)) for sample in group)
            best = min(best, time.perf_counter() - started)
            if tokens != load.trained:
                raise RuntimeError(f"{tokens} tokens were sampled, not {load.trained}: an answer ended early")
        found.append(best)
    return found


def _memory(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")
