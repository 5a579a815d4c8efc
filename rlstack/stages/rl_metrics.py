"""The numbers of one RL step, as written to metrics.jsonl and shown (docs/metrics.md)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rlstack.config.rl import KLConfig
from rlstack.data.batch import Batch
from rlstack.grpo.mismatch import Gap, gap
from rlstack.learner.learner import UpdateResult
from rlstack.stages.gather import Gathered, PartWeights, agrees
from rlstack.types import Group, Sample


def of_groups(gathered: Gathered, parts: PartWeights) -> dict[str, float]:
    """Rewards, lengths and group statistics, per env and over all samples; `parts` as dynamic sampling goes by them.

    Over everything that was sampled, also what dynamic sampling replaced: else rewards would be those of a choice.
    """
    made_P, found = gathered.made_P, {}
    envs = sorted({g.prompt.env for g in made_P})
    for env in envs:
        own = [g for g in made_P if g.prompt.env == env]
        found[f"reward/{env}"] = _mean(_values(own))
        found[f"length/{env}"] = _mean([s.n_tokens for g in own for s in g.samples_G])
        found[f"difficulty/{env}"] = _mean([g.prompt.level for g in own])
        found |= {f"group/{name}/{env}": number for name, number in _fates(own, parts).items()}
        if any(credit.terms for g in own for credit in g.credits_G):
            found |= _credits(own, env)
    samples = [s for g in made_P for s in g.samples_G]
    scores = [s for g in made_P for s in g.scores_G]
    untrained = [
        s.status == "ok" and not c.trains for g in made_P for s, c in zip(g.scores_G, g.credits_G, strict=True)
    ]
    found["reward/mean"] = _mean([found[f"reward/{env}"] for env in envs])
    found["length/mean"] = _mean([s.n_tokens for s in samples])
    found["length/truncated"] = _mean([s.finish_reason == "length" for s in samples])
    found |= {f"group/{name}": number for name, number in _fates(made_P, parts).items()}
    found["group/rounds"] = gathered.rounds
    found["group/unjudged"] = _mean([s.status != "ok" for s in scores])
    found["group/masked"] = _mean(untrained)
    return found


def _fates(groups: Sequence[Group], parts: PartWeights) -> dict[str, float]:
    dropped = sum(bool(g.dropped) for g in groups)
    return {
        "generated": len(groups),
        "dropped": dropped,
        "kept": len(groups) - dropped,
        "zero_variance": _mean([agrees(group, parts) for group in groups]),
    }


def _credits(groups: Sequence[Group], env: str) -> dict[str, float]:
    """What shaping has made of the rewards: the mean of the final values, and of each term before its weight."""
    counted = [c for g in groups for c in g.credits_G if c.counts]
    terms = sorted({name for c in counted for name in c.terms})
    means = {f"credit/{name}/{env}": _mean([c.terms.get(name, 0.0) for c in counted]) for name in terms}
    return {f"credit/{env}": _mean([c.value for c in counted]), **means}


def of_update(result: UpdateResult, batch: Batch) -> dict[str, float]:
    """What one optimizer update did: loss terms as it optimised them, statistics of the policy per trained token.

    The sums of loss terms hold the weights of the reduction, so they are divided by its normaliser.
    """
    trained = max(1, batch.n_trained)
    sums = {n: s / (batch.normaliser if n.endswith("_loss") else trained) for n, s in result.sums.items()}
    found = {
        "loss/policy": sums["policy_loss"],
        "loss/kl": sums.get("kl_loss", 0.0),
        "policy/kl": sums.get("kl_k3", 0.0),
        "policy/clip_low": sums["clipped_low"],
        "policy/clip_high": sums["clipped_high"],
        "policy/ratio": sums["ratio"],
        "policy/kl_old": sums["kl_old"],
        "optim/grad_norm": result.grad_norm,
        "optim/lr": result.lr,
        "update/skipped": float(result.grad_norm == 0.0),
    }
    if "correction" in sums:
        found |= {"correction/mean": sums["correction"], "correction/cut": sums["corrected"]}
    if "entropy" in sums:
        found["policy/entropy"] = sums["entropy"]
    if "entropy_loss" in sums:
        found["loss/entropy"] = sums["entropy_loss"]
    return {**found, "loss/total": sum(found.get(f"loss/{term}", 0.0) for term in ("policy", "kl", "entropy"))}


def of_kl(cfg: KLConfig, result: UpdateResult, samples: int) -> dict[str, float]:
    """The KL as an adaptive beta sees it; nothing where it stays as it is and the loss reports all."""
    if cfg.target is None and cfg.place == "loss":
        return {}
    return {"kl/beta": cfg.beta, "kl/per_sample": result.sums["kl_k1"] / samples}


def of_gap(
    batch: Batch, samples_B: Sequence[Sample], logprobs_N: NDArray[np.float32], *, version: int
) -> dict[str, float]:
    """Engine against learner on the sampled tokens; the learner's log-probs are of weights `version`.

    `gap/…` where the engine sampled with the same weights, `stale/…` where it had older ones, so that the policy's own
    movement is in the difference. Measures: rlstack/grpo/mismatch.py.
    """

    def gap_in(mask_N: NDArray[np.bool_]) -> Gap:
        return gap(logprobs_N, batch.engine_logprobs_N, mask_N)

    found: dict[str, float] = {}
    age_N = np.repeat([version - s.weight_version for s in samples_B], batch.lengths_B)
    env_N = np.repeat([s.env for s in samples_B], batch.lengths_B)
    fresh_N, stale_N = (batch.trained_N & (age_N == 0), batch.trained_N & (age_N > 0))
    if fresh_N.any():
        for env in sorted(set(env_N[fresh_N])):
            found[f"gap/{env}"] = gap_in(fresh_N & (env_N == env)).mean_error
        found |= _named("gap", gap_in(fresh_N))
    if stale_N.any():
        found |= _named("stale", gap_in(stale_N))
        found |= {"stale/share": float(stale_N.sum() / batch.n_trained), "stale/age": float(age_N[stale_N].max())}
    return found


def _named(section: str, found: Gap) -> dict[str, float]:
    return {
        f"{section}/mean_error": found.mean_error,
        f"{section}/max": found.largest,
        f"{section}/kl_k1": found.kl_k1,
        f"{section}/kl_k3": found.kl_k3,
    }


def _values(groups: Sequence[Group]) -> list[float]:
    return [s.value for g in groups for s in g.scores_G if s.status == "ok"]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0
