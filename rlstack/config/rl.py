"""A stage of reinforcement learning."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rlstack.config.base import Count, Positive, Seconds, Section, Share
from rlstack.config.optim import OptimConfig


class EnvShare(Section):
    """One environment of a mixture: `envs.<name>`."""

    weight: float = Field(default=1.0, gt=0.0)
    """Share of every step's prompts, relative to the other envs. Quotas are exact in every update."""
    level: Count = 0
    """Difficulty of generated prompts, 0 the easiest."""
    path: str | None = None
    """Folder of a plugin, when it is neither in ./envs nor ours nor an installed one."""
    data: str | None = None
    """A data set in place of the env's generator: a JSONL, JSON, Parquet or text file, a folder, or a hub id."""
    rewards: dict[str, float] | None = None
    """Reward name → weight, in place of the env's own."""
    gates: dict[str, float] = Field(default_factory=dict)
    """Component of the verdict (`format`, or `sql/parses` for a part of a reward) → least value that opens the gate.
    An answer before a closed gate is worth 0, whatever else it earned."""
    brevity: float = Field(default=0.0, ge=0.0)
    """Weight of shortness within a group, from +0.5 for the shortest to -0.5 for the longest; wrong answers never
    gain by it. 0: off."""
    diversity: float = Field(default=0.0, ge=0.0)
    """Weight of the difference from the other answers of a group, in [0, 1]; paid in proportion to the verdict,
    so that a wrong answer gains nothing. 0: off."""


class SamplingConfig(Section):
    """Rollouts."""

    samples_per_prompt: Positive = 16
    """Size of a group, over which advantages are taken."""
    max_tokens: Positive
    """Longest completion."""
    context: Positive = 8192
    """Longest prompt and completion together."""
    temperature: float = Field(default=1.0, gt=0.0)
    """Logits are divided by it, in the engine, the learner and the reference alike."""
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    """1: off."""
    top_k: Count = 0
    """0: off. Training refuses top_p and top_k, because the learner's log-probs would be others."""
    refill: Count = 0
    """Dynamic sampling: most rounds in which prompts whose samples are all worth the same are replaced by further
    prompts of their env. What is still without a preference then stays, so quotas are exact. 0: off."""
    truncated: Literal["keep", "zero", "mask", "drop"] = "keep"
    """Samples cut off by a token limit: judged like others; worth 0; out of the loss, but in the baseline of their
    group; or out of both."""
    overlong_cache: Count = 0
    """Soft overlong punishment: over this many tokens before max_tokens it falls from 0 to -1. 0: off."""
    overlong_weight: float = Field(default=1.0, gt=0.0)
    """Of the soft overlong punishment."""


class DifficultyConfig(Section):
    """Which prompts are sampled more often, by the policy's own pass rate on their like."""

    kind: Literal["fixed", "learnable"] = "fixed"
    """`learnable`: levels of a generator, or rows of a data set, by p(1 - p); `envs.<name>.level` is then for
    evaluations only. Formula and source: `rlstack/data/difficulty.py`."""
    floor: float = Field(default=0.1, gt=0.0, le=1.0)
    """Least weight, where the largest is 1: nothing is given up for good."""
    memory: float = Field(default=0.8, ge=0.0, lt=1.0)
    """Share of older observations that is kept at each new one: the policy moves on."""


class AdvantageConfig(Section):
    """From the scores of a group to advantages."""

    kind: Literal["grpo", "dr_grpo", "rloo", "reinforce_pp", "reinforce_pp_baseline"] = "grpo"
    """Formulas and papers: `rlstack/grpo/advantage.py`."""
    normalise: Literal["std", "none"] = "std"
    """Divide by the standard deviation (`grpo`: of the group, `reinforce_pp*`: of the env's batch).
    `dr_grpo` and `rloo` are defined without it and never divide."""
    combine: Literal["before", "after"] = "before"
    """An env with several rewards: sum the weighted scores, then normalise; or normalise each, then sum."""


class LossConfig(Section):
    """The policy loss."""

    kind: Literal["dapo", "ppo", "gspo", "cispo", "reinforce"] = "dapo"
    """Formulas and papers: `rlstack/grpo/loss.py`."""
    clip_low: float = Field(default=0.2, gt=0.0, lt=1.0)
    """`dapo`; `ppo` clips by it on both sides."""
    clip_high: float = Field(default=0.28, gt=0.0)
    """`dapo`. Larger than clip_low ("clip-higher"): unlikely tokens may grow."""
    dual_clip: float | None = Field(default=None, gt=1.0)
    """`ppo`: with a negative advantage A, a token's surrogate is at least dual_clip * A. Usual: 3."""
    gspo_clip_low: float = Field(default=3e-4, gt=0.0, lt=1.0)
    """`gspo`: ratios of whole sequences are means over tokens, hence far smaller clips."""
    gspo_clip_high: float = Field(default=4e-4, gt=0.0)
    """`gspo`."""
    cispo_cap: float = Field(default=5.0, ge=1.0)
    """`cispo`: largest importance weight."""
    reduction: Literal["token", "sequence", "prompt", "constant"] = "token"
    """What counts alike: every token, every sequence, every prompt; or sums over a constant length."""
    constant_length: Positive | None = None
    """`reduction=constant` divides by it; null is sampling.max_tokens."""
    correction: Literal["none", "token", "sequence", "mask_token", "mask_sequence"] = "none"
    """For the gap between engine and learner: importance weights cut at correction_high (`token`, `sequence`),
    or leaving out what lies outside the two bounds. Formulas: `rlstack/grpo/mismatch.py`."""
    correction_low: float = Field(default=0.5, gt=0.0, le=1.0)
    """Lower bound of `mask_*`."""
    correction_high: float = Field(default=2.0, ge=1.0)
    """Upper bound of every correction."""
    entropy_bonus: float = Field(default=0.0, ge=0.0)
    """Weight of the policy's entropy in the loss, subtracted: above 0 keeps the policy open. Usual: 0.001 to 0.01."""
    watch_entropy: bool = True
    """Report `policy/entropy` although nothing is trained with it: two more passes over the logits."""


class KLConfig(Section):
    """The pull towards the stage's input."""

    beta: float = Field(default=0.05, ge=0.0)
    """Weight of the KL against the reference, the frozen stage input; 0 leaves the reference model out."""
    place: Literal["loss", "reward", "reward_to_go"] = "loss"
    """`loss`: a term of the loss at every token. `reward`: a sample's KL is subtracted from its score before the
    advantages. `reward_to_go`: from the advantage of each token, the KL from there on. `rlstack/grpo/kl.py`."""
    estimator: Literal["k1", "k2", "k3", "k3_weighted"] = "k3"
    """Gradient on-policy: k1 zero in expectation, k2 of the reverse KL, k3 of the forward KL;
    k3_weighted of the reverse KL, off-policy too. In the reward it is always k1. See `rlstack/grpo/kl.py`."""
    target: float | None = Field(default=None, gt=0.0)
    """Nats per sample: beta is adapted after every step so that the KL comes to it; null leaves beta alone."""
    horizon: Positive = 10_000
    """Samples over which an adaptive beta moves: larger is slower. One step changes it by at most 20 % of
    samples / horizon."""
    refresh_every: Count = 0
    """Every so many steps the policy as it is then becomes the reference; 0: the stage input for good."""

    def at(self, beta: float) -> KLConfig:
        """The same with another beta, that of an adaptive controller."""
        return self.model_copy(update={"beta": beta})


class ScoringConfig(Section):
    """The processes that judge, each of which may be killed."""

    place: Literal["auto", "driver", "nodes"] = "auto"
    """Where they run: beside the driver, or on every node of the Ray cluster; auto: on every node where there are
    several."""
    workers: Positive = 1
    """Processes that judge at the same time, on each node that judges."""
    deadline: Seconds = 5.0
    """Longest wall time of one verdict; a reward's own DEADLINE_S may be shorter."""
    reward_model: str | None = None
    """Folder of a scalar model (sequence classification, one label) for envs whose rewards name `reward_model`."""
    max_error_share: Share = 0.1
    """More unjudged samples than this in one step end the run with the commonest tracebacks."""
    memory_mb: Positive = 2048
    """Address space of one worker."""
    probe_every: Count = 20
    """Steps from one probe to the next: known good answers must pay and junk must not, else the run stops. 0 probes
    at the start only."""


class EvalConfig(Section):
    """Greedy pass rate on held-out prompts."""

    prompts_per_env: Positive = 64
    """Fewer where an env has no more."""
    every: Count = 0
    """Also evaluate every so many steps; 0 means before and after only."""


class CheckpointConfig(Section):
    """What a run can go on from."""

    every: Positive = 1
    """Steps from one checkpoint to the next; the last step always has one."""
    keep: Positive = 2
    """Checkpoints of a stage that are kept; older ones are deleted."""


class GuardConfig(Section):
    """Agreement of engine and learner."""

    max_mismatch: float | None = Field(default=None, gt=1.0)
    """Alarm when the mean of exp|log-prob(engine) - log-prob(learner)| of a step is above it; null: 1.005 where
    `cluster.dtype` is float32, so that weights 1 % off usually show, and 1.05 in bfloat16, which rounds by 0.4 %."""
    max_stale_mismatch: float = Field(default=1.2, gt=1.0)
    """The same limit for samples of older weights (`ahead=1`). The policy has moved since then, so it is wide: for
    wrong weights or settings of one side, not for rounding."""
    on_mismatch: Literal["stop", "warn"] = "stop"
    """What the alarm does."""
    verify_every: Positive = 1
    """Compare fingerprints of the engines' and the learner's weights at every so-manyth sync, and at the first."""

    def limit(self, dtype: str) -> float:
        """`max_mismatch`, or what null stands for."""
        return self.max_mismatch or (1.005 if dtype == "float32" else 1.05)


class RLStage(Section):
    """A stage of `kind: rl`."""

    kind: Literal["rl"] = "rl"
    """Marks a stage of reinforcement learning."""
    envs: dict[str, EnvShare] = Field(min_length=1)
    """Environment → its part in every step."""
    steps: Positive
    """Each collects rollouts and updates the policy."""
    prompts_per_step: Positive
    """Divided over the envs in exact quotas."""
    updates_per_step: Positive = 1
    """Optimizer updates on one batch; 1 is on-policy."""
    max_skipped: Positive = 3
    """A step without a sample to learn from (all cut off, or not judged) leaves the weights alone, with a warning; so
    many of them in a row end the run."""
    ahead: Literal[0, 1] = 0
    """1: the next step's rollouts are sampled while the learners work on this one, by weights one update older.
    `loss.correction` says how that is corrected (docs/algorithms.md, "One step ahead")."""
    sampling: SamplingConfig
    difficulty: DifficultyConfig = DifficultyConfig()
    advantage: AdvantageConfig = AdvantageConfig()
    loss: LossConfig = LossConfig()
    kl: KLConfig = KLConfig()
    optim: OptimConfig
    scoring: ScoringConfig = ScoringConfig()
    eval: EvalConfig = EvalConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    guard: GuardConfig = GuardConfig()
