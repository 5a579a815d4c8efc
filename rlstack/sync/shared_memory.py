"""Weights through POSIX shared memory: one segment of two halves, filled by turns, copied twice in all.

The learner writes a bucket into one half while the engines load the one before straight out of the other.
Memory is bounded by two buckets; nothing touches a disk.
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
    """What lies in the segment, each tensor aligned to 64 bytes. Two names of one tensor share its bytes."""

    names: tuple[str, ...]
    dtypes: tuple[str, ...]  # torch names, e.g. "float32"
    shapes: tuple[tuple[int, ...], ...]
    offsets: tuple[int, ...]  # bytes from the start of the segment

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

    def __init__(self, half: int) -> None:
        """`half`: bytes that the largest bucket takes."""
        self.half = aligned(half)
        name = f"rlstack-{secrets.token_hex(6)}"
        self._memory = SharedMemory(name=name, create=True, size=2 * self.half)
        self._bytes = torch.frombuffer(self._memory.buf, dtype=torch.uint8)
        self._bytes.zero_()  # touches every page now rather than in the first sync

    @property
    def name(self) -> str:
        return self._memory.name

    @property
    def size(self) -> int:
        return self._memory.size

    def write(self, tensors: list[tuple[str, Tensor]], *, second: bool) -> Bucket:
        """Copies named tensors into a half, where they must fit; one that repeats the last is not copied again."""
        offset = end = self.half if second else 0
        offsets: list[int] = []
        last: Tensor | None = None
        for _, tensor in tensors:
            if tensor is not last:
                offset = end
                size = tensor.numel() * tensor.element_size()
                self._bytes[offset : offset + size].view(tensor.dtype).view(tensor.shape).copy_(tensor)
                end += aligned(size)
            offsets.append(offset)
            last = tensor
        return Bucket(
            tuple(name for name, _ in tensors),
            tuple(str(t.dtype).removeprefix("torch.") for _, t in tensors),
            tuple(tuple(t.shape) for _, t in tensors),
            tuple(offsets),
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
        """Named tensors that alias the segment: valid until that half is written again."""
        described = zip(bucket.names, bucket.dtypes, bucket.shapes, bucket.sizes, bucket.offsets, strict=True)
        for name, dtype, shape, size, offset in described:
            yield name, self._bytes[offset : offset + size].view(getattr(torch, dtype)).view(shape)

    def close(self) -> None:
        del self._bytes
        self._memory.close()
