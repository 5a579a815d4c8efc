"""From hidden states to the log-probs and the entropy of next tokens, a few rows of logits at a time.

Axes: `_M` trained tokens, `_D` hidden size, `_V` vocabulary, `_C` tokens of one piece.

Logits are by far the largest tensor of a training step: 4,096 tokens of a 100k vocabulary are 1.6 GB, and autograd
through log-softmax holds three such tensors. Here a piece of tokens at a time goes through head and log-softmax, only
the chosen log-prob, log-sum-exp and entropy are kept, and backward computes the piece again. Rows that fit into one
piece keep their log-softmax instead, so that a small model computes nothing twice.

Rounding follows the model: matmul and `logits_scaling` in the model's dtype, all after it in float32 or better.
Weight gradients of several pieces are added in float32. With z the logits after the temperature, p their softmax:

    log p_y = z_y - lse(z)       d/dz = onehot(y) - p
    H = -sum p log p             d/dz = -p (log p + H)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

_LEAST_LOG = -1e4  # e^-10000 is 0; -inf would make 0 * -inf = NaN


@dataclass(frozen=True, slots=True, eq=False)
class TokenScores:
    """What a model says about the tokens of a row, in nats; both with gradient."""

    logprobs_M: Tensor  # of the targets
    entropy_M: Tensor | None  # of the whole next-token distribution; None unless asked for


@dataclass(frozen=True, slots=True)
class Softening:
    """What logits are divided by: in the model (Granite's `logits_scaling`), then by the sampling temperature."""

    scaling: float = 1.0
    temperature: float = 1.0


def token_scores(
    hidden_MD: Tensor,
    head_VD: Tensor,
    targets_M: Tensor,
    softening: Softening = Softening(),
    *,
    piece_bytes: int,
    entropy: bool = False,
) -> TokenScores:
    """Log-probs of the targets and, if asked, entropies, from the last hidden states and the LM head's weight.

    `piece_bytes` bounds the float32 logits held at once (at least one token's). Gradients reach `hidden_MD` and
    `head_VD`, through the entropy too.
    """
    rows = max(1, piece_bytes // (4 * head_VD.shape[0]))
    logprobs_M, entropy_M = _Scores.apply(hidden_MD, head_VD, targets_M, softening, rows, entropy)  # type: ignore[misc]
    return TokenScores(logprobs_M, entropy_M)


def scores_of_logits(logits_MV: Tensor, targets_M: Tensor, *, entropy: bool = False) -> TokenScores:
    """The same from logits already divided by the temperature, by autograd: three times their memory."""
    logp_MV = torch.log_softmax(_precise(logits_MV), 1)
    logprobs_M = logp_MV.gather(1, targets_M[:, None])[:, 0]
    if not entropy:
        return TokenScores(logprobs_M, None)
    return TokenScores(logprobs_M, -(logp_MV.exp() * logp_MV.clamp(min=_LEAST_LOG)).sum(1))


class _Scores(Function):
    @staticmethod
    def forward(
        ctx: Any, hidden_MD: Tensor, head_VD: Tensor, targets_M: Tensor, softening: Softening, rows: int, entropy: bool
    ) -> tuple[Tensor, Tensor | None]:
        ctx.set_materialize_grads(False)
        ctx.softening, ctx.rows = softening, min(rows, len(hidden_MD))
        logits, powers = (_scratch(hidden_MD, head_VD, ctx.rows) for _ in range(2))
        logprobs, sums, entropies = [], [], []
        for hidden_CD, targets_C in zip(hidden_MD.split(ctx.rows), targets_M.split(ctx.rows), strict=True):
            logits_CV = _logits(hidden_CD, head_VD, softening, out=logits[: len(hidden_CD)])
            largest_C = logits_CV.amax(1)
            power_CV = torch.sub(logits_CV, largest_C[:, None], out=powers[: len(hidden_CD)]).exp_()
            total_C = power_CV.sum(1)
            sums.append(largest_C + total_C.log())
            logprobs.append(logits_CV.gather(1, targets_C[:, None])[:, 0] - sums[-1])
            if entropy:
                logp_CV = logits_CV.sub_(sums[-1][:, None]).clamp_(min=_LEAST_LOG)
                entropies.append(-power_CV.mul_(logp_CV).sum(1) / total_C)
        kept_MV = None
        if len(sums) == 1 and any(ctx.needs_input_grad):
            kept_MV = logits if entropy else logits.sub_(sums[0][:, None])
        entropy_M = torch.cat(entropies) if entropy else None
        ctx.save_for_backward(hidden_MD, head_VD, targets_M, torch.cat(sums), entropy_M, kept_MV)
        return torch.cat(logprobs), entropy_M

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        hidden_MD, head_VD, targets_M, sum_M, entropy_M, kept_MV = ctx.saved_tensors
        need_hidden, need_head = ctx.needs_input_grad[:2]
        hidden_grad_MD = torch.empty_like(hidden_MD) if need_hidden else None
        head_grad_VD = None
        logps, slopes = _scratch(hidden_MD, head_VD, ctx.rows), None
        if kept_MV is not None:
            logps, slopes = kept_MV, logps
        elif grads[1] is not None:
            slopes = torch.empty_like(logps)
        for begin in range(0, len(hidden_MD), ctx.rows):
            piece = slice(begin, begin + ctx.rows)
            hidden_CD = hidden_MD[piece]
            logp_CV = logps[: len(hidden_CD)]
            if kept_MV is None:
                _logits(hidden_CD, head_VD, ctx.softening, out=logp_CV).sub_(sum_M[piece, None])
            grad_C, entropy_grad_C = (None if g is None else g[piece] for g in grads)
            entropy_C = None if entropy_M is None else entropy_M[piece]
            out_CV = logp_CV if slopes is None else slopes[: len(hidden_CD)]
            spent = kept_MV is None
            slope_CV = _slope(logp_CV, targets_M[piece], grad_C, entropy_C, entropy_grad_C, out=out_CV, spent=spent)
            slope_CV = _hardened(slope_CV, ctx.softening, hidden_MD.dtype)
            if hidden_grad_MD is not None:
                torch.mm(slope_CV, head_VD, out=hidden_grad_MD[piece])
            if need_head:
                head_grad_VD = _added(head_grad_VD, slope_CV, hidden_CD, whole=len(hidden_MD) == ctx.rows)
        head_grad_VD = None if head_grad_VD is None else head_grad_VD.to(head_VD.dtype)
        return hidden_grad_MD, head_grad_VD, None, None, None, None


def _scratch(hidden_MD: Tensor, head_VD: Tensor, rows: int) -> Tensor:
    """Room for one piece, used again by each: fresh pages would cost as much as the arithmetic on them."""
    dtype = hidden_MD.dtype if hidden_MD.dtype == torch.float64 else torch.float32
    return torch.empty(rows, len(head_VD), dtype=dtype, device=hidden_MD.device)


def _logits(hidden_CD: Tensor, head_VD: Tensor, softening: Softening, *, out: Tensor) -> Tensor:
    """Into `out`, rounded as the model and the loss would round them."""
    if out.dtype == hidden_CD.dtype:
        torch.mm(hidden_CD, head_VD.t(), out=out)
        if softening.scaling != 1.0:
            out.div_(softening.scaling)
    else:
        low_CV = torch.nn.functional.linear(hidden_CD, head_VD)
        out.copy_(low_CV if softening.scaling == 1.0 else low_CV.div_(softening.scaling))
    return out if softening.temperature == 1.0 else out.div_(softening.temperature)


def _slope(
    logp_CV: Tensor,
    targets_C: Tensor,
    grad_C: Tensor | None,
    entropy_C: Tensor | None,
    entropy_grad_C: Tensor | None,
    *,
    out: Tensor,
    spent: bool,
) -> Tensor:
    """Gradient with respect to the logits after the temperature, in `out`; `logp_CV` may be overwritten if `spent`.

    `out` may be `logp_CV` itself unless the entropy has a gradient too.
    """
    if entropy_C is None or entropy_grad_C is None:
        slope_CV = torch.exp(logp_CV, out=out).mul_(0.0 if grad_C is None else -grad_C[:, None])
    else:
        slope_CV = torch.clamp(logp_CV, min=_LEAST_LOG, out=out).add_(entropy_C[:, None]).mul_(entropy_grad_C[:, None])
        if grad_C is not None:
            slope_CV.add_(grad_C[:, None])
        slope_CV.mul_(logp_CV.exp_() if spent else logp_CV.exp()).neg_()
    if grad_C is not None:
        slope_CV.scatter_add_(1, targets_C[:, None], grad_C[:, None].to(slope_CV.dtype))
    return slope_CV


def _hardened(slope_CV: Tensor, softening: Softening, dtype: torch.dtype) -> Tensor:
    """Back through temperature and scaling, with the rounding of the way forward."""
    if softening.temperature != 1.0:
        slope_CV.div_(softening.temperature)
    slope_CV = slope_CV.to(dtype)
    return slope_CV if softening.scaling == 1.0 else slope_CV.div_(softening.scaling)


def _added(total_VD: Tensor | None, slope_CV: Tensor, hidden_CD: Tensor, *, whole: bool) -> Tensor:
    """The head's gradient with one more piece; float32 or better unless this piece is all."""
    if total_VD is None:
        first_VD = slope_CV.t() @ hidden_CD
        return first_VD if whole else _precise(first_VD)
    if total_VD.dtype == slope_CV.dtype:
        return total_VD.addmm_(slope_CV.t(), hidden_CD)
    return total_VD.add_(slope_CV.t() @ hidden_CD)


def _precise(x: Tensor) -> Tensor:
    return x if x.dtype in (torch.float32, torch.float64) else x.float()
