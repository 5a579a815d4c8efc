"""Engine against learner: how far apart their log-probs are, and what to do about it.

Axes: `_N` all tokens of a step (numpy, on the driver), `_T` those of a micro-batch (torch, on a learner). The
engine samples (mu), the learner trains (p_old); in exact arithmetic the two are equal on-policy.
g = log p_old - log mu at a sampled token.

Importance weights multiply `weight_T` of the policy loss and carry no gradient. Masked slots are replaced before
arithmetic. A NaN at a *trained* token is not hidden: it makes the measures NaN, and `alarm` fires for NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from rlstack.grpo.tokens import LOG_RATIO_BOUND, keep_fixed, sequence_mean, sequence_sum

Correction = Literal["none", "token", "sequence", "mask_token", "mask_sequence"]


@dataclass(frozen=True, slots=True)
class Gap:
    """Measures over the trained tokens of a step; 1, 0, 0, 0 is perfect agreement."""

    mean_error: float  # mean of exp|g|, the multiplicative error of a probability
    largest: float  # max |g| in nats
    kl_k1: float  # mean of -g: estimates KL(mu || p_old) in nats per token
    kl_k3: float  # mean of e^g - 1 - g: the same with less variance, never negative


def gap(logp_N: ArrayLike, engine_logp_N: ArrayLike, mask_N: ArrayLike) -> Gap:
    """Measures of a step; `logp_N` of the learner under the weights that sampled. No trained token: agreement."""
    mask_N = np.asarray(mask_N, np.bool_)
    gap_N = np.asarray(logp_N, np.float64)[mask_N] - np.asarray(engine_logp_N, np.float64)[mask_N]
    if not gap_N.size:
        return Gap(1.0, 0.0, 0.0, 0.0)
    far_N = np.abs(gap_N)
    mean_error = float(np.exp(np.minimum(far_N, LOG_RATIO_BOUND)).mean())
    kl_k3 = float((np.expm1(np.minimum(gap_N, LOG_RATIO_BOUND)) - gap_N).mean())
    return Gap(mean_error, float(far_N.max()), float(-gap_N.mean()), kl_k3)


def alarm(mean_error: float, limit: float) -> bool:
    """Whether the mean multiplicative error is above the limit; NaN is."""
    return not mean_error <= limit


@dataclass(frozen=True, slots=True)
class Importance:
    """What a correction makes of each token, [T]; neither carries a gradient."""

    weight_T: Tensor  # multiplies `weight_T` of the policy loss, not of KL or entropy
    cut_T: Tensor  # bool: the weight was truncated, or the token (with its sequence) dropped


def importance(
    kind: Correction,
    logp_T: Tensor,
    engine_logp_T: Tensor,
    mask_T: Tensor,
    sequence_T: Tensor,
    *,
    low: float = 0.5,
    high: float = 2.0,
) -> Importance:
    """The weight of each token by the gap g between learner and engine.

    - `token`: min(e^g, high), truncated importance sampling (TIS; Yao et al. 2025, "Your efficient RL framework
      secretly brings you off-policy RL training"). Bounded variance, biased where it truncates.
    - `sequence`: min(e^(sum of g over the sequence), high), the same for whole answers: less bias, more variance.
    - `mask_token`: e^g where low <= e^g <= high, else 0: outliers are dropped (IcePop of Ring-1T, arXiv 2510.18855).
    - `mask_sequence`: 1 or 0 for whole sequences, by the geometric mean of the ratio, e^(mean of g).
    `sequence_T` labels the sequence of each token; a sequence is contiguous and in one micro-batch.
    """
    gap_T = keep_fixed(logp_T, mask_T) - keep_fixed(engine_logp_T, mask_T)
    if kind == "none":
        return Importance(torch.ones_like(gap_T), torch.zeros_like(mask_T))
    if kind in ("token", "sequence"):
        ratio_T = _ratio(gap_T if kind == "token" else sequence_sum(gap_T, mask_T, sequence_T))
        return Importance(ratio_T.clamp(max=high), mask_T & (ratio_T > high))
    if kind in ("mask_token", "mask_sequence"):
        ratio_T = _ratio(gap_T if kind == "mask_token" else sequence_mean(gap_T, mask_T, sequence_T))
        kept_T = _within(ratio_T, low, high)
        return Importance(ratio_T * kept_T if kind == "mask_token" else kept_T, mask_T & (kept_T == 0))
    raise ValueError(f"correction {kind!r} is not one of none, token, sequence, mask_token, mask_sequence")


def _ratio(gap_T: Tensor) -> Tensor:
    return torch.exp(gap_T.clamp(max=LOG_RATIO_BOUND))


def _within(ratio_T: Tensor, low: float, high: float) -> Tensor:
    """1 inside, 0 outside; NaN stays NaN, so that a missing log-prob cannot pass as an outlier."""
    return torch.where(ratio_T.isnan(), ratio_T, ((ratio_T >= low) & (ratio_T <= high)).to(ratio_T.dtype))
