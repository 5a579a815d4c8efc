"""Advantages: how much better a sample is than its baseline, from scores alone. Numpy only.

Axes: `_G` samples of one group (one prompt), `_B` samples of a whole batch, `_P` groups, `_K` rewards. A batch is
computed in one pass: sums over groups are `bincount`s, in the order of the batch, so that a group's advantages do
not depend on the groups beside it.

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
    scores_G, valid_G = np.asarray(scores, np.float64), np.asarray(valid, np.bool_)
    return not _preferring(*_judged(scores_G, valid_G, np.zeros(scores_G.shape, np.intp)))[0]


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
    scores_G = np.asarray(scores_G, np.float64)
    return _within(scores_G, np.asarray(valid_G, np.bool_), np.zeros(scores_G.shape, np.intp), kind, normalise).astype(
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
    used_K = weights_K != 0
    if when == "before":
        return advantages(weights_K[used_K] @ scores_KG[used_K], valid_G, kind=kind, normalise=normalise)
    one_G, weights_KG = np.zeros(valid_G.shape, np.intp), np.repeat(weights_K[:, None], valid_G.size, axis=1)
    return _summed(scores_KG, valid_G, weights_KG, one_G, kind, normalise)


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
    domain_B = _numbered(domain_B)
    group_B = domain_B if group_B is None else _numbered(group_B)
    result_B = _within(scores_B, valid_B, group_B, "dr_grpo", "none")
    if normalise == "std":
        result_B = _scaled(result_B, valid_B, domain_B)
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
    group_B = _numbered(group_B)
    if cfg.combine == "before":
        scores_B = np.asarray(scores_B, np.float64)
        return _within(scores_B, valid_B, group_B, cfg.kind, cfg.normalise).astype(np.float32)
    if parts_KB is None or weights_KB is None:
        raise ValueError("advantage.combine=after needs the score of each reward and its weight")
    parts_KB, weights_KB = np.asarray(parts_KB, np.float64), np.asarray(weights_KB, np.float64)
    return _summed(parts_KB, valid_B, weights_KB, group_B, cfg.kind, cfg.normalise)


def _summed(
    parts_KB: NDArray[np.float64],
    valid_B: NDArray[np.bool_],
    weights_KB: NDArray[np.float64],
    group_B: NDArray[np.intp],
    kind: GroupKind,
    normalise: Normalise,
) -> NDArray[np.float32]:
    """Each reward normalised on its own where it has a weight, then added."""
    result_B = np.zeros(valid_B.shape, np.float64)
    for weight_B, scores_B in zip(weights_KB, parts_KB, strict=True):
        result_B += weight_B * _within(scores_B, valid_B & (weight_B != 0), group_B, kind, normalise)
    return result_B.astype(np.float32)


def _within(
    scores_B: NDArray[np.float64],
    valid_B: NDArray[np.bool_],
    group_B: NDArray[np.intp],
    kind: GroupKind,
    normalise: Normalise,
) -> NDArray[np.float64]:
    """Against the group's baseline; 0 where nothing can be said. `group_B` numbers the groups from 0."""
    if kind not in ("grpo", "dr_grpo", "rloo"):
        raise ValueError(f"advantage kind {kind!r} is not one of a group: grpo, dr_grpo, rloo")
    judged_J, of_J = _judged(scores_B, valid_B, group_B)
    count_P = np.bincount(of_J)
    centred_J = judged_J - (np.bincount(of_J, judged_J) / np.maximum(count_P, 1))[of_J]
    centred_J[~_preferring(judged_J, of_J)[of_J]] = 0.0
    if kind == "rloo":
        centred_J *= (count_P / np.maximum(count_P - 1, 1))[of_J]
    result_B = np.zeros(scores_B.shape, np.float64)
    result_B[valid_B] = centred_J
    return _scaled(result_B, valid_B, group_B) if kind == "grpo" and normalise == "std" else result_B


def _preferring(judged_J: NDArray[np.float64], of_J: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Per group: whether its judged scores differ by more than rounding. A single one differs from none."""
    groups = int(of_J.max(initial=0)) + 1
    low_P, high_P = np.full(groups, np.inf), np.full(groups, -np.inf)
    np.minimum.at(low_P, of_J, judged_J)
    np.maximum.at(high_P, of_J, judged_J)
    return high_P - low_P > ZERO_SPREAD * np.maximum(1.0, np.maximum(np.abs(low_P), np.abs(high_P)))


def _scaled(
    centred_B: NDArray[np.float64], valid_B: NDArray[np.bool_], group_B: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Divided by the group's standard deviation (n - 1 of its judged samples)."""
    count_P = np.bincount(group_B, valid_B)
    mean_B = (np.bincount(group_B, centred_B) / np.maximum(count_P, 1))[group_B]
    spread_P = np.bincount(group_B, np.where(valid_B, centred_B - mean_B, 0.0) ** 2)
    return centred_B / (np.sqrt(spread_P / np.maximum(count_P - 1, 1)) + STD_EPS)[group_B]


def _judged(
    scores_B: NDArray[np.float64], valid_B: NDArray[np.bool_], group_B: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The scores that count, axis `_J`, and the number of the group of each."""
    if not scores_B.shape == valid_B.shape == group_B.shape or scores_B.ndim != 1:
        raise ValueError(f"scores of shape {scores_B.shape} and valid of shape {valid_B.shape} must be equal rows")
    judged_J, of_J = scores_B[valid_B], group_B[valid_B]
    if not np.isfinite(judged_J).all():
        first = np.flatnonzero(~np.isfinite(judged_J))[0]
        own = scores_B[group_B == of_J[first]].tolist()
        raise ValueError(f"judged scores must be finite, found {judged_J[first]} in {own}, group {of_J[first]}")
    return judged_J, of_J


def _numbered(label_B: ArrayLike) -> NDArray[np.intp]:
    """Any labels as numbers from 0, in the order of the labels."""
    return np.unique(np.asarray(label_B), return_inverse=True)[1]
