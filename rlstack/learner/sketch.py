"""A gradient in a few kilobytes: enough to say how far two of them are apart, on any number of ranks.

Tug-of-war sketch (Alon, Matias, Szegedy 1999; count sketch, Charikar et al. 2002): every element gets a random sign
and falls into one of `width` sums. It is linear, so sketches can be subtracted, and the squared norm of a sketch
is that of the tensor in expectation, with a relative error of about sqrt(2 / width). Equal tensors have equal
sketches. So two runs with different numbers of ranks can be compared without moving a single gradient.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

WIDTH = 256

Sketch = Mapping[str, NDArray[np.float64]]
"""Name of a tensor → its sketch [WIDTH]."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two sets of tensors are apart."""

    relative: float  # norm of the difference over the norm of the first
    worst: str  # name of the tensor that differs most in norm


def sketch(named: Iterable[tuple[str, Tensor]], width: int = WIDTH) -> Sketch:
    """Of full tensors. The signs depend on a tensor's name, its size and the kind of its device."""
    return {name: _one(name, tensor.detach(), width) for name, tensor in named}


def difference(first: Sketch, second: Sketch) -> Difference:
    """Raises ValueError when they do not hold the same tensors. Two zeros do not differ."""
    if first.keys() != second.keys():
        raise ValueError(f"other tensors: {sorted(first.keys() ^ second.keys())[:3]}")
    apart = {name: float(((first[name] - second[name]) ** 2).sum()) for name in first}
    norm = sum(float((values**2).sum()) for values in first.values())
    far = sum(apart.values())
    relative = (far / norm) ** 0.5 if norm else float("inf") if far else 0.0
    return Difference(relative, max(apart, key=lambda name: apart[name]) if far else "")


def _one(name: str, tensor: Tensor, width: int) -> NDArray[np.float64]:
    flat = tensor.reshape(-1).double()
    generator = torch.Generator(flat.device).manual_seed(zlib.crc32(name.encode()))
    signs = torch.randint(0, 2, flat.shape, generator=generator, device=flat.device, dtype=torch.int8)
    signed = torch.where(signs.bool(), flat, -flat)
    padded = torch.nn.functional.pad(signed, (0, -len(flat) % width))
    return padded.view(-1, width).sum(0).cpu().numpy()
