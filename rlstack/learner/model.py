"""Builds the sharded policy and the reference from a checkpoint folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.nn import Module

from rlstack.learner import forward, layout


@dataclass(frozen=True, slots=True)
class ModelSpec:
    path: str  # folder in Hugging Face format
    dtype: Literal["float32", "bfloat16"] = "float32"  # of the computation; masters are float32
    trust_remote_code: bool = False


def load(spec: ModelSpec, mesh: DeviceMesh, device: torch.device, *, trained: bool) -> Module:
    """A causal LM with float32 weights, sharded over the mesh layer by layer.

    Runs in eval mode even when trained: dropout would make log-probs random.
    """
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(
        spec.path,
        dtype=torch.float32,
        attn_implementation=layout.register(),
        trust_remote_code=spec.trust_remote_code,
    )
    model.to(device).eval().requires_grad_(trained)
    precision = MixedPrecisionPolicy(
        param_dtype=getattr(torch, spec.dtype), reduce_dtype=torch.float32, output_dtype=torch.float32
    )
    options = {"mesh": mesh, "mp_policy": precision if spec.dtype != "float32" else MixedPrecisionPolicy()}
    for layer in model.model.layers:
        fully_shard(layer, **options)
    fully_shard(model, **options)
    forward.attach(model)
    return model


def has_tied_head(model: Any) -> bool:
    return bool(model.config.tie_word_embeddings)
