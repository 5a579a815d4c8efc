"""What all token losses share: masking before arithmetic, bounded exponents, weighted sums.

Axis: `_T` all tokens of a micro-batch, sequences one behind the other, no padding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

LOG_RATIO_BOUND = 20.0
"""Nats. e^20 = 4.9e8 keeps every product finite in float32, with its gradient."""


@dataclass(frozen=True, slots=True)
class TokenLoss:
    """A sum over tokens and the sums behind the metrics; both add up over micro-batches and ranks."""

    sum: Tensor  # scalar float64, with gradient
    stats: Mapping[str, Tensor]  # scalar float64 without gradient; unweighted sums over trained tokens


def keep(x_T: Tensor, mask_T: Tensor) -> Tensor:
    """`x_T` with 0 at masked slots, in float32 or better: their content reaches neither value nor gradient."""
    x_T = x_T if x_T.dtype == torch.float64 else x_T.float()
    return torch.where(mask_T, x_T, torch.zeros_like(x_T))


def keep_fixed(x_T: Tensor, mask_T: Tensor) -> Tensor:
    """`keep`, as a constant."""
    return keep(x_T.detach(), mask_T)


def bounded(x_T: Tensor) -> Tensor:
    """`x_T` within +-20, but with the gradient of `x_T` itself, so that a far token still feels a pull."""
    return x_T.detach().clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND) + (x_T - x_T.detach())


def weighted_sum(term_T: Tensor, mask_T: Tensor, weight_T: Tensor | None) -> Tensor:
    """Sum of terms over trained tokens, accumulated in float64; terms are finite at masked slots."""
    weight_T = mask_T.to(term_T.dtype) if weight_T is None else keep_fixed(weight_T, mask_T)
    return (term_T * weight_T).sum(dtype=torch.float64)


def sequence_mean(x_T: Tensor, mask_T: Tensor, sequence_T: Tensor) -> Tensor:
    """The mean over the trained tokens of each token's sequence, at each token; 0 where none is trained."""
    dense_T = _dense(sequence_T)
    count_T = _sum(mask_T.to(x_T.dtype), dense_T)
    return _sum(keep(x_T, mask_T), dense_T) / count_T.clamp(min=1.0)


def sequence_sum(x_T: Tensor, mask_T: Tensor, sequence_T: Tensor) -> Tensor:
    """The sum over the trained tokens of each token's sequence, at each token."""
    return _sum(keep(x_T, mask_T), _dense(sequence_T))


def _dense(sequence_T: Tensor) -> Tensor:
    """Ids 0, 1, ... of sequences laid end to end, whatever their labels; no size travels from the device."""
    starts_T = torch.ones_like(sequence_T, dtype=torch.bool)
    starts_T[1:] = sequence_T[1:] != sequence_T[:-1]
    return starts_T.cumsum(0) - 1


def _sum(x_T: Tensor, dense_T: Tensor) -> Tensor:
    return torch.zeros_like(x_T).index_add_(0, dense_T, x_T)[dense_T]
