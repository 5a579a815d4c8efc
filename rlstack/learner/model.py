"""Builds the sharded policy and the reference from a checkpoint folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import CPUOffloadPolicy, MixedPrecisionPolicy, OffloadPolicy, fully_shard
from torch.nn import Module

from rlstack.config.model import LoraConfig
from rlstack.errors import LearnerError
from rlstack.learner import forward, layout, lora, shards


@dataclass(frozen=True, slots=True)
class ModelSpec:
    path: str  # folder in Hugging Face format
    dtype: Literal["float32", "bfloat16"] = "float32"  # of the computation; what is trained is kept in float32
    trust_remote_code: bool = False
    lora: LoraConfig | None = None  # null: every weight is trained
    seed: int = 0  # of the adapters' first values
    gradient_checkpointing: bool = False
    offload_policy: bool = False  # weights, gradients and optimizer in CPU memory
    offload_reference: bool = False


def import_transformers() -> None:
    """Takes most of the time that a learner needs to start; nothing of the configuration is needed for it."""
    from accelerate import init_empty_weights  # noqa: F401
    from transformers import AutoConfig, AutoModelForCausalLM  # noqa: F401


def load(spec: ModelSpec, mesh: DeviceMesh, device: torch.device, *, trained: bool) -> Module:
    """A causal LM sharded over the mesh layer by layer; no rank ever holds the whole.

    What is trained has float32 weights, what is frozen has them in the dtype of the computation. Runs in eval
    mode even when trained: dropout would make log-probs random.
    """
    model, rows = _empty(spec)
    model.eval().requires_grad_(trained)
    adapters: list[str] = []
    if trained and spec.lora is not None:
        lora.add(model, spec.lora)
        adapters = [name for name, _ in model.named_parameters() if lora.is_adapter(name)]
    for parameter in model.parameters():
        if not parameter.requires_grad:
            parameter.data = parameter.data.to(getattr(torch, spec.dtype))
    if trained and spec.gradient_checkpointing:
        _checkpoint_layers(model)
    offloaded = spec.offload_policy if trained else spec.offload_reference
    _shard(model, spec, mesh, device, offloaded)
    made = {name: partial(lora.initial, name, seed=spec.seed) for name in adapters}
    home = torch.device("cpu") if offloaded else device
    shards.fill(model, lambda name, own: rows(lora.base_name(name), own), home, made=made)
    for buffer in model.buffers():  # they are as the constructor computed them, beside the shards or not
        buffer.data = buffer.data.to(device)
    return model


def _empty(spec: ModelSpec) -> tuple[Any, shards.Rows]:
    """The model without storage for its parameters, and where their values can be read."""
    from accelerate import init_empty_weights
    from transformers import AutoConfig, AutoModelForCausalLM

    options: dict[str, Any] = {
        "dtype": torch.float32,
        "attn_implementation": layout.register(),
        "trust_remote_code": spec.trust_remote_code,
    }
    config = AutoConfig.from_pretrained(spec.path, trust_remote_code=spec.trust_remote_code)
    quantised = getattr(config, "quantization_config", None) is not None
    with init_empty_weights(include_buffers=False):  # buffers are not in the files: let the constructor compute them
        model: Any = AutoModelForCausalLM.from_config(config, **options)
    model.tie_weights()
    shared, files = shards.shared_names(model), shards.CheckpointFiles(Path(spec.path))
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    if files.fit(shapes, shared) and not quantised:
        return model, files.rows
    return model, shards.loaded_by_transformers(spec.path, shared, options)


def _shard(model: Any, spec: ModelSpec, mesh: DeviceMesh, device: torch.device, offloaded: bool) -> None:
    compute = getattr(torch, spec.dtype)
    mixed = spec.dtype != "float32"
    inner = MixedPrecisionPolicy(param_dtype=compute, reduce_dtype=torch.float32) if mixed else MixedPrecisionPolicy()
    outer = (
        MixedPrecisionPolicy(param_dtype=compute, reduce_dtype=torch.float32, output_dtype=torch.float32)
        if mixed
        else inner
    )
    offload = CPUOffloadPolicy(pin_memory=device.type == "cuda") if offloaded else OffloadPolicy()
    for layer in model.model.layers:
        fully_shard(layer, mesh=mesh, mp_policy=inner, offload_policy=offload)
    fully_shard(model, mesh=mesh, mp_policy=outer, offload_policy=offload)
    forward.attach(model)


def _checkpoint_layers(model: Any) -> None:
    """Each decoder layer keeps its input only. transformers does so in training mode alone: the layers are put
    into it, but not what they hold, so that no dropout comes to life."""
    if not model.supports_gradient_checkpointing:
        raise LearnerError(
            f"{type(model).__name__} cannot recompute its layers: write cluster.gradient_checkpointing=false"
        )
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    for layer in model.model.layers:
        layer.training = True


def has_tied_head(model: Any) -> bool:
    return bool(model.config.tie_word_embeddings)
