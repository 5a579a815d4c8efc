"""Advantages: how much better a sample is than its baseline, from scores alone. Numpy only.

Axes: `_G` samples of one group (one prompt), `_B` samples of a whole batch, `_K` rewards.

Rules that every estimator keeps:
- a sample that could not be judged (`valid` False) gets 0 and enters no baseline, whatever its score holds;
- a group with fewer than two judged samples has no baseline: 0;
- a group whose scores agree up to float rounding (0.1 + 0.2 and 0.3) gets exactly 0: dividing rounding
  noise by its own standard deviation would turn it into +-1.
"""

from __future__ import annotations

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

    - `grpo`: score - mean, divided by the standard deviation with `normalise="std"` (DeepSeekMath, arXiv 2402.03300).
      The deviation is the sample's (G - 1), plus 1e-6.
    - `dr_grpo`: score - mean, never divided (arXiv 2503.20783): dividing favours prompts that are nearly always or
      nearly never solved.
    - `rloo`: score - mean of the *other* samples, never divided (arXiv 2402.14740): an unbiased baseline, equal to
      `dr_grpo` times G / (G - 1).

    Raises ValueError for a score that is judged but not finite.
    """
    return _of_group(np.asarray(scores_G, np.float64), np.asarray(valid_G, np.bool_), kind, normalise).astype(
        np.float32
    )


def combined(
    scores_KG: ArrayLike,
    valid_G: ArrayLike,
    weights_K: ArrayLike,
    *,
    when: Literal["before", "after"] = "before",
    kind: GroupKind = "grpo",
    normalise: Normalise = "std",
) -> NDArray[np.float32]:
    """Advantages of one group judged by several rewards.

    `before`: the weighted sum of the scores is normalised (the usual GRPO). `after`: each reward is normalised on its
    own, then the advantages are summed with the weights (GDPO, arXiv 2601.05242, without its last step over the
    batch): a reward of small spread is then not drowned by one of large spread. A reward of weight 0 is not looked at.
    """
    scores_KG, weights_K = np.asarray(scores_KG, np.float64), np.asarray(weights_K, np.float64)
    valid_G = np.asarray(valid_G, np.bool_)
    if scores_KG.shape != (weights_K.size, valid_G.size):
        raise ValueError(f"scores of shape {scores_KG.shape} for {weights_K.size} rewards and {valid_G.size} samples")
    scores_KG, weights_K = scores_KG[weights_K != 0], weights_K[weights_K != 0]
    if when == "before":
        return advantages(weights_K @ scores_KG, valid_G, kind=kind, normalise=normalise)
    result_G = np.zeros(valid_G.shape, np.float64)
    for weight, scores_G in zip(weights_K, scores_KG, strict=True):
        result_G += weight * _of_group(scores_G, valid_G, kind, normalise)
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

    With `group_B` (any label per prompt) the group's mean is the baseline and only the deviation is the batch's, the
    paper's "REINFORCE++ with baseline". Mean and deviation are taken *per domain* (`domain_B`, one label per env):
    rewards of different domains have different scales and are never normalised together. Samples, not tokens, are
    counted, so neither padding nor length enters.
    """
    scores_B, valid_B = np.asarray(scores_B, np.float64), np.asarray(valid_B, np.bool_)
    result_B = np.zeros(scores_B.shape, np.float64)
    for members in _members(group_B if group_B is not None else domain_B):
        result_B[members] = _of_group(scores_B[members], valid_B[members], "dr_grpo", "none")
    if normalise == "std":
        for members in _members(domain_B):
            inside = members[valid_B[members]]
            if result_B[inside].any():
                result_B[inside] /= _deviation(result_B[inside])
    return result_B.astype(np.float32)


def compute(
    cfg: AdvantageConfig,
    scores_B: ArrayLike,
    valid_B: ArrayLike,
    group_B: ArrayLike,
    domain_B: ArrayLike,
    parts_KB: ArrayLike | None = None,
    weights_KB: ArrayLike | None = None,
) -> NDArray[np.float32]:
    """Advantages of a whole batch, as configured.

    `group_B` labels the prompt and `domain_B` the env of each sample, by any integers in any order. With
    `cfg.combine == "after"`, `parts_KB` holds each reward's own score and `weights_KB` its weight in the env of the
    sample, 0 where the env does not use it (the score there may be NaN); `scores_B` is not looked at then.
    """
    valid_B = np.asarray(valid_B, np.bool_)
    if cfg.kind in ("reinforce_pp", "reinforce_pp_baseline"):
        if cfg.combine == "after":
            raise ValueError(f"advantage.combine=after is for groups (grpo, dr_grpo, rloo), not for {cfg.kind}")
        groups = group_B if cfg.kind == "reinforce_pp_baseline" else None
        return reinforce_pp(scores_B, valid_B, domain_B, groups, normalise=cfg.normalise)
    result_B = np.zeros(valid_B.shape, np.float32)
    if cfg.combine == "before":
        scores_B = np.asarray(scores_B, np.float64)
        for members in _members(group_B):
            result_B[members] = advantages(scores_B[members], valid_B[members], kind=cfg.kind, normalise=cfg.normalise)
        return result_B
    if parts_KB is None or weights_KB is None:
        raise ValueError("advantage.combine=after needs the score of each reward and its weight")
    parts_KB, weights_KB = np.asarray(parts_KB, np.float64), np.asarray(weights_KB, np.float64)
    for members in _members(group_B):
        one = (parts_KB[:, members], valid_B[members], weights_KB[:, members[0]])
        result_B[members] = combined(*one, when="after", kind=cfg.kind, normalise=cfg.normalise)
    return result_B


def _of_group(
    scores_G: NDArray[np.float64], valid_G: NDArray[np.bool_], kind: GroupKind, normalise: Normalise
) -> NDArray[np.float64]:
    result_G = np.zeros(scores_G.shape, np.float64)
    if zero_variance(scores_G, valid_G):
        return result_G
    judged = scores_G[valid_G]
    centred = judged - judged.mean()
    if kind == "grpo":
        result_G[valid_G] = centred / _deviation(centred) if normalise == "std" else centred
    elif kind == "dr_grpo":
        result_G[valid_G] = centred
    elif kind == "rloo":
        result_G[valid_G] = centred * judged.size / (judged.size - 1)
    else:
        raise ValueError(f"advantage kind {kind!r} is not one of a group: grpo, dr_grpo, rloo")
    return result_G


def _deviation(centred: NDArray[np.float64]) -> float:
    return float(centred.std(ddof=1)) + STD_EPS


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
