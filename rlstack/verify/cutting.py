"""Checks of the learner: however a step is cut, packed and spread, log-probs, loss and gradient are the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rlstack.cluster.groups import Learners, merge
from rlstack.learner.objective import PolicyObjective
from rlstack.learner.sketch import Sketch, difference
from rlstack.verify.material import Material, Plan
from rlstack.verify.report import Check, skipped
from rlstack.verify.subject import Subject

AWAY = 0.01  # share by which weights are moved off the reference, so that KL terms count


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Of one way to cut a step."""

    loss: float
    sums: dict[str, float]
    gradient: Sketch


def gradient_of(
    learners: Learners, material: Material, plan: Plan, objective: PolicyObjective, old_N: NDArray[np.float32] | None
) -> Outcome:
    found = learners.probe("gradient", objective, batch=material.batch, plan=plan, old_logprobs_N=old_N)
    result = merge([f.result for f in found])
    loss = sum(value for name, value in result.sums.items() if name.endswith("_loss")) / material.batch.normaliser
    return Outcome(loss, dict(result.sums), found[0].sketch)


def logprobs(subject: Subject, material: Material) -> Iterator[Check]:
    """Packed against alone, shared against unshared, without a gradient."""
    batch, ranks = material.batch, subject.cluster.learners

    def far(a: Plan, b: Plan) -> float:
        one, two = (subject.learners.logprobs(batch, plan, subject.temperature) for plan in (a, b))
        return float(np.abs(one.astype(np.float64) - two)[batch.trained_N].max())

    allowed = subject.tolerance.logprob
    packed, alone = material.packed(ranks), material.alone(ranks)
    yield Check(
        "packed",
        "log-probs of packed sequences equal those of each sequence alone",
        far(packed, alone),
        allowed,
        unit="nats",
        detail=f"{batch.n_trained} tokens of {len(batch.lengths_B)} sequences",
    )
    yield Check(
        "shared_prompt",
        "log-probs with a prompt computed once per group equal those with a prompt each",
        far(material.shared(ranks), packed),
        allowed,
        unit="nats",
    )


def first_update(subject: Subject, material: Material) -> Iterator[Check]:
    """The weights that sampled: ratio 1, nothing clipped, and the gradient is the plain policy gradient."""
    learners, batch, plan = subject.learners, material.batch, material.shared(subject.cluster.learners)
    objective = subject.objective
    found = gradient_of(learners, material, plan, objective, None)
    yield Check(
        "first_ratio", "the first update on a batch has a ratio of exactly 1", found.sums["ratio"] / batch.n_trained,
        1.0, "exactly",
    )  # fmt: skip
    clipped = (found.sums["clipped_low"] + found.sums["clipped_high"]) / batch.n_trained
    yield Check("first_clip", "and a clip fraction of exactly 0", clipped, 0.0, "exactly")
    old_N = learners.logprobs(batch, plan, subject.temperature)
    again = gradient_of(learners, material, plan, objective, old_N)
    yield Check(
        "first_recomputed",
        "old log-probs computed by a pass of their own give the same ratio",
        abs(again.sums["ratio"] / batch.n_trained - 1.0),
        subject.tolerance.gradient,
    )
    claim, correction = "its gradient is that of REINFORCE", subject.stage.loss.correction
    if correction != "none":
        why = (
            f"loss.correction={correction} weighs tokens by the engine's gap; write loss.correction=none to measure it"
        )
        yield skipped("first_gradient", claim, why)
        return
    plain = replace(objective, loss=subject.stage.loss.model_copy(update={"kind": "reinforce"}))
    apart = difference(found.gradient, gradient_of(learners, material, plan, plain, None).gradient)
    yield Check("first_gradient", claim, apart.relative, subject.tolerance.gradient, unit="of its norm")


def gradients(subject: Subject, material: Material) -> Iterator[Check]:
    """Off-policy and away from the reference, so that ratios, clips and KL all count. Leaves the weights moved."""
    learners, ranks, old_N = subject.learners, subject.cluster.learners, material.old_logprobs_N
    learners.probe("keep")
    learners.probe("perturb", AWAY, 1)
    whole = gradient_of(learners, material, material.shared(ranks), subject.objective, old_N)
    cuts = [
        ("micro_batches", "smaller micro-batches", material.split(ranks)),
        ("unshared", "prompts not shared", material.packed(ranks)),
    ]
    if ranks > 1:
        cuts.append(("uneven_ranks", "all work on one rank, the others empty", material.on_one(ranks)))
    for name, what, plan in cuts:
        found = gradient_of(learners, material, plan, subject.objective, old_N)
        yield from _same(subject, name, what, whole, found)
    yield from _rank_count(subject, material, whole)


def _rank_count(subject: Subject, material: Material, whole: Outcome) -> Iterator[Check]:
    ranks = subject.cluster.learners
    other = 1 if ranks > 1 else 2
    what = f"{other} learner rank{'s' if other > 1 else ''} instead of {ranks}"
    if subject.cluster.device != "cpu":
        yield skipped("rank_count", what, "needs free GPUs; run once more with other cluster.learners on a CPU")
        return
    with subject.other_ranks(other) as learners:
        learners.probe("perturb", AWAY, 1)
        found = gradient_of(learners, material, material.shared(other), subject.objective, material.old_logprobs_N)
    yield from _same(subject, "rank_count", what, whole, found)


def _same(subject: Subject, name: str, what: str, whole: Outcome, found: Outcome) -> Iterator[Check]:
    allowed = subject.tolerance.gradient
    scale = max(abs(whole.loss), 1e-3)  # a loss near 0 is a sum of terms that are not
    far = abs(whole.loss - found.loss) / scale
    yield Check(
        f"{name}_loss",
        f"{what}: same loss",
        far,
        allowed,
        unit="relative",
        detail=f"{whole.loss:.4g}, {found.loss:.4g}",
    )
    apart = difference(whole.gradient, found.gradient)
    yield Check(
        f"{name}_gradient",
        f"{what}: same gradient",
        apart.relative,
        allowed,
        unit="of its norm",
        detail=f"farthest: {apart.worst}" if apart.relative > allowed else "",
    )


def leaks(subject: Subject, material: Material) -> Iterator[Check]:
    """Gradients from one sequence to the tokens of another, by the embedding's output."""
    batch, samples = material.batch, material.samples_B
    first = 0
    stranger = next((i for i, s in enumerate(samples) if s.prompt_id != samples[0].prompt_id), None)
    if stranger is None:
        yield skipped("documents", "gradient across documents", "only one prompt: give --prompts 2 or more")
        return

    def felt(items: list[tuple[int, ...]], trained: int) -> NDArray[np.float32]:
        rows = subject.learners.probe("sensitivity", items, trained, subject.temperature, batch=batch)
        return rows[0]

    cut = int(batch.lengths_B[first])
    later, earlier = felt([(first,), (stranger,)], stranger), felt([(first,), (stranger,)], first)
    yield Check(
        "documents",
        "the gradient from one packed document to another is exactly 0",
        float(max(later[:cut].max(), earlier[cut:].max())),
        0.0,
        "exactly",
        detail=f"to its own tokens up to {max(later[cut:].max(), earlier[:cut].max()):.2g}",
    )
    siblings = [i for i, s in enumerate(samples) if s.prompt_id == samples[0].prompt_id][:2]
    if len(siblings) < 2:
        yield skipped("siblings", "gradient across answers to one prompt", "only one sample: give --samples 2 or more")
        return
    row = felt([tuple(siblings)], siblings[1])
    prompt = int(batch.prompt_lengths_B[siblings[0]])
    sibling = row[prompt : prompt + int(batch.lengths_B[siblings[0]]) - prompt]
    yield Check(
        "siblings",
        "the gradient from one answer to another answer of its shared prompt is exactly 0",
        float(sibling.max()),
        0.0,
        "exactly",
        detail=f"to the prompt up to {row[:prompt].max():.2g}",
    )
