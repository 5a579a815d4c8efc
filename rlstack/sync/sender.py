"""The learner's end of weight sync: materialises sharded weights and drives the engines' update.

Called on every learner rank, because gathering a shard is a collective; only rank 0 talks to the engines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import torch

from rlstack.errors import MismatchError
from rlstack.sync.fingerprint import fingerprint
from rlstack.sync.shared_memory import Bucket, Writer, aligned

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

BUCKET_BYTES = 64 * 2**20  # enough buckets that writing and loading overlap


class EngineClient(Protocol):
    """All engines of the run as one; the four calls of vLLM's protocol, one of them in two parts, and a checksum."""

    def init_weight_transfer_engine(self, init_info: dict[str, Any]) -> None: ...
    def start_weight_update(self) -> None: ...
    def update_weights(self, update_info: dict[str, Any]) -> None: ...
    def begin_update(self, update_info: dict[str, Any]) -> Callable[[], object]:
        """Starts `update_weights`; the function returned waits for its end, and raises what it raised."""
        ...

    def finish_weight_update(self, version: int) -> None: ...
    def fingerprints(self) -> list[int]: ...


class Sender(Protocol):
    def send(self, version: int, *, verify: bool = True) -> None:
        """Brings every engine to the learner's weights and to `version`; compares fingerprints, or raises."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Part:
    """One weight under its checkpoint name; `gather` makes the full tensor, a collective over all learner ranks."""

    name: str
    shape: tuple[int, ...]
    gather: Callable[[], Tensor]


def plain_parts(module: Module) -> Iterator[Part]:
    """The parameters as they are, a shared one once."""
    for name, parameter in module.named_parameters():
        yield Part(name, tuple(parameter.shape), partial(whole, parameter))  # of a DTensor: the global shape


def whole(parameter: Tensor) -> Tensor:
    """The full tensor of a sharded or plain one, without gradient."""
    full = parameter.detach()
    return full.full_tensor() if hasattr(full, "full_tensor") else full  # pyright: ignore[reportAttributeAccessIssue]


class Weights:
    """Named full tensors of a sharded module in the engine's dtype, a tied LM head under both its names.

    An engine that gave the tied head its own copy would otherwise keep it stale, silently. `parts` says what
    the engines are to know: of adapters, for example, only the merged weights. `device`: where the tensors go
    when the shards lie elsewhere.
    """

    def __init__(
        self,
        module: Module,
        dtype: torch.dtype,
        *,
        tied_head: bool,
        parts: Callable[[Module], Iterable[Part]] = plain_parts,
        device: torch.device | None = None,
    ) -> None:
        self._module, self._parts, self._device = module, parts, device
        self.dtype, self.tied_head = dtype, tied_head

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        for part in self._parts(self._module):
            full = part.gather().to(device=self._device, dtype=self.dtype)
            yield part.name, full
            if self.tied_head and part.name.endswith("embed_tokens.weight"):
                yield "lm_head.weight", full

    def is_copy(self, name: str) -> bool:
        """Whether a tensor repeats another one: counted once in fingerprints."""
        return self.tied_head and name == "lm_head.weight"

    def shapes(self) -> list[tuple[str, tuple[int, ...]]]:
        """Names and full shapes in the order of iteration, without gathering anything."""
        found = []
        for part in self._parts(self._module):
            found.append((part.name, part.shape))
            if self.tied_head and part.name.endswith("embed_tokens.weight"):
                found.append(("lm_head.weight", part.shape))
        return found


class SharedMemorySender:
    """One machine, no GPU: bounded buckets through shared memory, one written while the one before is loaded."""

    def __init__(self, weights: Weights, client: EngineClient | None) -> None:
        """`client` is None on all ranks but 0."""
        self._weights, self._client = weights, client
        self._writer: Writer | None = None
        if client is not None:
            sizes = [
                aligned(math.prod(shape) * weights.dtype.itemsize)
                for name, shape in weights.shapes()
                if not weights.is_copy(name)
            ]
            self._writer = Writer(max(min(sum(sizes), BUCKET_BYTES), max(sizes)))
            client.init_weight_transfer_engine({"segment": self._writer.name, "size": self._writer.size})

    def send(self, version: int, *, verify: bool = True) -> None:
        own = 0
        loaded: Callable[[], object] | None = None
        if self._client is not None:
            self._client.start_weight_update()
        for number, tensors in enumerate(self._buckets()):
            if self._client is not None and self._writer is not None:
                bucket = self._writer.write(tensors, second=number % 2 == 1)
                if loaded is not None:
                    loaded()  # so the half that is written next is free
                loaded = self._client.begin_update(_update_info(bucket))
            if verify:
                own += fingerprint(tensor for name, tensor in tensors if not self._weights.is_copy(name))
        if loaded is not None:
            loaded()
        if self._client is None:
            return
        self._client.finish_weight_update(version)
        if verify:
            check(own, self._client.fingerprints(), version)

    def _buckets(self) -> Iterator[list[tuple[str, Tensor]]]:
        bucket: list[tuple[str, Tensor]] = []
        used, capacity = 0, self._writer.half if self._writer else BUCKET_BYTES
        for name, tensor in self._weights:
            size = 0 if self._weights.is_copy(name) else aligned(tensor.numel() * tensor.element_size())
            if bucket and used + size > capacity:
                yield bucket
                bucket, used = [], 0
            bucket.append((name, tensor))
            used += size
        if bucket:
            yield bucket

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def check(own: int, engines: list[int], version: int) -> None:
    """Compares the learner's fingerprint with every engine's; MismatchError names the first that differs."""
    for number, found in enumerate(engines):
        if found != own % 2**64:
            raise MismatchError(
                f"after the sync of version {version} engine {number} computes with other weights than the learner "
                f"holds (checksum {found:016x}, the learner's {own % 2**64:016x}). Some weight was not sent, or was "
                "altered on loading."
            )


def _update_info(bucket: Bucket) -> dict[str, Any]:
    return {
        "names": list(bucket.names),
        "dtypes": list(bucket.dtypes),
        "shapes": [list(shape) for shape in bucket.shapes],
        "offsets": list(bucket.offsets),
    }


def make_sender(weights: Weights, client: EngineClient | None, *, rank: int, backend: str, world: int) -> Sender:
    """The sender for a transfer backend ("shared_memory", "nccl", "ipc"); `world` counts sender and engine ranks."""
    if backend == "shared_memory":
        return SharedMemorySender(weights, client)
    from rlstack.sync.gpu_sender import GpuSender  # imports vLLM

    return GpuSender(weights, client, rank=rank, backend=backend, world=world)
