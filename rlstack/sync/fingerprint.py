"""Do the engines compute with the weights that the learner holds?

vLLM fuses and reorders parameters (q, k and v become one), so hashes of tensors cannot be compared. Two
order-free sums can:

*bits*: the weights' bit patterns, eight bytes at a time, added modulo 2^64. Exact: one changed bit shows.
*probe*: on CPU vLLM packs matrices into oneDNN's own layout and drops the originals, so bits cannot be
read back. There each matrix answers a fixed input vector x, and the outputs W x are added. The packed copy
of a tied LM head, which a sync by parameter names leaves stale, is caught this way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

_PROBE_SEED = 20_240_901
_TOLERANCE = 16.0  # in units of the dtype's epsilon times the norm of all outputs


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Of one side. `matrix_bits` is None where matrices are packed; tied weights count once in bits."""

    other_bits: int  # embeddings, norms, biases
    matrix_bits: int | None  # weights of linear layers
    probe_sum: float
    probe_norm: float  # square root of the summed squares: the scale of rounding errors

    def differs(self, other: Fingerprint, dtype: torch.dtype) -> str | None:
        """What is unequal, or None."""
        if self.other_bits != other.other_bits:
            return "embeddings or norms"
        if self.matrix_bits is not None and other.matrix_bits is not None:
            return None if self.matrix_bits == other.matrix_bits else "matrices"
        allowed = _TOLERANCE * torch.finfo(dtype).eps * max(self.probe_norm, other.probe_norm)
        # `not <=` rather than `>`: NaN differs
        return None if abs(self.probe_sum - other.probe_sum) <= allowed else "packed matrices or the LM head"


class Sums:
    """Adds up a fingerprint tensor by tensor."""

    def __init__(self) -> None:
        self._other = self._matrices = 0
        self._probe = self._squares = 0.0

    def add_other(self, tensor: Tensor) -> None:
        self._other += bits(tensor)

    def add_matrix(self, weight: Tensor, *, count_bits: bool = True) -> None:
        """`weight` is [out, in]; a tied head is probed, but its bits are the embedding's already."""
        if count_bits:
            self._matrices += bits(weight)
        self.add_outputs(torch.mv(weight, probe_vector(weight.shape[1], weight)))

    def add_outputs(self, outputs: Tensor) -> None:
        outputs = outputs.double()
        self._probe += float(outputs.sum())
        self._squares += float(outputs.square().sum())

    def result(self, *, packed: bool = False) -> Fingerprint:
        wrap = 2**64
        return Fingerprint(
            self._other % wrap, None if packed else self._matrices % wrap, self._probe, self._squares**0.5
        )


def bits(tensor: Tensor) -> int:
    """Sum of the 8-byte words of a tensor modulo 2^64; a rest is padded with zeros."""
    flat = tensor.detach().contiguous().view(-1).view(torch.uint8)
    if rest := flat.numel() % 8:
        flat = torch.nn.functional.pad(flat, (0, 8 - rest))
    return int(flat.view(torch.int64).sum())


def probe_vector(size: int, like: Tensor) -> Tensor:
    """The fixed input of a given width."""
    generator = torch.Generator().manual_seed(_PROBE_SEED + size)
    return torch.randn(size, generator=generator).to(like.device, like.dtype)


def add(sums: Sums, named: Iterable[tuple[str, Tensor]], *, tied_head: bool) -> None:
    """Adds the learner's full tensors in checkpoint format, a tied `lm_head.weight` among them."""
    for name, tensor in named:
        if tensor.ndim == 2 and "embed_tokens" not in name:
            sums.add_matrix(tensor, count_bits=not (tied_head and name == "lm_head.weight"))
        else:
            sums.add_other(tensor)
