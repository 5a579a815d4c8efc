"""What one step teaches: from its groups to new weights, or the reason why there was nothing to learn from."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rlstack.cluster.groups import Plan
from rlstack.config.rl import RLStage
from rlstack.data.batch import Batch
from rlstack.errors import MismatchError, ScoringError
from rlstack.grpo.mismatch import alarm
from rlstack.learner.learner import UpdateResult
from rlstack.learner.objective import PolicyObjective
from rlstack.stages import rl_kl, rl_metrics
from rlstack.stages.rl_batch import batch_of, nothing_to_learn, plan_of, sampled_logprobs
from rlstack.stages.rl_parts import Parts
from rlstack.types import Group


@dataclass(frozen=True, slots=True)
class Learned:
    metrics: Mapping[str, float]
    beta: float  # of the KL in the next step
    tokens: int  # trained
    seconds: float


def learn(parts: Parts, stage: RLStage, groups_P: Sequence[Group], step: int, skipped: int) -> Learned:
    """The updates of a step, on every rank; the weights as they were when no sample can be learned from.

    `skipped` counts the steps just before this one of which that was so. Raises ScoringError when there are too many.
    """
    if reason := nothing_to_learn(groups_P, stage):
        _check_skipped(skipped + 1, stage.max_skipped, reason)
        parts.ctx.display.say(f"warning: step {step + 1} changes no weights: {reason}")
        _renew_reference(parts, stage, step)
        return Learned({"update/skipped": 1.0}, stage.kl.beta, 0, 0.0)
    batch, samples_B = batch_of(groups_P, stage, parts.rewards)
    plan = plan_of(batch, samples_B, parts.cluster.learners, parts.cluster.micro_tokens, attention=parts.pair_cost)
    parts.ctx.display.phase("learning")
    started = time.monotonic()
    first, last = _updates(parts, stage, batch, plan, groups_P, step)
    beta = rl_kl.next_beta(stage.kl, first.sums, len(samples_B))
    seconds = time.monotonic() - started
    gap = rl_metrics.of_gap(batch, samples_B, first.logprobs_N, version=step)
    _guard(parts, gap, step + 1)
    metrics = {
        **rl_metrics.of_update(last, batch),
        **rl_metrics.of_kl(stage.kl, last, len(samples_B)),
        **gap,
    }
    return Learned(metrics, beta, batch.n_trained, seconds)


def _updates(
    parts: Parts, stage: RLStage, batch: Batch, plan: Plan, groups_P: Sequence[Group], step: int
) -> tuple[UpdateResult, UpdateResult]:
    """The step's optimizer updates; what the first and the last one did, with the sums of a KL in the reward."""
    objective = PolicyObjective(stage.loss, stage.kl, stage.sampling.temperature)
    old_N = sampled_logprobs(stage, batch)
    with parts.engines_asleep():
        batch, kl_sums = rl_kl.pulled(parts, stage, batch, plan, groups_P)
        last = first = parts.learners.update(
            batch, plan, objective, step=step * stage.updates_per_step, old_logprobs_N=old_N
        )
        for extra in range(1, stage.updates_per_step):  # off-policy now: ratios against the first forward pass
            last = parts.learners.update(
                batch, plan, objective, step=step * stage.updates_per_step + extra,
                old_logprobs_N=first.logprobs_N if old_N is None else old_N,
            )  # fmt: skip
        _renew_reference(parts, stage, step)
    return replace(first, sums={**first.sums, **kl_sums}), replace(last, sums={**last.sums, **kl_sums})


def _renew_reference(parts: Parts, stage: RLStage, step: int) -> None:
    if stage.kl.refresh_every and (step + 1) % stage.kl.refresh_every == 0:
        parts.learners.refresh_reference()


def _check_skipped(skipped: int, most: int, reason: str) -> None:
    if skipped >= most:
        raise ScoringError(
            f"{skipped} steps in a row had nothing to learn from (allowed: fewer than max_skipped={most}); the last: "
            f"{reason}; see the step's rollouts"
        )


def _guard(parts: Parts, gap: dict[str, float], step: int) -> None:
    """Stops, or warns, when engine and learner disagree: the policy would learn from someone else's samples."""
    guard = parts.stage.guard
    limits = {
        "gap": ("max_mismatch", guard.limit(parts.cluster.dtype), "Stale weights, another dtype,"),
        "stale": ("max_stale_mismatch", guard.max_stale_mismatch, "Farther than an update moves: wrong weights,"),
    }
    for section, (option, limit, suspects) in limits.items():
        error = gap.get(f"{section}/mean_error", 1.0)
        if not alarm(error, limit):
            continue
        message = (
            f"step {step}: engine and learner disagree: the mean of exp|log-prob difference| is {error:.4f}, allowed "
            f"{limit} (guard.{option}); the largest difference is {gap[f'{section}/max']:.3g} nats. {suspects} or a "
            "sampling setting of one side only."
        )
        if guard.on_mismatch == "stop":
            raise MismatchError(message)
        parts.ctx.display.say(f"warning: {message}")
