"""Reductions as weights: which share of the loss each token owns. Numpy only, computed on the driver.

A loss over an optimizer step is `sum_t w_t * l_t / normaliser`. All reductions in use give every token of a
sequence the same weight, so one number per sequence and one normaliser per step say everything. Learners
only multiply and add; hence the result cannot depend on micro-batches, packing or the number of ranks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlstack.config.rl import LossConfig

Reduction = Literal["token", "sequence", "prompt", "constant"]


@dataclass(frozen=True, slots=True)
class TokenWeights:
    """`weight_B` multiplies every trained token of sequence b; the step's sum is divided once by `normaliser`."""

    weight_B: NDArray[np.float32]
    normaliser: float


def token_weights(
    lengths_B: ArrayLike, group_B: ArrayLike | None = None, *, reduction: Reduction = "token", constant: int = 0
) -> TokenWeights:
    """Weights of all sequences of one optimizer step, over all ranks.

    `lengths_B` counts the *trained* tokens (loss mask True) of each sequence; `group_B` labels its prompt.

    - `token`: every token alike; long answers weigh more (DAPO, arXiv 2503.14476).
    - `sequence`: mean over a sequence, then over sequences (GRPO, arXiv 2402.03300).
    - `prompt`: mean over the tokens of a prompt's samples, then over prompts (ScaleRL, arXiv 2510.13786).
    - `constant`: sum over a sequence divided by the fixed length `constant`, then mean over sequences
      (Dr. GRPO, arXiv 2503.20783): no dependence on the answer's own length.

    A sequence without trained tokens (filtered out) has weight 0 and does not enter the normaliser.
    A step without any trained token has normaliser 1, so that its loss is 0 and not NaN.
    """
    lengths_B = np.asarray(lengths_B, np.int64)
    if lengths_B.ndim != 1 or (lengths_B < 0).any():
        raise ValueError("lengths_B must be a row of counts >= 0")
    used_B = lengths_B > 0
    if reduction == "token":
        weight_B, normaliser = used_B.astype(np.float64), lengths_B.sum()
    elif reduction == "sequence":
        weight_B, normaliser = _inverse(lengths_B), used_B.sum()
    elif reduction == "prompt":
        if group_B is None:
            raise ValueError("reduction 'prompt' needs group_B, the prompt of each sequence")
        _, group_B = np.unique(np.asarray(group_B), return_inverse=True)
        tokens_P = np.bincount(group_B, weights=lengths_B)
        weight_B, normaliser = np.where(used_B, _inverse(tokens_P)[group_B], 0.0), (tokens_P > 0).sum()
    elif reduction == "constant":
        if constant < 1:
            raise ValueError(
                f"reduction 'constant' needs constant >= 1 (usually the longest completion), got {constant}"
            )
        weight_B, normaliser = used_B / constant, used_B.sum()
    else:
        raise ValueError(f"reduction {reduction!r} is not one of token, sequence, prompt, constant")
    return TokenWeights(weight_B.astype(np.float32), float(normaliser) or 1.0)


def compute(cfg: LossConfig, lengths_B: ArrayLike, group_B: ArrayLike, max_tokens: int) -> TokenWeights:
    """The weights that the configuration names; `max_tokens` is the stage's longest completion."""
    constant = cfg.constant_length or max_tokens
    return token_weights(lengths_B, group_B, reduction=cfg.reduction, constant=constant)


def _inverse(counts: NDArray) -> NDArray[np.float64]:
    return np.divide(1.0, counts, out=np.zeros(counts.shape, np.float64), where=counts > 0)
