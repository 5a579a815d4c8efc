"""Weights through POSIX shared memory: one segment, filled bucket by bucket, copied twice in all.

The learner writes a bucket, the engines load straight out of the segment, the next bucket overwrites it.
Memory is bounded by the bucket; nothing touches a disk.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

import torch
from torch import Tensor

_ALIGN = 64  # bytes; keeps every tensor's start fit for vector loads


@dataclass(frozen=True, slots=True)
class Bucket:
    """What lies in the segment: tensors end to end, each aligned to 64 bytes."""

    names: tuple[str, ...]
    dtypes: tuple[str, ...]  # torch names, e.g. "float32"
    shapes: tuple[tuple[int, ...], ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Bytes of each tensor."""
        return tuple(
            getattr(torch, d).itemsize * int(torch.Size(s).numel())
            for d, s in zip(self.dtypes, self.shapes, strict=True)
        )


def aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN


class Writer:
    """The learner's end. Owns the segment and removes it on `close`."""

    def __init__(self, size: int) -> None:
        self._memory = SharedMemory(name=f"rlstack-{secrets.token_hex(6)}", create=True, size=aligned(size))
        self._bytes = torch.frombuffer(self._memory.buf, dtype=torch.uint8)
        self._bytes.zero_()  # touches every page now rather than in the first sync

    @property
    def name(self) -> str:
        return self._memory.name

    @property
    def size(self) -> int:
        return self._memory.size

    def write(self, tensors: list[tuple[str, Tensor]]) -> Bucket:
        """Copies named tensors into the segment; they must fit together."""
        offset = 0
        for _, tensor in tensors:
            size = tensor.numel() * tensor.element_size()
            self._bytes[offset : offset + size].view(tensor.dtype).view(tensor.shape).copy_(tensor)
            offset += aligned(size)
        return Bucket(
            tuple(name for name, _ in tensors),
            tuple(str(t.dtype).removeprefix("torch.") for _, t in tensors),
            tuple(tuple(t.shape) for _, t in tensors),
        )

    def close(self) -> None:
        del self._bytes
        self._memory.close()
        self._memory.unlink()


class Reader:
    """An engine's end. Never owns the segment."""

    def __init__(self, name: str, size: int) -> None:
        self._memory = SharedMemory(name=name)
        # Python 3.11 registers attached segments as if owned and would unlink the learner's at exit.
        resource_tracker.unregister(self._memory._name, "shared_memory")  # pyright: ignore[reportAttributeAccessIssue]
        self._bytes = torch.frombuffer(self._memory.buf, dtype=torch.uint8)[:size]

    def read(self, bucket: Bucket) -> Iterator[tuple[str, Tensor]]:
        """Named tensors that alias the segment: valid until the next bucket is written."""
        offset = 0
        for name, dtype, shape, size in zip(bucket.names, bucket.dtypes, bucket.shapes, bucket.sizes, strict=True):
            yield name, self._bytes[offset : offset + size].view(getattr(torch, dtype)).view(shape)
            offset += aligned(size)

    def close(self) -> None:
        del self._bytes
        self._memory.close()
