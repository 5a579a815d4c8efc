"""The pull to the reference outside the loss: in the reward, and beta from one step to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rlstack.cluster.groups import Plan
from rlstack.config.rl import KLConfig, RLStage
from rlstack.data.batch import Batch
from rlstack.grpo.kl import adapted_beta
from rlstack.grpo.tokens import LOG_RATIO_BOUND
from rlstack.stages.rl_batch import with_kl_in_reward
from rlstack.stages.rl_parts import Parts
from rlstack.types import Group


def pulled(
    parts: Parts, stage: RLStage, batch: Batch, plan: Plan, groups_P: Sequence[Group]
) -> tuple[Batch, dict[str, float]]:
    """The batch with the KL in its advantages, and the sums that a KL loss would have reported.

    Leaves the batch alone when the KL is a loss. The policy's log-probs are the engine's, of the weights that sampled
    (the guard sees to it that the learner agrees), so that only the reference runs before the update.
    """
    if stage.kl.place == "loss" or stage.kl.beta == 0.0:
        return batch, {}
    reference_N = parts.learners.logprobs(batch, plan, stage.sampling.temperature, of_reference=True)
    gap_N = np.where(batch.trained_N, batch.engine_logprobs_N.astype(np.float64) - reference_N, 0.0)
    near_N = np.clip(gap_N, -LOG_RATIO_BOUND, LOG_RATIO_BOUND)
    sums = {"kl_k1": float(gap_N.sum()), "kl_k3": float((np.expm1(-near_N) + near_N).sum())}
    return with_kl_in_reward(batch, groups_P, stage, parts.rewards, gap_N), sums


def next_beta(cfg: KLConfig, sums: Mapping[str, float], samples: int) -> float:
    """Beta of the next step, from the KL of this one; `cfg.beta` is this step's."""
    if cfg.target is None:
        return cfg.beta
    mean = sums["kl_k1"] / samples
    return adapted_beta(cfg.beta, mean, target=cfg.target, horizon=cfg.horizon, samples=samples)
