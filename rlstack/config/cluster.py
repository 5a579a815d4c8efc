"""`cluster=`: where things run and how long anybody waits for them."""

from __future__ import annotations

from typing import Literal

from rlstack.config.base import Positive, Seconds, Section


class Deadlines(Section):
    """Every wait of the run has one of these."""

    start: Seconds = 300.0
    """Ray, the engines and the learners: from launch to ready."""
    rollout: Seconds = 600.0
    """All samples of one step."""
    update: Seconds = 600.0
    """One optimizer step, or one checkpoint."""
    sync: Seconds = 120.0
    """One weight sync."""
    stop: Seconds = 10.0
    """Orderly shutdown, before processes are killed."""


class ClusterConfig(Section):
    """Where things run."""

    name: str
    """The preset's name, for people."""
    device: Literal["cpu", "cuda"]
    """Where engines and learners compute."""
    address: str | None = None
    """A Ray cluster to join; null starts a private one on this machine."""
    engines: Positive
    """Rollout actors, each with a vLLM engine."""
    learners: Positive
    """FSDP2 ranks: gloo on CPU, NCCL on GPU."""
    threads: Positive = 1
    """Torch threads per process on CPU. Two processes that spin on all cores are 5-10 times slower."""
    tensor_parallel: Positive = 1
    """GPUs per engine."""
    colocate: bool = False
    """Engines and learners share GPUs; the engine sleeps while the learner works."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Of the engine and of the learner's computation; the master weights are always float32."""
    kv_cache_bytes: Positive | None = None
    """Size of the engine's KV cache; null lets `gpu_memory_share` decide."""
    gpu_memory_share: float = 0.85
    """Part of each GPU that an engine takes when `kv_cache_bytes` is null."""
    micro_tokens: Positive = 4096
    """Tokens in one forward and backward pass of a learner rank."""
    reshard: bool | Literal["auto"] = "auto"
    """Learners gather parameters and reduce gradients layer by layer in every micro-batch (true: least memory), or once
    per update (false: least traffic; each rank holds whole parameters and gradients); auto: false where an eighth of
    the device's memory has room for that."""
    logits_mb: Positive = 256
    """Logits that a learner holds at once, in MB. Rows with more go through the LM head in pieces that the backward
    pass computes again: a third more arithmetic in the head, and memory that no longer grows with the row."""
    gradient_checkpointing: bool = False
    """Learners keep only the input of each decoder layer and compute the rest again in the backward pass."""
    offload_policy: bool = False
    """GPU learners keep weights, gradients and AdamW's moments in CPU memory and update there."""
    offload_reference: bool = False
    """GPU learners keep the frozen reference in CPU memory and fetch it layer by layer."""
    deadlines: Deadlines = Deadlines()
