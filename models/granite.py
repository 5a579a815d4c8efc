"""Granite-style shapes: from configuration to the hub class `GraniteForCausalLM`.

The numbers of the shipped shapes are data, in `recipes/model/*.yaml`. Source of the architecture: the public
write-up of the Granite 4.1 language models (dense decoder, GQA, RoPE, SwiGLU, RMSNorm, tied embeddings).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rlstack.config.model import ShapeConfig
from rlstack.errors import ConfigError

if TYPE_CHECKING:
    from transformers import GraniteConfig, GraniteForCausalLM

INIT_STD = 0.02
"""Standard deviation of every random weight matrix; norms start at one."""


@dataclass(frozen=True, slots=True)
class SpecialIds:
    """Token ids that the model's config must know; bos and eos are one token in this family."""

    end_of_text: int = 100257
    pad: int = 100256


def granite_config(shape: ShapeConfig, special: SpecialIds) -> GraniteConfig:
    """The hub config of a shape, with all four multipliers written out.

    Raises ConfigError when the heads do not fill the hidden size or the groups of key-value heads are
    uneven: the engines assume both.
    """
    from transformers import GraniteConfig

    _check(shape, special)
    return GraniteConfig(
        vocab_size=shape.vocab_size,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.mlp_hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=shape.max_positions,
        rms_norm_eps=shape.rms_eps,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        tie_word_embeddings=shape.tied,
        embedding_multiplier=shape.embedding_multiplier,
        attention_multiplier=shape.attention_multiplier,
        residual_multiplier=shape.residual_multiplier,
        logits_scaling=shape.logits_scaling,
        initializer_range=INIT_STD,
        bos_token_id=special.end_of_text,
        eos_token_id=special.end_of_text,
        pad_token_id=special.pad,
        architectures=["GraniteForCausalLM"],
    )


def _check(shape: ShapeConfig, special: SpecialIds) -> None:
    if shape.heads * shape.head_dim != shape.hidden_size:
        raise ConfigError(
            f"model.shape: heads x head_dim = {shape.heads} x {shape.head_dim} = {shape.heads * shape.head_dim}, "
            f"but hidden_size={shape.hidden_size}; make them equal"
        )
    if shape.heads % shape.kv_heads:
        raise ConfigError(f"model.shape: kv_heads={shape.kv_heads} does not divide heads={shape.heads}")
    largest = max(special.end_of_text, special.pad)
    if largest >= shape.vocab_size:
        raise ConfigError(
            f"model.shape.vocab_size={shape.vocab_size} leaves no room for token id {largest} of the tokenizer; "
            f"use at least {largest + 1}"
        )


def meta_model(config: GraniteConfig) -> GraniteForCausalLM:
    """The model without storage: shapes and names only, any size, in milliseconds."""
    import torch
    from transformers import GraniteForCausalLM

    with torch.device("meta"):
        return GraniteForCausalLM(config)


def random_model(config: GraniteConfig, seed: int) -> GraniteForCausalLM:
    """float32 weights drawn from `seed` alone: the same on every machine and whatever was drawn before."""
    import torch
    from transformers import GraniteForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return GraniteForCausalLM(config).float()


def parameter_count(shape: ShapeConfig) -> int:
    """Exact number of parameters, shared embeddings counted once. Arithmetic only; imports no torch."""
    attention = 2 * shape.hidden_size * (shape.heads + shape.kv_heads) * shape.head_dim
    mlp = 3 * shape.hidden_size * shape.mlp_hidden
    layer = attention + mlp + 2 * shape.hidden_size
    embeddings = shape.vocab_size * shape.hidden_size * (1 if shape.tied else 2)
    return embeddings + shape.layers * layer + shape.hidden_size
