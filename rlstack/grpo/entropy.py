"""Entropy of the policy's next-token distribution, from logits.

Axes: `_T` tokens, `_V` vocabulary. H = log Z - sum_v p_v z_v; its gradient is dH/dz_v = -p_v (log p_v + H).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from rlstack.grpo.tokens import TokenLoss, keep, weighted_sum


def entropy(logits_TV: Tensor, chunk: int | None = None) -> Tensor:
    """Entropy in nats at each token, [T], float32 or better. Divide the logits by the temperature first.

    Logits of -inf (forbidden tokens) count as probability 0. With `chunk`, so many tokens at a time are
    worked on and their intermediates are computed again in backward: peak memory falls from three copies of the
    logits to the logits themselves and a few chunks.
    """
    if chunk is None or logits_TV.shape[0] <= chunk:
        return _entropy(logits_TV)
    parts = logits_TV.split(chunk)
    if not (torch.is_grad_enabled() and logits_TV.requires_grad):
        return torch.cat([_entropy(part) for part in parts])
    rows = [checkpoint(_entropy, part, use_reentrant=False, preserve_rng_state=False) for part in parts]
    return torch.cat(rows)


def bonus(entropy_T: Tensor, mask_T: Tensor, *, weight_T: Tensor | None = None) -> TokenLoss:
    """The negative weighted sum of entropy: a loss, so that minimising it keeps the policy open.

    Same weights and normaliser as the policy loss, times the coefficient.
    """
    kept = keep(entropy_T, mask_T)
    stats = {"entropy": kept.detach().sum(dtype=torch.float64)}
    return TokenLoss(-weighted_sum(kept, mask_T, weight_T), stats)


def _entropy(logits_TV: Tensor) -> Tensor:
    logits_TV = logits_TV if logits_TV.dtype == torch.float64 else logits_TV.float()
    logp_TV = torch.log_softmax(logits_TV, -1)
    logp_TV = logp_TV.masked_fill(logits_TV.isneginf(), 0.0)  # 0 * -inf would be NaN
    return -(torch.exp(logp_TV) * logp_TV).sum(-1)
