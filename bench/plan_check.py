"""`rlstack plan` against measurement: seconds of updates and rollouts, memory of a rank, on this machine.

    python bench/plan_check.py                      # tiny and 135M at several batch sizes
    python bench/plan_check.py --save rates.json    # for: rlstack plan --rates rates.json

Rates are fitted to the measurements of the first and last load of each shape (marked `fit`); those between test them.
With --given the rates that ship with the planner are tested as they are. Error: predicted over measured, less 1.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

LOADS = {
    "tiny": [(4, 16, 32, 64), (8, 16, 32, 64), (8, 16, 32, 192), (32, 16, 32, 64)],
    "8m": [(2, 8, 32, 64), (4, 8, 32, 64), (4, 8, 32, 192), (8, 16, 32, 64)],
    "135m": [(1, 4, 32, 32), (1, 8, 32, 32), (2, 8, 32, 32), (2, 8, 32, 64)],
}
_MICRO_TOKENS = 2048


@dataclass(frozen=True)
class Point:
    shape: str
    dims: Any
    work: Any
    taken: Any
    rollout_s: float
    is_fit: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=LOADS, default=["tiny", "135m"])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--given", action="store_true", help="do not fit")
    parser.add_argument("--save", type=Path, metavar="FILE")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f}, one thread a process, float32, KL on")
    with tempfile.TemporaryDirectory() as folder:
        points = [point for name in options.shapes for point in measure(name, Path(folder), options.repeats)]
    rates = given() if options.given else fitted(points)
    print(
        f"rates: matrices {rates.flops / 1e9:.0f} GFLOP/s, elsewhere {rates.elementwise / 1e9:.1f} GB/s, "
        f"{1000 * rates.layer_s:.2f} ms a layer; engine {rates.decode_flops / 1e9:.0f} GFLOP/s, "
        f"{1000 * rates.iteration_s:.1f} ms an iteration; copies {rates.memory / 1e9:.1f} GB/s"
    )
    show(points, rates)
    if options.save:
        rates.save(options.save)


def cluster() -> Any:
    from rlstack.config.cluster import ClusterConfig

    return ClusterConfig(
        name="bench", device="cpu", engines=1, learners=1, kv_cache_bytes=512 * 2**20, micro_tokens=_MICRO_TOKENS
    )


def measure(name: str, folder: Path, repeats: int) -> list[Point]:
    from cost.load import Load
    from cost.processes import rollouts, updates
    from cost.shapes import save

    from rlstack.config.model import ModelConfig
    from rlstack.forecast.work import Work
    from rlstack.plan import dimensions

    model = save(name, folder / name)
    dims = dimensions(ModelConfig(name=name, path=str(model)))
    loads = [Load(*numbers) for numbers in LOADS[name]]
    taken = updates(model, loads, repeats=repeats, micro_tokens=_MICRO_TOKENS)
    seconds = rollouts(model, loads, repeats=repeats)
    return [
        Point(name, dims, Work(load.prompts, load.samples, load.prompt_tokens, load.completion_tokens), t, s,
              i in (0, len(loads) - 1))
        for i, (load, t, s) in enumerate(zip(loads, taken, seconds, strict=True))
    ]  # fmt: skip


def given() -> Any:
    from rlstack.forecast.rates import rates_of

    return rates_of(cluster(), gpu="", mfu=1.0, file=None)


def fitted(points: Sequence[Point]) -> Any:
    """Seconds are linear in the inverse rates, so least squares of relative errors finds them."""
    used = [p for p in points if p.is_fit]
    rates = replace(given(), memory=copy_rate())
    learn = _inverse(
        [p.taken.seconds - _learn(p, rates, memory=rates.memory) for p in used],
        [p.taken.seconds for p in used],
        [[_learn(p, rates, flops=1.0), _learn(p, rates, elementwise=1.0), _learn(p, rates, layer_s=1.0)] for p in used],
    )
    roll = _inverse(
        [p.rollout_s - _roll(p, rates, memory=rates.memory) for p in used],
        [p.rollout_s for p in used],
        [[_roll(p, rates, decode_flops=1.0), _roll(p, rates, iteration_s=1.0)] for p in used],
    )
    return replace(
        rates, flops=1 / learn[0], elementwise=1 / learn[1], layer_s=learn[2], decode_flops=1 / roll[0],
        iteration_s=roll[1], source="fitted by bench/plan_check.py on this machine",
    )  # fmt: skip


def _learn(point: Point, rates: Any, **only: float) -> float:
    from rlstack.forecast.step import learn_time

    return learn_time(point.dims, cluster(), point.work, _only(rates, only))


def _roll(point: Point, rates: Any, **only: float) -> float:
    from rlstack.forecast.step import rollout_time

    return rollout_time(point.dims, cluster(), point.work, _only(rates, only))


def _only(rates: Any, kept: dict[str, float]) -> Any:
    """Rates at which nothing but `kept` takes time."""
    free = {"flops": 1e30, "elementwise": 1e30, "layer_s": 0.0, "decode_flops": 1e30, "memory": 1e30,
            "iteration_s": 0.0, "link": 1e30}  # fmt: skip
    return replace(rates, **{**free, **kept})


def _inverse(seconds: Sequence[float], scale: Sequence[float], parts: Sequence[Sequence[float]]) -> list[float]:
    """Non-negative least squares; a part that would be negative is left out and costs next to nothing."""
    weight = 1 / np.asarray(scale)
    matrix, target = np.asarray(parts) * weight[:, None], np.asarray(seconds) * weight
    active = list(range(matrix.shape[1]))
    while active:
        found, *_ = np.linalg.lstsq(matrix[:, active], target, rcond=None)
        if (found > 0).all():
            result = np.full(matrix.shape[1], 1e-30)
            result[active] = found
            return [float(x) for x in result]
        active.pop(int(found.argmin()))
    raise RuntimeError("the measurements do not grow with the work: was the machine busy?")


def copy_rate() -> float:
    """Bytes read and written per second by a plain copy of 256 MB."""
    source, target = np.ones(2**25), np.zeros(2**25)
    best = float("inf")
    for _ in range(3):
        started = perf_counter()
        np.copyto(target, source)
        best = min(best, perf_counter() - started)
    return 2 * source.nbytes / best


def show(points: Sequence[Point], rates: Any) -> None:
    from rlstack.forecast.step import learn_time, rollout_time
    from rlstack.plan import learner_memory

    print("shape samples tokens     | update s: predicted measured error | rollouts s: … | peak MiB: …")
    errors: dict[str, list[float]] = {"update": [], "rollouts": [], "memory": []}
    for p in points:
        small = cluster().model_copy(update={"micro_tokens": int(min(_MICRO_TOKENS, p.work.computed))})
        predicted = {
            "update": learn_time(p.dims, cluster(), p.work, rates),
            "rollouts": rollout_time(p.dims, cluster(), p.work, rates),
            "memory": learner_memory(p.dims, small, reference=True, device_bytes=rates.device_bytes).total / 2**20,
        }
        measured = {"update": p.taken.seconds, "rollouts": p.rollout_s, "memory": p.taken.peak / 2**20}
        cells = []
        for name in predicted:
            error = predicted[name] / measured[name] - 1
            cells.append(f"{predicted[name]:8.2f} {measured[name]:8.2f} {error:+5.0%}")
            if not p.is_fit or name == "memory":
                errors[name].append(abs(error))
        mark = "fit" if p.is_fit else ""
        print(f"{p.shape:5} {p.work.rows:5} {p.work.trained:7,.0f} {mark:4} | " + " | ".join(cells))
    for name, values in errors.items():
        print(f"{name}: mean |error| {np.mean(values):.0%}, largest {max(values):.0%}" + (
            "" if name == "memory" else " (points that were not fitted)"))  # fmt: skip


if __name__ == "__main__":
    main()
