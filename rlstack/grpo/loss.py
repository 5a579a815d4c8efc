"""Policy losses: pure functions on flat rows of tokens. Sums, never means.

Axis: `_T` all tokens of a micro-batch, sequences one behind the other, no padding.

Every loss takes `logp_T` (log-probs of the policy being trained, with gradient), `old_logp_T` (of the policy
at the start of the step, same packing), `advantage_T`, `mask_T` (True where the policy chose the token) and
optionally `weight_T` (grpo/reduction.py, times an importance weight of grpo/mismatch.py). It returns the
weighted sum over tokens; the learner divides once by the normaliser of the whole optimizer step.

Traps dealt with here:
- Masked slots are replaced *before* any arithmetic, so a NaN or Inf there reaches neither value nor gradient.
- The log-ratio is bounded at +-20 before `exp` with its gradient passed through: `exp` cannot overflow to
  `inf * 0 = NaN` in backward, and a token far outside still feels a pull.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from rlstack.config.rl import LossConfig

STATS = ("tokens", "clipped_low", "clipped_high", "ratio", "log_ratio_sq")
LOG_RATIO_BOUND = 20.0


@dataclass(frozen=True, slots=True)
class TokenLoss:
    """A sum over tokens and the sums behind the metrics; both add up over micro-batches and ranks."""

    sum: Tensor  # scalar float64, with gradient
    stats: Mapping[str, Tensor]  # scalar float64 without gradient; unweighted sums over trained tokens


def dapo(
    logp_T: Tensor,
    old_logp_T: Tensor,
    advantage_T: Tensor,
    mask_T: Tensor,
    *,
    clip_low: float = 0.2,
    clip_high: float = 0.28,
    weight_T: Tensor | None = None,
) -> TokenLoss:
    """`-min(r A, clip(r, 1 - low, 1 + high) A)` with r = exp(logp - old) (DAPO, arXiv 2503.14476, equation 8).

    `clip_high > clip_low` ("clip-higher") lets unlikely tokens grow. The paper's token-level mean is the
    reduction `token`.
    """
    new, old, adv = _kept(logp_T, old_logp_T, advantage_T, mask_T)
    ratio = _ratio(new, old)
    return _clipped(ratio, adv, mask_T, clip_low, clip_high, weight_T, None)


def ppo(
    logp_T: Tensor,
    old_logp_T: Tensor,
    advantage_T: Tensor,
    mask_T: Tensor,
    *,
    clip: float = 0.2,
    dual: float | None = None,
    weight_T: Tensor | None = None,
) -> TokenLoss:
    """PPO's clipped surrogate (arXiv 1707.06347, equation 7), symmetric clip.

    `dual` > 1 bounds the loss of tokens with negative advantage: their surrogate is at least `dual * A`
    (dual clip, arXiv 1912.09729, equation 5), so a token that became far likelier cannot dominate.
    """
    if dual is not None and dual <= 1.0:
        raise ValueError(f"dual must be > 1, got {dual}")
    new, old, adv = _kept(logp_T, old_logp_T, advantage_T, mask_T)
    return _clipped(_ratio(new, old), adv, mask_T, clip, clip, weight_T, dual)


def gspo(
    logp_T: Tensor,
    old_logp_T: Tensor,
    advantage_T: Tensor,
    mask_T: Tensor,
    sequence_T: Tensor,
    *,
    clip_low: float = 3e-4,
    clip_high: float = 4e-4,
    weight_T: Tensor | None = None,
) -> TokenLoss:
    """Clipping by the ratio of the whole sequence, s = exp(mean_t(logp - old)) (GSPO, arXiv 2507.18071).

    Written in the paper's token form (equation 13): value s, gradient s * d logp_t at each token. With one
    advantage per sequence it is GSPO itself, under any reduction; the paper uses `sequence`.
    `sequence_T` numbers the sequences of this row with integers below T; a sequence lies in one micro-batch.
    """
    new, old, adv = _kept(logp_T, old_logp_T, advantage_T, mask_T)
    gap_T = (new - old).detach()
    mean_T = sequence_sum(gap_T, sequence_T) / sequence_sum(mask_T.to(gap_T.dtype), sequence_T).clamp(min=1.0)
    ratio = torch.exp(bounded(mean_T + (new - new.detach())))
    return _clipped(ratio, adv, mask_T, clip_low, clip_high, weight_T, None)


def cispo(
    logp_T: Tensor,
    old_logp_T: Tensor,
    advantage_T: Tensor,
    mask_T: Tensor,
    *,
    cap: float = 5.0,
    weight_T: Tensor | None = None,
) -> TokenLoss:
    """`-stop(min(r, cap)) A logp` (CISPO, MiniMax-M1, arXiv 2506.13585, equation 4).

    The importance weight is capped, the gradient never: every token keeps teaching. `cap` is the paper's
    1 + eps_high; it sets no lower bound. `clipped_high` counts capped tokens.
    """
    new, old, adv = _kept(logp_T, old_logp_T, advantage_T, mask_T)
    ratio = _ratio(new.detach(), old)
    high = mask_T & (ratio > cap)
    return _summed(-ratio.clamp(max=cap) * adv * new, ratio, mask_T, torch.zeros_like(high), high, weight_T)


def reinforce(
    logp_T: Tensor, old_logp_T: Tensor, advantage_T: Tensor, mask_T: Tensor, *, weight_T: Tensor | None = None
) -> TokenLoss:
    """`-A logp` (Williams 1992): the plain policy gradient, right on-policy only. `old_logp_T` feeds the stats."""
    new, old, adv = _kept(logp_T, old_logp_T, advantage_T, mask_T)
    none = torch.zeros_like(mask_T)
    return _summed(-adv * new, _ratio(new.detach(), old), mask_T, none, none, weight_T)


def compute(
    cfg: LossConfig,
    logp_T: Tensor,
    old_logp_T: Tensor,
    advantage_T: Tensor,
    mask_T: Tensor,
    sequence_T: Tensor,
    weight_T: Tensor | None = None,
) -> TokenLoss:
    """The loss that the configuration names."""
    row = (logp_T, old_logp_T, advantage_T, mask_T)
    if cfg.kind == "dapo":
        return dapo(*row, clip_low=cfg.clip_low, clip_high=cfg.clip_high, weight_T=weight_T)
    if cfg.kind == "ppo":
        return ppo(*row, clip=cfg.clip_low, dual=cfg.dual_clip, weight_T=weight_T)
    if cfg.kind == "gspo":
        return gspo(*row, sequence_T, clip_low=cfg.gspo_clip_low, clip_high=cfg.gspo_clip_high, weight_T=weight_T)
    if cfg.kind == "cispo":
        return cispo(*row, cap=cfg.cispo_cap, weight_T=weight_T)
    return reinforce(*row, weight_T=weight_T)


def keep(x_T: Tensor, mask_T: Tensor) -> Tensor:
    """`x_T` with 0 at masked slots, in float32 or better; their content reaches neither value nor gradient."""
    x_T = x_T if x_T.dtype == torch.float64 else x_T.float()
    return torch.where(mask_T, x_T, torch.zeros_like(x_T))


def weighted_sum(term_T: Tensor, mask_T: Tensor, weight_T: Tensor | None) -> Tensor:
    """Sum of finite terms over trained tokens, accumulated in float64."""
    weight_T = mask_T.to(term_T.dtype) if weight_T is None else keep(weight_T, mask_T).detach()
    return (term_T * weight_T).sum(dtype=torch.float64)


def sequence_sum(x_T: Tensor, sequence_T: Tensor) -> Tensor:
    """The sum over each token's sequence, at each token. Ids are below T, so no size travels from the device."""
    return torch.zeros_like(x_T).index_add_(0, sequence_T, x_T)[sequence_T]


def bounded(x_T: Tensor) -> Tensor:
    """`x_T` within +-20, with the gradient of `x_T` itself."""
    return x_T.detach().clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND) + (x_T - x_T.detach())


def _kept(logp_T: Tensor, old_logp_T: Tensor, advantage_T: Tensor, mask_T: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return keep(logp_T, mask_T), keep(old_logp_T, mask_T).detach(), keep(advantage_T, mask_T).detach()


def _ratio(new: Tensor, old: Tensor) -> Tensor:
    return torch.exp(bounded(new - old))


def _clipped(
    ratio: Tensor,
    adv: Tensor,
    mask_T: Tensor,
    clip_low: float,
    clip_high: float,
    weight_T: Tensor | None,
    dual: float | None,
) -> TokenLoss:
    surrogate = torch.minimum(ratio * adv, ratio.clamp(1.0 - clip_low, 1.0 + clip_high) * adv)
    if dual is not None:
        surrogate = torch.where(adv < 0, torch.maximum(surrogate, dual * adv), surrogate)
    low = mask_T & (adv < 0) & (ratio < 1.0 - clip_low)
    high = mask_T & (adv > 0) & (ratio > 1.0 + clip_high)
    return _summed(-surrogate, ratio, mask_T, low, high, weight_T)


def _summed(
    term_T: Tensor, ratio: Tensor, mask_T: Tensor, low: Tensor, high: Tensor, weight_T: Tensor | None
) -> TokenLoss:
    ratio = keep(ratio.detach(), mask_T)
    log_ratio = torch.where(mask_T, ratio, torch.ones_like(ratio)).log()
    rows = (mask_T, low, high, ratio, log_ratio.square())
    stats = {name: row.sum(dtype=torch.float64) for name, row in zip(STATS, rows, strict=True)}
    return TokenLoss(weighted_sum(term_T, mask_T, weight_T), stats)
