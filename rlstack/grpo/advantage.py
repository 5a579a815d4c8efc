"""Advantages: how much better a sample is than its baseline, from scores alone. Numpy only.

Axes: `_G` samples of one group (one prompt), `_B` samples of a whole batch, `_K` rewards.

Rules that every estimator keeps:
- a sample that could not be judged (`valid` False) gets 0 and enters no baseline, whatever its score holds;
- a group with fewer than two judged samples has no baseline: 0;
- a group whose scores agree up to float rounding (0.1 + 0.2 and 0.3) gets exactly 0: dividing rounding
  noise by its own standard deviation would turn it into +-1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlstack.config.rl import AdvantageConfig

GroupKind = Literal["grpo", "dr_grpo", "rloo"]
Normalise = Literal["std", "none"]

STD_EPS = 1e-6
ZERO_SPREAD = 1e-6  # of max(1, |score|): above float32 rounding of a sum of rewards, below any real difference


def zero_variance(scores: ArrayLike, valid: ArrayLike) -> bool:
    """Whether the judged scores carry no preference: fewer than two of them, or all equal up to rounding."""
    judged = _judged(np.asarray(scores, np.float64), np.asarray(valid, np.bool_))
    if judged.size < 2:
        return True
    return bool(np.ptp(judged) <= ZERO_SPREAD * max(1.0, float(np.abs(judged).max())))


def advantages(
    scores_G: ArrayLike, valid_G: ArrayLike, *, kind: GroupKind = "grpo", normalise: Normalise = "std"
) -> NDArray[np.float32]:
    """Advantages of one group.

    - `grpo`: score - mean, divided by the standard deviation with `normalise="std"`
      (DeepSeekMath, arXiv 2402.03300, section 4.1.2). The deviation is the sample one (G - 1).
    - `dr_grpo`: score - mean, never divided (arXiv 2503.20783, section 3.2).
    - `rloo`: score - mean of the *other* samples, never divided (arXiv 2402.14740, equation 9);
      equals `dr_grpo` times G / (G - 1).

    Raises ValueError for a score that is judged but not finite.
    """
    scores_G, valid_G = np.asarray(scores_G, np.float64), np.asarray(valid_G, np.bool_)
    result_G = np.zeros(scores_G.shape, np.float64)
    if zero_variance(scores_G, valid_G):
        return result_G.astype(np.float32)
    judged = scores_G[valid_G]
    centred = judged - judged.mean()
    if kind == "grpo":
        result_G[valid_G] = centred / (judged.std(ddof=1) + STD_EPS) if normalise == "std" else centred
    elif kind == "dr_grpo":
        result_G[valid_G] = centred
    elif kind == "rloo":
        result_G[valid_G] = centred * judged.size / (judged.size - 1)
    else:
        raise ValueError(f"advantage kind {kind!r} is not one of a group: grpo, dr_grpo, rloo")
    return result_G.astype(np.float32)


def reinforce_pp(
    scores_B: ArrayLike,
    valid_B: ArrayLike,
    domain_B: ArrayLike,
    group_B: ArrayLike | None = None,
    *,
    normalise: Normalise = "std",
) -> NDArray[np.float32]:
    """REINFORCE++ (arXiv 2501.03262): centred and scaled over the batch instead of over the group.

    With `group_B` (any integer label per prompt) the group mean is subtracted first, the paper's
    "REINFORCE++ with baseline". Mean and deviation are taken *per domain* (`domain_B`, e.g. one label per
    env): rewards of different domains have different scales and are never normalised together.
    """
    scores_B, valid_B = np.asarray(scores_B, np.float64), np.asarray(valid_B, np.bool_)
    domain_B = np.asarray(domain_B)
    result_B = np.zeros(scores_B.shape, np.float64)
    if group_B is None:
        centred_B = scores_B
    else:
        centred_B = np.zeros(scores_B.shape, np.float64)
        for members in _members(group_B):
            centred_B[members] = advantages(scores_B[members], valid_B[members], kind="dr_grpo")
    for members in _members(domain_B):
        inside = members[valid_B[members]]
        if zero_variance(centred_B[inside], np.ones(inside.size, np.bool_)):
            continue
        part = centred_B[inside] - centred_B[inside].mean()
        result_B[inside] = part / (centred_B[inside].std(ddof=1) + STD_EPS) if normalise == "std" else part
    return result_B.astype(np.float32)


def combined(
    scores_KG: ArrayLike,
    valid_G: ArrayLike,
    weights_K: Sequence[float],
    *,
    when: Literal["before", "after"] = "before",
    kind: GroupKind = "grpo",
    normalise: Normalise = "std",
) -> NDArray[np.float32]:
    """Advantages of one group judged by several rewards.

    `before`: the weighted sum of the scores is normalised (the usual GRPO). `after`: each reward is
    normalised on its own and the advantages are summed with the weights (GDPO, arXiv 2601.05242, equation 4):
    a reward of small spread is then not drowned by one of large spread.
    """
    scores_KG, weights = np.asarray(scores_KG, np.float64), np.asarray(weights_K, np.float64)
    if scores_KG.ndim != 2 or scores_KG.shape[0] != weights.size:
        raise ValueError(f"scores_KG of shape {scores_KG.shape} does not fit {weights.size} weights")
    valid_G = np.asarray(valid_G, np.bool_)
    if when == "before":
        filled_KG = np.where(valid_G, scores_KG, 0.0)  # 0 * NaN of an unjudged sample would be NaN
        return advantages(weights @ filled_KG, valid_G, kind=kind, normalise=normalise)
    parts_KG = np.stack([advantages(row, valid_G, kind=kind, normalise=normalise) for row in scores_KG])
    return (weights @ parts_KG.astype(np.float64)).astype(np.float32)


def compute(
    cfg: AdvantageConfig, scores_B: ArrayLike, valid_B: ArrayLike, group_B: ArrayLike, domain_B: ArrayLike
) -> NDArray[np.float32]:
    """Advantages of a whole batch, as configured.

    `group_B` labels the prompt and `domain_B` the env of each sample, with any integers, in any order.
    """
    if cfg.kind == "reinforce_pp":
        return reinforce_pp(scores_B, valid_B, domain_B, normalise=cfg.normalise)
    if cfg.kind == "reinforce_pp_baseline":
        return reinforce_pp(scores_B, valid_B, domain_B, group_B, normalise=cfg.normalise)
    scores_B, valid_B = np.asarray(scores_B, np.float64), np.asarray(valid_B, np.bool_)
    result_B = np.zeros(scores_B.shape, np.float32)
    for members in _members(group_B):
        result_B[members] = advantages(scores_B[members], valid_B[members], kind=cfg.kind, normalise=cfg.normalise)
    return result_B


def _judged(scores: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    if scores.shape != valid.shape or scores.ndim != 1:
        raise ValueError(f"scores of shape {scores.shape} and valid of shape {valid.shape} must be equal rows")
    judged = scores[valid]
    if not np.isfinite(judged).all():
        raise ValueError(f"judged scores must be finite, found {judged[~np.isfinite(judged)][0]} in {scores.tolist()}")
    return judged


def _members(label_B: ArrayLike) -> list[NDArray[np.intp]]:
    """Indices of each label, ascending, in the order of the labels."""
    label_B = np.asarray(label_B)
    order = np.argsort(label_B, kind="stable")
    borders = np.flatnonzero(np.diff(label_B[order])) + 1
    return [part for part in np.split(order, borders) if part.size]
