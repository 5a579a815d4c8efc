"""The numbers of one RL step, as written to metrics.jsonl and shown (docs/metrics.md)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rlstack.data.batch import Batch
from rlstack.grpo.advantage import zero_variance
from rlstack.learner.learner import UpdateResult
from rlstack.types import Group, Sample


def of_groups(groups_P: Sequence[Group]) -> dict[str, float]:
    """Rewards, lengths and group statistics, per env and over all samples."""
    found: dict[str, float] = {}
    envs = sorted({g.prompt.env for g in groups_P})
    for env in envs:
        own = [g for g in groups_P if g.prompt.env == env]
        found[f"reward/{env}"] = _mean(_values(own))
        found[f"length/{env}"] = _mean([s.n_tokens for g in own for s in g.samples_G])
    samples = [s for g in groups_P for s in g.samples_G]
    scores = [s for g in groups_P for s in g.scores_G]
    found["reward/mean"] = _mean([found[f"reward/{env}"] for env in envs])
    found["length/mean"] = _mean([s.n_tokens for s in samples])
    found["length/truncated"] = _mean([s.finish_reason == "length" for s in samples])
    found["group/zero_variance"] = _mean(
        [zero_variance([s.value for s in g.scores_G], [s.status == "ok" for s in g.scores_G]) for g in groups_P]
    )
    found["group/unjudged"] = _mean([s.status != "ok" for s in scores])
    return found


def of_update(result: UpdateResult, trained: int) -> dict[str, float]:
    """Loss terms and policy statistics of one optimizer update, per trained token."""
    sums = {name: value / max(1, trained) for name, value in result.sums.items()}
    found = {
        "loss/policy": sums["policy_loss"],
        "loss/kl": sums.get("kl_loss", 0.0),
        "policy/kl": sums.get("kl_k3", 0.0),
        "policy/clip_low": sums["clipped_low"],
        "policy/clip_high": sums["clipped_high"],
        "policy/entropy": sums["entropy"],
        "optim/grad_norm": result.grad_norm,
        "optim/lr": result.lr,
    }
    return {**found, "loss/total": found["loss/policy"] + found["loss/kl"]}


def of_gap(batch: Batch, samples_B: Sequence[Sample], logprobs_N: NDArray[np.float32]) -> dict[str, float]:
    """Engine against learner on the sampled tokens, under the weights that sampled them.

    `mean_error` is the mean of exp|difference| (1 is perfect), `max` the largest |difference| in nats.
    """
    far_N = np.abs(logprobs_N.astype(np.float64) - batch.engine_logprobs_N)
    found: dict[str, float] = {}
    env_N = np.repeat([s.env for s in samples_B], batch.lengths_B)
    for env in sorted(set(env_N)):
        found[f"gap/{env}"] = _mean_error(far_N[batch.trained_N & (env_N == env)])
    trained = far_N[batch.trained_N]
    found["gap/mean_error"] = _mean_error(trained)
    found["gap/max"] = float(trained.max())
    return found


def _mean_error(far: NDArray[np.float64]) -> float:
    return float(np.exp(np.minimum(far, 50.0)).mean())


def _values(groups: Sequence[Group]) -> list[float]:
    return [s.value for g in groups for s in g.scores_G if s.status == "ok"]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
