"""`model=`: which weights, or which shape."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rlstack.config.base import Positive, Section


class ShapeConfig(Section):
    """A Granite-style dense decoder; `models/granite.py` turns it into the hub class's config."""

    vocab_size: Positive
    """Rows of the embedding."""
    hidden_size: Positive
    """Width of the residual stream; heads x head_dim."""
    layers: Positive
    """Decoder layers."""
    heads: Positive
    """Query heads."""
    kv_heads: Positive
    """Key-value heads; divides `heads`."""
    head_dim: Positive
    """Width of a head."""
    mlp_hidden: Positive
    """Width inside the gated MLP."""
    max_positions: Positive = 8192
    """Longest sequence."""
    rope_theta: float = 10_000.0
    """Base of the rotary frequencies."""
    rms_eps: float = 1e-5
    """Added under the root in RMSNorm."""
    tied: bool = True
    """Share the input and output embeddings."""
    embedding_multiplier: float = 1.0
    """Embeddings are multiplied by it."""
    attention_multiplier: float
    """Replaces 1/sqrt(head_dim); transformers' default of 1.0 trains badly, so it has no default here."""
    residual_multiplier: float = 1.0
    """What a block adds is multiplied by it."""
    logits_scaling: float = 1.0
    """Logits are divided by it."""


class LoraConfig(Section):
    """Low-rank adapters (arXiv 2106.09685): W + alpha/rank * B A, where only A and B are trained."""

    rank: Positive = 16
    """Rows of A and columns of B."""
    alpha: float = Field(default=32.0, gt=0.0)
    """What B A is multiplied by, times 1/rank."""
    targets: tuple[str, ...] = ()
    """Linear layers of the decoder by their last name, e.g. [q_proj,v_proj]; empty: all of them."""


class ModelConfig(Section):
    """Which weights, or which shape."""

    name: str
    """For people, and part of the default run directory."""
    path: str | None = None
    """Folder or hub id of a causal LM with its tokenizer, or `builtin:tiny`, `builtin:smollm2-135m`; null starts
    from `shape` with random weights."""
    shape: ShapeConfig | None = None
    tokenizer: str | None = None
    """Where the tokenizer comes from when `path` is null: folder, hub id or `builtin:tiny-tokenizer`."""
    trust_remote_code: bool = False
    """Run Python code that ships with the checkpoint. Off unless you ask for it."""
    lora: LoraConfig | None = None
    """Train adapters in place of all weights, new ones in each stage; null trains every weight. See docs/memory.md."""
    chat_template: Literal["own", "tokenizer"] = "own"
    """`own`: the role-tag template of `models/`; `tokenizer`: the one that ships with the checkpoint."""
