"""The pull towards the reference model: as a loss, or inside the reward.

Axis: `_T` all tokens of a micro-batch, `_B` samples of a batch. Notation: p policy, q reference,
d = log p - log q at a sampled token. All three estimators of KL(p || q) are Schulman's
("Approximating KL divergence", 2020). As *losses* they differ, because autograd differentiates the value at a
fixed sample and not the distribution it came from. With x ~ p (on-policy):

| estimator     | value             | mean value  | gradient at a token       | mean gradient                    |
|---------------|-------------------|-------------|---------------------------|----------------------------------|
| `k1`          | d                 | KL(p \\|\\| q) | grad log p                | 0: no pull at all                |
| `k2`          | d^2 / 2           | second order| d grad log p              | grad KL(p \\|\\| q), reverse        |
| `k3`          | e^-d - 1 + d      | KL(p \\|\\| q) | (1 - e^-d) grad log p     | grad KL(q \\|\\| p), forward        |
| `k3_weighted` | r (e^-d - 1 + d)  | KL(p \\|\\| q) | (r k3 + r (1 - e^-d)) grad log p | grad KL(p \\|\\| q), reverse |

`k3_weighted` multiplies by r = p / p_old with its gradient, which keeps value and gradient right after the first
update of a step too (DeepSeek-V3.2, arXiv 2512.02556); at r = 1 its gradient is that of k2.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from rlstack.config.rl import KLConfig
from rlstack.grpo.tokens import TokenLoss, bounded, keep, keep_fixed, weighted_sum

Estimator = Literal["k1", "k2", "k3", "k3_weighted"]

STATS = ("kl_k1", "kl_k3")


def kl(
    logp_T: Tensor,
    ref_logp_T: Tensor,
    mask_T: Tensor,
    *,
    estimator: Estimator = "k3",
    old_logp_T: Tensor | None = None,
    weight_T: Tensor | None = None,
) -> TokenLoss:
    """Weighted sum of the estimator over trained tokens, to be divided by the normaliser of the policy loss.

    The log-ratio is bounded at +-20 inside `exp`, with its gradient passed through. Clamping the *value* of
    k3 instead would take the pull from the tokens that are farthest away, and clamping the log-ratio without
    passing its gradient would turn the pull around there (only the `+ d` would be left).
    `old_logp_T` is needed by `k3_weighted` alone.
    """
    new, ref = keep(logp_T, mask_T), keep_fixed(ref_logp_T, mask_T)
    gap = new - ref
    if estimator == "k1":
        term = gap
    elif estimator == "k2":
        term = 0.5 * gap.square()
    elif estimator == "k3":
        term = _k3(gap)
    elif estimator == "k3_weighted":
        if old_logp_T is None:
            raise ValueError("the KL estimator 'k3_weighted' needs old_logp_T")
        term = torch.exp(bounded(new - keep_fixed(old_logp_T, mask_T))) * _k3(gap)
    else:
        raise ValueError(f"KL estimator {estimator!r} is not one of k1, k2, k3, k3_weighted")
    fixed = gap.detach()
    stats = {"kl_k1": fixed.sum(dtype=torch.float64), "kl_k3": _k3(fixed).sum(dtype=torch.float64)}
    return TokenLoss(weighted_sum(term, mask_T, weight_T), stats)


def compute(
    cfg: KLConfig,
    logp_T: Tensor,
    ref_logp_T: Tensor,
    old_logp_T: Tensor,
    mask_T: Tensor,
    weight_T: Tensor | None = None,
) -> TokenLoss:
    """The KL loss that the configuration names, before its weight `cfg.beta`."""
    return kl(logp_T, ref_logp_T, mask_T, estimator=cfg.estimator, old_logp_T=old_logp_T, weight_T=weight_T)


def in_reward(scores_B: ArrayLike, kl_B: ArrayLike, beta: float) -> NDArray[np.float64]:
    """Scores less `beta` times the KL of the whole sample, the sum over its trained tokens of k1.

    In the reward k1 is the right estimator: it is unbiased, and the policy gradient differentiates the
    distribution (RLHF of InstructGPT, arXiv 2203.02155). Apply it before the advantages.
    """
    return np.asarray(scores_B, np.float64) - beta * np.asarray(kl_B, np.float64)


def reward_to_go(kl_N: ArrayLike, lengths_B: ArrayLike) -> NDArray[np.float64]:
    """At each token the sum of `kl_N` from it to the end of its sequence; `_N` tokens of `_B` sequences end to end.

    `kl_N` is k1, d at trained tokens and 0 elsewhere. With rewards of -beta d at every token and no discount the
    policy gradient multiplies grad log p_t by -beta times this sum (reward to go; REINFORCE++, arXiv 2501.03262): a
    token answers for itself and for where it leads, unlike in a KL loss, whose gradient sees its own d alone.
    """
    kl_N, lengths_B = np.asarray(kl_N, np.float64), np.asarray(lengths_B, np.int64)
    through_N = np.cumsum(kl_N)
    return np.repeat(through_N[np.cumsum(lengths_B) - 1], lengths_B) - through_N + kl_N


def adapted_beta(beta: float, kl_mean: float, *, target: float, horizon: float, samples: int) -> float:
    """The next `beta` of the proportional controller that steers the KL to `target` (arXiv 1909.08593).

    beta * (1 + clip(kl / target - 1, -0.2, 0.2) * samples / horizon): nothing to store but beta itself.
    `kl_mean` in the unit of `target` (per sample or per token), `horizon` in samples. Never below half of beta,
    however many samples a step has.
    """
    error = min(0.2, max(-0.2, kl_mean / target - 1.0))
    return beta * max(0.5, 1.0 + error * samples / horizon)


def _k3(gap: Tensor) -> Tensor:
    """e^-d - 1 + d; `expm1` keeps its precision near d = 0, where the value is d^2 / 2."""
    gap = bounded(gap)
    return torch.expm1(-gap) + gap
