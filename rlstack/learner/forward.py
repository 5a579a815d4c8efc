"""One forward pass of a sharded causal LM over a packed row: from a micro-batch to scores of its trained tokens.

Where the LM head is a plain matrix, possibly followed by a constant division, hidden states go through
`rlstack/learner/head.py` and the whole row's logits never exist. Other models go through their own forward.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

from torch import Tensor
from torch.distributed.fsdp import register_fsdp_forward_method
from torch.nn import Linear, Module

from rlstack.learner.head import Softening, TokenScores, scores_of_logits, token_scores
from rlstack.learner.microbatch import MicroBatch

_SCALED = {"granite": "logits_scaling"}
_PLAIN = ("llama", "mistral", "olmo2", "phi3", "qwen2", "qwen3", "smollm3")
"""Model types whose logits are the head times the last hidden state, divided by that field of the config or not."""

_METHOD = "score_tokens"


def attach(model: Any) -> None:
    """Gives a model, already sharded, a second forward pass that ends in scores; FSDP2 gathers the head for it."""
    if scaling_of(model) is not None:
        setattr(model, _METHOD, MethodType(_score_tokens, model))
        register_fsdp_forward_method(model, _METHOD)


def scaling_of(model: Any) -> float | None:
    """What the model divides its logits by; None when its head is more than a matrix."""
    head, kind = model.get_output_embeddings(), model.config.model_type
    if type(head) is not Linear or head.bias is not None:  # a subclass: an adapter, a quantised matrix
        return None
    if kind in _SCALED:
        return float(getattr(model.config, _SCALED[kind]))
    return 1.0 if kind in _PLAIN else None


def scores(
    model: Module, micro: MicroBatch, temperature: float, *, piece_bytes: int, entropy: bool = False
) -> TokenScores:
    """Log-probs, and entropies if asked, of the trained tokens of a row; logits divided by the temperature."""
    method = getattr(model, _METHOD, None)
    if method is not None:
        logprobs_M, entropy_M = method(micro, temperature, piece_bytes, entropy)
        return TokenScores(logprobs_M, entropy_M)
    logits_MV = model(**_inputs(micro), logits_to_keep=micro.logits_at_M).logits[0].float()
    return scores_of_logits(logits_MV / temperature, micro.targets_M, entropy=entropy)


def _score_tokens(
    model: Any, micro: MicroBatch, temperature: float, piece_bytes: int, entropy: bool
) -> tuple[Tensor, Tensor | None]:
    """Tensors, not an object: FSDP2 hangs its hooks on what a forward pass returns."""
    hidden_MD = model.get_decoder()(**_inputs(micro)).last_hidden_state[0, micro.logits_at_M]
    softening = Softening(scaling_of(model) or 1.0, temperature)
    found = token_scores(
        hidden_MD, model.get_output_embeddings().weight, micro.targets_M, softening,
        piece_bytes=piece_bytes, entropy=entropy,
    )  # fmt: skip
    return found.logprobs_M, found.entropy_M


def _inputs(micro: MicroBatch) -> dict[str, Any]:
    return {
        "input_ids": micro.tokens_1N,
        "position_ids": micro.positions_1N,
        "packing": micro.packing,
        "use_cache": False,
    }
