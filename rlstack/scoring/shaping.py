"""From verdicts to what training makes of them: gates, truncated samples, and the terms that compare a group.

Pure functions. In this order: a closed gate makes the verdict 0; a sample that was cut off is treated as
`sampling.truncated` says; then terms are added:

    value = base + overlong_weight * overlong + brevity * shortness + diversity * difference * share

Terms come after the gate: an answer of the wrong form does not escape a penalty, and it earns no bonus. Only samples
that count are compared with each other. Evaluations are not shaped. Axis: `_G` samples of one group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rlstack.config.rl import EnvShare, SamplingConfig
from rlstack.scoring.compose import diversity_rewards, gate, length_rewards, overlong_penalty
from rlstack.types import Credit, Group, Sample, Score

PASSED = 1.0 - 1e-6  # share of the full score
TERMS = ("overlong", "brevity", "diversity")


def passes(score: Score, full: float) -> bool:
    """Whether an answer earned the full score of its env."""
    return score.status == "ok" and score.value >= PASSED * full


def weights_of(share: EnvShare, sampling: SamplingConfig) -> dict[str, float]:
    """Term → weight, 0 where it is off."""
    overlong = sampling.overlong_weight if sampling.overlong_cache else 0.0
    return dict(zip(TERMS, (overlong, share.brevity, share.diversity), strict=True))


def credited(group: Group, share: EnvShare, sampling: SamplingConfig, full: float) -> Group:
    """The group with its credits; `full` is the best score of its env.

    Raises ScoringError when a verdict lacks the component that a gate names.
    """
    pairs = list(zip(group.samples_G, group.scores_G, strict=True))
    found_G = [_based(sample, score, share, sampling) for sample, score in pairs]
    at = [i for i, credit in enumerate(found_G) if credit.counts]
    for name, weight in weights_of(share, sampling).items():
        if not weight:
            continue
        amounts = _term(name, [pairs[i][0] for i in at], [found_G[i].base for i in at], sampling, full)
        for i, amount in zip(at, amounts, strict=True):
            old = found_G[i]
            found_G[i] = replace(old, value=old.value + weight * amount, terms={**old.terms, name: amount})
    return replace(group, credits_G=tuple(found_G))


def _based(sample: Sample, score: Score, share: EnvShare, sampling: SamplingConfig) -> Credit:
    if score.status != "ok" or sample.finish_reason == "abort":
        return Credit(counts=False, trains=False)
    base, policy = gate(score, share.gates).value, sampling.truncated
    if sample.finish_reason != "length" or policy == "keep":
        return Credit(base, base)
    if policy == "zero":
        return Credit()
    return Credit(base, base, counts=policy == "mask", trains=False)


def _term(
    name: str, samples: Sequence[Sample], bases: Sequence[float], sampling: SamplingConfig, full: float
) -> Sequence[float]:
    """The unweighted amounts of one term for the samples of a group that count."""
    if not samples:
        return ()
    if name == "overlong":
        return [overlong_penalty(s.n_tokens, sampling.max_tokens, sampling.overlong_cache) for s in samples]
    if name == "brevity":  # of what the policy wrote itself: an env's replies are not its fault
        return length_rewards([int(s.loss_mask.sum()) for s in samples], [base >= PASSED * full for base in bases])
    shares = [min(1.0, max(0.0, base / full)) if full > 0 else float(base > 0) for base in bases]
    return [far * part for far, part in zip(diversity_rewards([s.text for s in samples]), shares, strict=True)]
