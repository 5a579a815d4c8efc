"""Everything that `rlstack plan` says, as data: sizes, memory of each kind of process, seconds of a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rlstack.config.cluster import ClusterConfig
from rlstack.config.rl import RLStage
from rlstack.config.run import RunConfig
from rlstack.errors import ConfigError
from rlstack.forecast import work as counted
from rlstack.forecast.rates import Rates
from rlstack.forecast.step import StepTime, step_time
from rlstack.forecast.work import Work
from rlstack.plan import (
    Dimensions,
    Memory,
    adapter_parameters,
    devices,
    dimensions,
    engine_weights,
    kv_bytes_per_token,
    learner_memory,
    reward_weights,
)


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of one step of the first RL stage. Bytes and seconds."""

    model: str
    stage: str
    cluster: ClusterConfig
    dims: Dimensions
    work: Work
    rates: Rates
    learner: Memory  # of each rank
    engine_weights: int  # of each of an engine's devices
    kv_token: int  # of one token, all layers, over an engine's devices
    kv_cache: int | None  # of an engine, where the configuration or the device's size tell
    reward_model: int  # 0: none
    devices: float
    time: StepTime

    @property
    def tokens_per_s(self) -> float:
        return self.work.trained / self.time.total

    @property
    def flops(self) -> float:
        """Of a step's updates."""
        return counted.learner_flops(self.dims, self.work)

    @property
    def fullest_device(self) -> int:
        """Bytes on the GPU that holds most; engines and learners take turns where they share it."""
        engine = self.engine_weights + (self.kv_cache or 0) // self.cluster.tensor_parallel
        learner = self.learner
        away = learner.weights + learner.optimizer if self.cluster.offload_policy else 0
        away += learner.reference if self.cluster.offload_reference else 0
        return max(learner.total - away, engine, self.reward_model)

    def to_json(self) -> dict[str, Any]:
        learner = self.learner
        return {
            "model": self.model,
            "stage": self.stage,
            "parameters": self.dims.parameters,
            "rates": {"source": self.rates.source, "measured": self.rates.is_measured},
            "step": {
                "prompts": self.work.prompts,
                "samples_per_prompt": self.work.samples,
                "prompt_tokens": self.work.prompt_tokens,
                "completion_tokens": self.work.completion_tokens,
                "trained_tokens": self.work.trained,
                "learner_flops": self.flops,
            },
            "memory_bytes": {
                "learner_rank": {
                    "weights": learner.weights,
                    "gradients": learner.gradients,
                    "optimizer": learner.moments,
                    "reference": learner.reference,
                    "activations": learner.activations - learner.logits,
                    "logits": learner.logits,
                    "held": learner.held,
                    "total": learner.total,
                },
                "engine_device": {"weights": self.engine_weights, "kv_cache": self.kv_cache, "kv_token": self.kv_token},
                "reward_model": self.reward_model,
            },
            "devices": self.devices if self.cluster.device == "cuda" else 0,
            "device_bytes": self.rates.device_bytes,
            "seconds": self.time.to_json(),
            "tokens_per_s": self.tokens_per_s,
        }


def forecast(config: RunConfig, rates: Rates, prompt_tokens: float, completion_tokens: float | None) -> Forecast:
    """Of the first RL stage. `completion_tokens` None: the longest that sampling allows.

    Raises ConfigError when there is no such stage, or the model's size cannot be known.
    """
    name, stage = _rl_stage(config)
    dims, cluster, lora = dimensions(config.model), config.cluster, config.model.lora
    if dims is None:
        raise ConfigError(
            f"model={config.model.name}: its size is not known here. Download it, name its folder, or give the shape "
            "(model.shape.hidden_size=… as in recipes/model/8b.yaml)"
        )
    tokens = completion_tokens if completion_tokens is not None else float(stage.sampling.max_tokens)
    if tokens > stage.sampling.max_tokens:
        raise ConfigError(f"--completion-tokens {tokens:g} is above sampling.max_tokens={stage.sampling.max_tokens}")
    work = Work.of(stage, prompt_tokens, tokens, recompute=cluster.gradient_checkpointing, adapters=lora is not None)
    weights = engine_weights(dims, cluster)
    cache = cluster.kv_cache_bytes
    if cache is None and cluster.device == "cuda":
        cache = max(0, int(rates.device_bytes * cluster.gpu_memory_share) - weights) * cluster.tensor_parallel
    return Forecast(
        config.model.name,
        name,
        cluster,
        dims,
        work,
        rates,
        learner_memory(dims, cluster, reference=work.reference, lora=lora, device_bytes=rates.device_bytes),
        weights,
        kv_bytes_per_token(dims, cluster),
        cache,
        reward_weights(stage, cluster),
        devices(stage, cluster),
        step_time(dims, cluster, work, rates, trained=adapter_parameters(dims, lora) if lora else None),
    )


def _rl_stage(config: RunConfig) -> tuple[str, RLStage]:
    for name, stage in config.stages.items():
        if isinstance(stage, RLStage):
            return name, stage
    raise ConfigError(f"recipe={config.recipe} has no stage of reinforcement learning: choose recipe=single env=<name>")
