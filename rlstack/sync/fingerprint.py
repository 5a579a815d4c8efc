"""Do the engines compute with the weights that the learner holds? An order-free, exact checksum.

vLLM fuses and reorders parameters (q, k and v become one), so hashes of tensors cannot be compared. The sum
of all weights' bit patterns, read eight bytes at a time and added modulo 2^64, can: it does not depend on
the order of rows, takes one pass at memory speed, and one changed bit changes it. Padding rows are zero and
add nothing. Tied weights count once.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

_WORDS = 2**64


def bits(tensor: Tensor) -> int:
    """Sum of the 8-byte words of a tensor modulo 2^64; a rest is padded with zeros."""
    flat = tensor.detach().contiguous().view(-1).view(torch.uint8)
    if rest := flat.numel() % 8:
        flat = torch.nn.functional.pad(flat, (0, 8 - rest))
    return int(flat.view(torch.int64).sum()) % _WORDS


def fingerprint(tensors: Iterable[Tensor]) -> int:
    """Of a set of tensors in any order."""
    return sum(bits(tensor) for tensor in tensors) % _WORDS
