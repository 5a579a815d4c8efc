"""`model=`: which weights, or which shape."""

from __future__ import annotations

from typing import Literal

from rlstack.config.base import Positive, Section


class ShapeConfig(Section):
    """A Granite-style dense decoder; `models/granite.py` turns it into the hub class's config."""

    vocab_size: Positive
    hidden_size: Positive
    layers: Positive
    heads: Positive
    kv_heads: Positive
    head_dim: Positive
    mlp_hidden: Positive
    max_positions: Positive = 8192
    rope_theta: float = 10_000.0
    rms_eps: float = 1e-5
    tied: bool = True
    """Share the input and output embeddings."""
    embedding_multiplier: float = 1.0
    attention_multiplier: float
    """Replaces 1/sqrt(head_dim); transformers' default of 1.0 trains badly, so it has no default here."""
    residual_multiplier: float = 1.0
    logits_scaling: float = 1.0
    """Logits are divided by it."""


class ModelConfig(Section):
    name: str
    path: str | None = None
    """Folder or hub id of a causal LM with its tokenizer, or `builtin:tiny`, `builtin:smollm2-135m`; null starts
    from `shape` with random weights."""
    shape: ShapeConfig | None = None
    tokenizer: str | None = None
    """Where the tokenizer comes from when `path` is null: folder, hub id or `builtin:tiny-tokenizer`."""
    trust_remote_code: bool = False
    """Run Python code that ships with the checkpoint. Off unless you ask for it."""
    chat_template: Literal["own", "tokenizer"] = "own"
    """`own`: the role-tag template of `models/`; `tokenizer`: the one that ships with the checkpoint."""
