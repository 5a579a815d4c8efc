"""Engine against learner: how far apart their log-probs are, and what to do about it.

Axis: `_T` all tokens of a micro-batch. The engine samples (mu), the learner trains (p_old); in exact arithmetic they
are equal on-policy. g = log p_old - log mu at a sampled token.

Everything here is detached: an importance weight multiplies `weight_T` of the policy loss and carries no gradient.
Masked slots are replaced before arithmetic. A NaN at a *trained* token is not hidden: it makes the measures NaN,
and `alarm` fires for NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rlstack.grpo.loss import LOG_RATIO_BOUND, keep, sequence_sum

Correction = Literal["none", "token", "sequence", "mask_token", "mask_sequence"]


@dataclass(frozen=True, slots=True)
class Gap:
    """Sums over trained tokens and one maximum, scalar float64; `+` joins micro-batches and ranks."""

    tokens: Tensor
    error: Tensor  # sum of exp|g|: the mean multiplicative error is error / tokens
    largest: Tensor  # max |g| in nats
    kl_k1: Tensor  # sum of -g: estimates KL(mu || p_old)
    kl_k3: Tensor  # sum of e^g - 1 - g: the same with less variance, never negative

    def __add__(self, other: Gap) -> Gap:
        return Gap(
            self.tokens + other.tokens,
            self.error + other.error,
            torch.maximum(self.largest, other.largest),
            self.kl_k1 + other.kl_k1,
            self.kl_k3 + other.kl_k3,
        )


def gap(logp_T: Tensor, engine_logp_T: Tensor, mask_T: Tensor) -> Gap:
    """Measures of one micro-batch; `logp_T` of the learner under the weights that sampled."""
    gap_T = _log_ratio(logp_T, engine_logp_T, mask_T).double()
    far_T = gap_T.abs()
    return Gap(
        mask_T.sum(dtype=torch.float64),
        torch.exp(far_T.clamp(max=LOG_RATIO_BOUND)).masked_fill(~mask_T, 0.0).sum(),
        far_T.max() if len(far_T) else far_T.new_zeros(()),
        -gap_T.sum(),
        (torch.expm1(gap_T.clamp(max=LOG_RATIO_BOUND)) - gap_T).sum(),
    )


def alarm(mean_error: float, limit: float) -> bool:
    """Whether the mean multiplicative error is above the limit; NaN is."""
    return not mean_error <= limit


def importance(
    kind: Correction,
    logp_T: Tensor,
    engine_logp_T: Tensor,
    mask_T: Tensor,
    sequence_T: Tensor,
    *,
    low: float = 0.5,
    high: float = 2.0,
) -> Tensor:
    """Weight at each token, [T], to multiply `weight_T` of the policy loss (not of KL or entropy).

    - `token`: min(e^g, high), truncated importance sampling (TIS, Yao et al. 2025, "Your efficient RL framework
      secretly brings you off-policy RL training"). Bounded variance, biased where it truncates.
    - `sequence`: min(e^(sum of g over the sequence), high), the same for whole answers: less bias, more variance.
    - `mask_token`: 1 where low <= e^g <= high, else 0 (IcePop, Ring-1T, arXiv 2510.18855): drops the outliers.
    - `mask_sequence`: 1 or 0 for whole sequences by the geometric mean of the ratio, e^(mean g).
    """
    gap_T = _log_ratio(logp_T, engine_logp_T, mask_T)
    if kind == "none":
        return torch.ones_like(gap_T)
    if kind == "token":
        return torch.exp(gap_T.clamp(max=LOG_RATIO_BOUND)).clamp(max=high)
    if kind == "sequence":
        total_T = sequence_sum(gap_T, sequence_T)
        return torch.exp(total_T.clamp(max=LOG_RATIO_BOUND)).clamp(max=high)
    if kind == "mask_sequence":
        gap_T = sequence_sum(gap_T, sequence_T) / sequence_sum(mask_T.to(gap_T.dtype), sequence_T).clamp(min=1.0)
    elif kind != "mask_token":
        raise ValueError(f"correction {kind!r} is not one of none, token, sequence, mask_token, mask_sequence")
    ratio_T = torch.exp(gap_T.clamp(max=LOG_RATIO_BOUND))
    return ((ratio_T >= low) & (ratio_T <= high)).to(gap_T.dtype)


def _log_ratio(logp_T: Tensor, engine_logp_T: Tensor, mask_T: Tensor) -> Tensor:
    return (keep(logp_T, mask_T) - keep(engine_logp_T, mask_T)).detach()
