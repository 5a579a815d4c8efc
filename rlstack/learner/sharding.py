"""When FSDP2 gathers parameters and reduces gradients.

Sharded to the full, every forward and backward pass of every micro-batch gathers the layers it runs through and
reduces their gradients: the least memory, the most traffic. *Held* parameters are gathered once per update, and
gradients add up on each rank and are reduced once, at the last micro-batch. That takes room for one whole copy of the
parameters and one of the gradients on every rank.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal, cast

import torch
from torch.distributed.fsdp import FSDPModule
from torch.nn import Module

Reshard = bool | Literal["auto"]
_SHARE = 1 / 8  # of a device's memory, all ranks on it together


def holds(held: int, reshard: Reshard, device: torch.device) -> bool:
    """Whether parameters stay gathered over an update: the choice, or for "auto" whether the `held` bytes of all ranks
    on a device fit an eighth of its memory.

    It goes by the size of the memory, not by what is free at the moment: the order of a sum depends on the answer,
    and so the last bits of the weights.
    """
    return held <= _SHARE * _memory(device) if reshard == "auto" else not reshard


def held_bytes(models: Iterable[Module], compute: torch.dtype) -> int:
    """What one rank holds beside its shards: parameters in the compute dtype, and gradients of those that train."""
    return sum(
        p.numel() * (compute.itemsize + p.requires_grad * torch.float32.itemsize)  # numel of a DTensor: of all shards
        for model in models
        for p in model.parameters()
    )


def hold(model: Module) -> None:
    """Keeps parameters gathered after forward passes, until `last` or `release`."""
    _root(model).set_reshard_after_forward(False)


def last(model: Module, is_last: bool) -> None:
    """Call before the backward pass of each micro-batch: gradients are reduced, and held parameters let go, after
    the last one."""
    root = _root(model)
    root.set_requires_gradient_sync(is_last)
    root.set_reshard_after_backward(is_last)
    root.set_is_last_backward(is_last)


def release(model: Module) -> None:
    """Lets go of whatever is gathered, so that reading and writing parameters means the sharded ones."""
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


@contextmanager
def gathered(model: Module) -> Iterator[None]:
    """All parameters whole and in the compute dtype, by one collective a layer instead of one a parameter.

    For reading only. Takes the room of a whole copy on every rank, which held parameters take anyway.
    """
    release(model)
    try:
        for module in model.modules():
            if isinstance(module, FSDPModule):
                module.unshard()
        yield
    finally:
        release(model)


def _root(model: Module) -> FSDPModule:
    return cast(FSDPModule, model)


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
