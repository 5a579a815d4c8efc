"""Low-rank adapters through peft, sharded like every other weight (Hu et al., arXiv 2106.09685).

The base stays as it was read; the adapters alone are trained, in float32. With the adapters switched off the
policy *is* its own reference, so no second model is kept. Engines and exports get the merged weights
W + alpha/rank * B A, gathered and added one matrix at a time.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Linear, Module

from rlstack.config.model import LoraConfig
from rlstack.errors import LearnerError, nearest
from rlstack.sync.sender import Part, plain_parts, whole

_ADAPTER = "default"  # peft's own name for the only adapter
_BASE = ".base_layer."


def add(model: Any, cfg: LoraConfig) -> None:
    """Puts adapters without storage into the decoder's linear layers and freezes everything else, in place.

    Raises LearnerError when a target names no linear layer of the decoder.
    """
    from peft import inject_adapter_in_model

    inject_adapter_in_model(_peft_config(cfg, _targets(model, cfg)), model, _ADAPTER, low_cpu_mem_usage=True)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(is_adapter(name))


def _targets(model: Any, cfg: LoraConfig) -> list[str]:
    """Last names of the layers to adapt; the embedding and the LM head are none of them."""
    known = {name.rpartition(".")[2] for name, m in model.model.layers.named_modules() if isinstance(m, Linear)}
    if unknown := [target for target in cfg.targets if target not in known]:
        raise LearnerError(
            f"model.lora.targets: the decoder has no linear layer '{unknown[0]}'; {nearest(unknown[0], known)}"
        )
    return sorted(cfg.targets or known)


def _peft_config(cfg: LoraConfig, targets: list[str], base: str | None = None) -> Any:
    from peft import LoraConfig as PeftConfig

    return PeftConfig(
        r=cfg.rank,
        lora_alpha=cfg.alpha,  # pyright: ignore[reportArgumentType] - peft writes int and takes any number
        lora_dropout=0.0,  # log-probs must not be random
        target_modules=targets,
        bias="none",
        task_type="CAUSAL_LM",
        base_model_name_or_path=base,
    )


def is_adapter(name: str) -> bool:
    """Whether a parameter's name is that of an adapter's A or B."""
    return ".lora_A." in name or ".lora_B." in name


def base_name(name: str) -> str:
    """A parameter's name in the checkpoint without adapters."""
    return name.replace(_BASE, ".")


def initial(name: str, shape: torch.Size, *, seed: int) -> Tensor:
    """B zero, A uniform within 1/sqrt(its columns), as peft starts them; a function of (seed, name) alone."""
    if ".lora_B." in name:
        return torch.zeros(shape)
    key = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(key[:7]))
    bound = 1.0 / math.sqrt(shape[1])
    return torch.empty(shape).uniform_(-bound, bound, generator=generator)


@contextmanager
def switched_off(model: Module) -> Iterator[None]:
    """The model without its adapters' share; a model without adapters is left alone."""
    layers = [module for module in model.modules() if hasattr(module, "lora_A")]
    try:
        for layer in layers:
            # Not peft's enable_adapters(): that also flips requires_grad, which FSDP2 reads once, at first use.
            layer._disable_adapters = True  # pyright: ignore[reportArgumentType]
        yield
    finally:
        for layer in layers:
            layer._disable_adapters = False  # pyright: ignore[reportArgumentType]


def merged_parts(model: Module) -> Iterator[Part]:
    """Every weight under the base model's name, adapters added in; of a model without adapters, its parameters."""
    for part in plain_parts(model):
        if is_adapter(part.name):
            continue
        if _BASE not in part.name:
            yield part
            continue
        path, _, leaf = part.name.rpartition(_BASE)
        gather = partial(_merge, model.get_submodule(path), part) if leaf == "weight" else part.gather
        yield replace(part, name=base_name(part.name), gather=gather)


def _merge(layer: Any, base: Part) -> Tensor:
    """float32 W + scaling * (B A), in the order in which peft merges, so that both give the same bits."""
    b, a = whole(layer.lora_B[_ADAPTER].weight), whole(layer.lora_A[_ADAPTER].weight)
    return base.gather().float() + (b @ a) * layer.scaling[_ADAPTER]


def export(model: Module, cfg: LoraConfig, base: str, folder: Path, *, write: bool) -> None:
    """The adapters alone, in peft's format, to be put on `base`. Called on every rank; rank 0 writes."""
    from safetensors.torch import save_file

    adapters = [part for part in plain_parts(model) if is_adapter(part.name)]
    tensors = {f"base_model.model.{p.name.replace(f'.{_ADAPTER}.', '.')}": p.gather().cpu() for p in adapters}
    if not write:
        return
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: t.contiguous() for name, t in tensors.items()}, folder / "adapter_model.safetensors")
    targets = sorted({name.split(".lora_")[0].rpartition(".")[2] for name in tensors})
    _peft_config(cfg, targets, base).save_pretrained(str(folder))
