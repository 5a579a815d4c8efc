"""Policy losses: pure functions on flat rows of tokens. Sums, never means.

Axis: `_T` all tokens of a micro-batch, sequences one behind the other, no padding.

Every loss takes `logp_T` (log-probs of the policy being trained, with gradient), `old_logp_T` (of the policy
at the start of the step, under the same packing), `advantage_T`, `mask_T` (True where the policy chose the
token) and optionally `weight_T` (grpo/reduction.py, times an importance weight of grpo/mismatch.py). It
returns the weighted sum over tokens; the learner divides once by the normaliser of the whole optimizer step.

Traps dealt with here:
- Masked slots are replaced *before* any arithmetic, so a NaN or Inf there reaches neither value nor gradient.
- The log-ratio is bounded at +-20 before `exp`, its gradient passed through: `exp` cannot overflow to
  `inf * 0 = NaN` in backward, and a token far outside still feels a pull.
- On the first update of a step `old_logp_T` is `logp_T.detach()`: the ratio is exactly 1, nothing is clipped.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rlstack.config.rl import LossConfig
from rlstack.grpo.mismatch import importance
from rlstack.grpo.tokens import TokenLoss, bounded, keep, keep_fixed, sequence_mean, weighted_sum

STATS = ("tokens", "clipped_low", "clipped_high", "ratio", "kl_old")
"""Trained tokens; those whose gradient the clip removed, by side; ratio; KL(old || new) by k3."""


def dapo(
    logp_T: Tensor, old_logp_T: Tensor, advantage_T: Tensor, mask_T: Tensor, *,
    clip_low: float = 0.2, clip_high: float = 0.28, weight_T: Tensor | None = None,
) -> TokenLoss:  # fmt: skip
    """`-min(r A, clip(r, 1 - low, 1 + high) A)` with r = exp(logp - old) (DAPO, arXiv 2503.14476).

    `clip_high > clip_low` ("clip-higher") lets unlikely tokens grow. The paper's mean over all tokens is the
    reduction `token`.
    """
    log_ratio = bounded(keep(logp_T, mask_T) - keep_fixed(old_logp_T, mask_T))
    return _clipped(log_ratio, advantage_T, mask_T, clip_low, clip_high, None, weight_T)


def ppo(
    logp_T: Tensor, old_logp_T: Tensor, advantage_T: Tensor, mask_T: Tensor, *,
    clip: float = 0.2, dual: float | None = None, weight_T: Tensor | None = None,
) -> TokenLoss:  # fmt: skip
    """PPO's clipped surrogate (arXiv 1707.06347, equation 7), the same clip on both sides.

    `dual` > 1 bounds the loss of tokens with negative advantage: their surrogate is at least `dual * A`
    (dual clip, arXiv 1912.09729), so a token that became far likelier cannot dominate. It is
    counted as `clipped_high`.
    """
    if dual is not None and dual <= 1.0:
        raise ValueError(f"dual must be > 1, got {dual}")
    log_ratio = bounded(keep(logp_T, mask_T) - keep_fixed(old_logp_T, mask_T))
    return _clipped(log_ratio, advantage_T, mask_T, clip, clip, dual, weight_T)


def gspo(
    logp_T: Tensor, old_logp_T: Tensor, advantage_T: Tensor, mask_T: Tensor, sequence_T: Tensor, *,
    clip_low: float = 3e-4, clip_high: float = 4e-4, weight_T: Tensor | None = None,
) -> TokenLoss:  # fmt: skip
    """Clipping by the ratio of the whole sequence, s = exp(mean_t(logp - old)) (GSPO, arXiv 2507.18071).

    In the paper's token form (GSPO-token): value s, gradient s * d logp_t at each token. With one advantage and
    one weight per sequence, which every reduction gives, it equals the sequence form; weights that differ within
    a sequence (the corrections `token` and `mask_token`) leave the token form only. The paper uses `sequence`.
    `sequence_T` labels the sequence of each token; a sequence is contiguous and in one micro-batch.
    """
    new = keep(logp_T, mask_T)
    mean_T = sequence_mean((new - keep_fixed(old_logp_T, mask_T)).detach(), mask_T, sequence_T)
    log_ratio = bounded(mean_T + (new - new.detach()))
    return _clipped(log_ratio, advantage_T, mask_T, clip_low, clip_high, None, weight_T)


def cispo(
    logp_T: Tensor, old_logp_T: Tensor, advantage_T: Tensor, mask_T: Tensor, *,
    cap: float = 5.0, weight_T: Tensor | None = None,
) -> TokenLoss:  # fmt: skip
    """`-stop(min(r, cap)) A logp` (CISPO of MiniMax-M1, arXiv 2506.13585).

    The importance weight is capped, the gradient never: every token keeps teaching. `cap` is the paper's
    1 + eps_high; like the paper it sets no lower bound. `clipped_high` counts capped tokens.
    """
    new, adv = keep(logp_T, mask_T), keep_fixed(advantage_T, mask_T)
    log_ratio = bounded(new.detach() - keep_fixed(old_logp_T, mask_T))
    ratio = torch.exp(log_ratio)
    high = mask_T & (ratio > cap)
    term = -ratio.clamp(max=cap) * adv * new
    return _result(term, log_ratio, mask_T, torch.zeros_like(high), high, weight_T)


def reinforce(
    logp_T: Tensor, old_logp_T: Tensor, advantage_T: Tensor, mask_T: Tensor, *, weight_T: Tensor | None = None
) -> TokenLoss:
    """`-A logp` (Williams 1992): the plain policy gradient, right on-policy only. `old_logp_T` feeds the stats."""
    new, adv = keep(logp_T, mask_T), keep_fixed(advantage_T, mask_T)
    log_ratio = bounded(new.detach() - keep_fixed(old_logp_T, mask_T))
    none = torch.zeros_like(mask_T)
    return _result(-adv * new, log_ratio, mask_T, none, none, weight_T)


def compute(
    cfg: LossConfig,
    logp_T: Tensor,
    old_logp_T: Tensor,
    advantage_T: Tensor,
    mask_T: Tensor,
    sequence_T: Tensor,
    weight_T: Tensor | None = None,
    engine_logp_T: Tensor | None = None,
) -> TokenLoss:
    """The loss that the configuration names, corrected for the engine's log-probs if it says so.

    `sequence_T` labels the sequence of each token (GSPO, corrections by sequence). With a correction the statistics
    have two more sums over trained tokens: `correction`, its factors, and `corrected`, 1 where it truncates or drops.
    """
    if cfg.correction == "none":
        return _uncorrected(cfg, logp_T, old_logp_T, advantage_T, mask_T, sequence_T, weight_T)
    if engine_logp_T is None:
        raise ValueError(f"loss.correction={cfg.correction} needs the engine's log-probs")
    bounds = {"low": cfg.correction_low, "high": cfg.correction_high}
    found = importance(cfg.correction, old_logp_T, engine_logp_T, mask_T, sequence_T, **bounds)
    weight_T = found.weight_T if weight_T is None else keep_fixed(weight_T, mask_T) * found.weight_T
    result = _uncorrected(cfg, logp_T, old_logp_T, advantage_T, mask_T, sequence_T, weight_T)
    rows = {"correction": keep(found.weight_T, mask_T), "corrected": found.cut_T}
    return TokenLoss(result.sum, {**result.stats, **{n: row.sum(dtype=torch.float64) for n, row in rows.items()}})


def _uncorrected(
    cfg: LossConfig,
    logp_T: Tensor,
    old_logp_T: Tensor,
    advantage_T: Tensor,
    mask_T: Tensor,
    sequence_T: Tensor,
    weight_T: Tensor | None,
) -> TokenLoss:
    row = (logp_T, old_logp_T, advantage_T, mask_T)
    if cfg.kind == "dapo":
        return dapo(*row, clip_low=cfg.clip_low, clip_high=cfg.clip_high, weight_T=weight_T)
    if cfg.kind == "ppo":
        return ppo(*row, clip=cfg.clip_low, dual=cfg.dual_clip, weight_T=weight_T)
    if cfg.kind == "gspo":
        clip = {"clip_low": cfg.gspo_clip_low, "clip_high": cfg.gspo_clip_high}
        return gspo(*row, sequence_T, **clip, weight_T=weight_T)
    if cfg.kind == "cispo":
        return cispo(*row, cap=cfg.cispo_cap, weight_T=weight_T)
    return reinforce(*row, weight_T=weight_T)


def _clipped(
    log_ratio: Tensor,
    advantage_T: Tensor,
    mask_T: Tensor,
    clip_low: float,
    clip_high: float,
    dual: float | None,
    weight_T: Tensor | None,
) -> TokenLoss:
    ratio, adv = torch.exp(log_ratio), keep_fixed(advantage_T, mask_T)
    surrogate = torch.minimum(ratio * adv, ratio.clamp(1.0 - clip_low, 1.0 + clip_high) * adv)
    low = mask_T & (adv < 0) & (ratio < 1.0 - clip_low)
    high = mask_T & (adv > 0) & (ratio > 1.0 + clip_high)
    if dual is not None:
        surrogate = torch.where(adv < 0, torch.maximum(surrogate, dual * adv), surrogate)
        high = high | (mask_T & (adv < 0) & (ratio > dual))
    return _result(-surrogate, log_ratio, mask_T, low, high, weight_T)


def _result(
    term_T: Tensor, log_ratio: Tensor, mask_T: Tensor, low: Tensor, high: Tensor, weight_T: Tensor | None
) -> TokenLoss:
    log_ratio = log_ratio.detach()
    less_one = torch.expm1(log_ratio)
    ratio = keep(less_one + 1.0, mask_T)
    rows = (mask_T, low, high, ratio, keep(less_one - log_ratio, mask_T))
    stats = {name: row.sum(dtype=torch.float64) for name, row in zip(STATS, rows, strict=True)}
    return TokenLoss(weighted_sum(term_T, mask_T, weight_T), stats)
