"""Seconds of each phase of a step: counted work over the rates of a machine."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from rlstack.config.cluster import ClusterConfig
from rlstack.forecast import work as counted
from rlstack.forecast.rates import Rates
from rlstack.forecast.work import Work
from rlstack.plan import Dimensions, engine_weights, kv_bytes_per_token

_MAX_RUNNING = 256  # requests at a time in one engine (rlstack/rollout/engine.py)
_BYTES = {"float32": 4, "bfloat16": 2}


@dataclass(frozen=True, slots=True)
class StepTime:
    """Seconds; the phases follow one another in a synchronous step."""

    rollout: float
    learn: float
    sync: float

    @property
    def total(self) -> float:
        return self.rollout + self.learn + self.sync

    def to_json(self) -> dict[str, float]:
        return {**asdict(self), "total": self.total}


def step_time(
    dims: Dimensions, cluster: ClusterConfig, work: Work, rates: Rates, *, trained: int | None = None
) -> StepTime:
    """`trained`: parameters that the optimizer moves; None: all of them."""
    return StepTime(
        rollout_time(dims, cluster, work, rates),
        learn_time(dims, cluster, work, rates, trained=trained),
        sync_time(dims, cluster, rates),
    )


def learn_time(
    dims: Dimensions, cluster: ClusterConfig, work: Work, rates: Rates, *, trained: int | None = None
) -> float:
    """Work over the ranks, a fixed price per layer and micro-batch, the optimizer's bytes, the ranks' traffic."""
    ranks, width = cluster.learners, _BYTES[cluster.dtype]
    compute = counted.learner_flops(dims, work) / rates.flops
    if rates.elementwise:
        compute += counted.elementwise_bytes(dims, work, width) / rates.elementwise
    micro = max(1, math.ceil(work.computed / ranks / cluster.micro_tokens))
    passes = 3 + work.reference + work.recompute
    fixed = work.updates * micro * dims.layers * passes * rates.layer_s
    optimizer = (
        counted.optimizer_bytes(dims.parameters if trained is None else trained, work.updates) / rates.memory / ranks
    )
    return compute / ranks + fixed + optimizer + traffic_bytes(dims, cluster, work, micro) / rates.link


def traffic_bytes(dims: Dimensions, cluster: ClusterConfig, work: Work, micro_batches: int) -> float:
    """Of one rank and step: parameters gathered and gradients scattered.

    In every micro-batch, forward and backward, with `cluster.reshard=true`; once per update otherwise. For `auto`
    the larger amount is counted on GPUs and the smaller one on CPU.
    """
    each_time = cluster.reshard is True or (cluster.reshard == "auto" and cluster.device == "cuda")
    gathers = (2 + work.reference) * micro_batches if each_time else 1 + work.reference
    scatters = micro_batches if each_time else 1
    away = (cluster.learners - 1) / cluster.learners
    parameter = dims.parameters * _BYTES[cluster.dtype]
    return work.updates * away * (gathers * parameter + scatters * 4 * dims.parameters)


def rollout_time(dims: Dimensions, cluster: ClusterConfig, work: Work, rates: Rates) -> float:
    """One engine's share: prompts at once, then a token of every running request per iteration.

    Each iteration reads the weights and the running requests' cache once.
    """
    share = cluster.engines * cluster.tensor_parallel
    compute = (counted.prefill_flops(dims, work) + counted.decode_flops(dims, work)) / rates.decode_flops / share
    rows = math.ceil(work.rows / cluster.engines)
    running = max(1, min(rows, _MAX_RUNNING, _cache_rows(dims, cluster, work, rates)))
    iterations = math.ceil(rows / running) * work.completion_tokens
    context = work.prompt_tokens + work.completion_tokens / 2
    cache = running * context * kv_bytes_per_token(dims, cluster) / cluster.tensor_parallel
    read = iterations * (engine_weights(dims, cluster) + cache) / rates.memory
    return compute + read + iterations * rates.iteration_s


def _cache_rows(dims: Dimensions, cluster: ClusterConfig, work: Work, rates: Rates) -> int:
    """How many requests the engine's cache holds at once."""
    size = cluster.kv_cache_bytes
    if size is None:
        size = rates.device_bytes * cluster.gpu_memory_share - engine_weights(dims, cluster)
    row = (work.prompt_tokens + work.completion_tokens) * kv_bytes_per_token(dims, cluster) / cluster.tensor_parallel
    return int(size // row)


def sync_time(dims: Dimensions, cluster: ClusterConfig, rates: Rates) -> float:
    return dims.parameters * _BYTES[cluster.dtype] / rates.link
