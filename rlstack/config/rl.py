"""A stage of reinforcement learning."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rlstack.config.base import Count, Positive, Seconds, Section, Share
from rlstack.config.optim import OptimConfig


class EnvShare(Section):
    weight: float = Field(1.0, gt=0.0)
    """Share of every step's prompts, relative to the other envs. Quotas are exact in every update."""
    level: Count = 0
    """Difficulty of generated prompts, 0 the easiest."""
    path: str | None = None
    """Folder of a plugin, when it is neither in ./envs nor ours nor an installed one."""
    rewards: dict[str, float] | None = None
    """Reward name → weight, in place of the env's own."""


class SamplingConfig(Section):
    samples_per_prompt: Positive = 16
    max_tokens: Positive
    """Longest completion."""
    context: Positive = 8192
    """Longest prompt and completion together."""
    temperature: float = Field(1.0, gt=0.0)
    top_p: float = Field(1.0, gt=0.0, le=1.0)
    top_k: Count = 0
    """0: off. Training refuses top_p and top_k, because the learner's log-probs would be others."""


class AdvantageConfig(Section):
    kind: Literal["grpo"] = "grpo"
    normalise: Literal["std", "none"] = "std"


class LossConfig(Section):
    kind: Literal["dapo"] = "dapo"
    clip_low: float = Field(0.2, gt=0.0, lt=1.0)
    clip_high: float = Field(0.28, gt=0.0)
    """Larger than clip_low ("clip-higher"): unlikely tokens may grow."""


class KLConfig(Section):
    beta: float = Field(0.05, ge=0.0)
    """Weight of the KL loss against the frozen stage input; 0 leaves the reference model out."""
    estimator: Literal["k1", "k2", "k3"] = "k3"


class ScoringConfig(Section):
    workers: Positive = 1
    deadline: Seconds = 5.0
    """Longest wall time of one verdict; a reward's own DEADLINE_S may be shorter."""
    max_error_share: Share = 0.1
    """More unjudged samples than this in one step end the run with the commonest tracebacks."""
    memory_mb: Positive = 2048
    """Address space of one worker."""


class EvalConfig(Section):
    prompts_per_env: Positive = 64
    every: Count = 0
    """Also evaluate every so many steps; 0 means before and after only."""


class CheckpointConfig(Section):
    every: Positive = 1
    keep: Positive = 2


class GuardConfig(Section):
    max_mismatch: float = Field(1.05, gt=1.0)
    """Alarm when the mean of exp|log-prob(engine) - log-prob(learner)| of a step is above it."""
    on_mismatch: Literal["stop", "warn"] = "stop"


class RLStage(Section):
    kind: Literal["rl"] = "rl"
    envs: dict[str, EnvShare] = Field(min_length=1)
    steps: Positive
    prompts_per_step: Positive
    updates_per_step: Positive = 1
    """Optimizer updates on one batch; 1 is on-policy."""
    sampling: SamplingConfig
    advantage: AdvantageConfig = AdvantageConfig()
    loss: LossConfig = LossConfig()
    kl: KLConfig = KLConfig()
    optim: OptimConfig
    scoring: ScoringConfig = ScoringConfig()
    eval: EvalConfig = EvalConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    guard: GuardConfig = GuardConfig()
