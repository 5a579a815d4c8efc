"""The engine's end of weight sync, registered with vLLM's weight-transfer interface.

On GPU vLLM's own NCCL engine does the work. On CPU this file adds the one that vLLM lacks: weights arrive
in a shared-memory segment, and only names and offsets travel in the call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from vllm.distributed.weight_transfer.base import (
    WeightTransferEngine,
    WeightTransferInitInfo,
    WeightTransferUpdateInfo,
)
from vllm.distributed.weight_transfer.factory import WeightTransferEngineFactory
from vllm.model_executor.layers.linear import LinearBase
from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead, VocabParallelEmbedding

from rlstack.sync.fingerprint import Fingerprint, Sums, probe_vector
from rlstack.sync.shared_memory import Bucket, Reader

SHARED_MEMORY = "rlstack_shared_memory"


@dataclass
class SharedMemoryInit(WeightTransferInitInfo):
    segment: str = ""
    size: int = 0


@dataclass
class SharedMemoryUpdate(WeightTransferUpdateInfo):
    names: list[str] = field(default_factory=list)
    dtypes: list[str] = field(default_factory=list)
    shapes: list[list[int]] = field(default_factory=list)
    checksum: int = 0


class SharedMemoryEngine(WeightTransferEngine[SharedMemoryInit, SharedMemoryUpdate]):
    """Reads buckets of checkpoint-format weights from shared memory and loads them layer by layer."""

    init_info_cls = SharedMemoryInit
    update_info_cls = SharedMemoryUpdate

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reader: Reader | None = None

    def init_transfer_engine(self, init_info: SharedMemoryInit) -> None:
        self.shutdown()
        self._reader = Reader(init_info.segment, init_info.size)

    def start_weight_update(self) -> None:
        from vllm.model_executor.model_loader.reload import initialize_layerwise_reload

        initialize_layerwise_reload(self.model)

    def receive_weights(self, update_info: SharedMemoryUpdate) -> None:
        if self._reader is None:
            raise RuntimeError("weights arrived before init_weight_transfer_engine named the shared memory")
        bucket = Bucket(
            tuple(update_info.names),
            tuple(update_info.dtypes),
            tuple(tuple(shape) for shape in update_info.shapes),
            update_info.checksum,
        )
        self.model.load_weights(self._reader.read(bucket))

    def finish_weight_update(self) -> None:
        from vllm.model_executor.model_loader.reload import finalize_layerwise_reload

        finalize_layerwise_reload(self.model, self.model_config)

    def shutdown(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def backend_name(transfer: str) -> str:
    """vLLM's name of a transfer backend; registers ours on first use."""
    if transfer != "shared_memory":
        return transfer
    if SHARED_MEMORY not in WeightTransferEngineFactory._registry:
        WeightTransferEngineFactory.register_engine(SHARED_MEMORY, SharedMemoryEngine)
    return SHARED_MEMORY


def fingerprint(model: Module) -> Fingerprint:
    """Of a loaded vLLM model, from what it computes with."""
    sums, embeddings, packed = Sums(), list[Tensor](), False
    # Heads last: the bits of a tied one have been counted as the embedding's.
    for module in sorted(model.modules(), key=lambda m: isinstance(m, ParallelLMHead)):
        linear = isinstance(module, LinearBase | ParallelLMHead)
        packs = linear and hasattr(module, "cpu_linear")
        for parameter in module.parameters(recurse=False):
            if packs and parameter is module.weight:
                packed = True
            elif linear and parameter.ndim == 2:
                tied = any(_equal(parameter, embedding) for embedding in embeddings)
                sums.add_matrix(parameter.detach(), count_bits=not tied)
            else:
                sums.add_other(parameter)
        if packs:
            sums.add_outputs(_packed_outputs(module))
        elif isinstance(module, VocabParallelEmbedding):
            embeddings.append(module.weight)
    return sums.result(packed=packed)


def _packed_outputs(layer: Module) -> Tensor:
    """W x from the packed copy, which vLLM hangs on the layer as `cpu_linear(x, weight, bias)`."""
    weight: Any = layer.weight
    width = layer.embedding_dim if isinstance(layer, ParallelLMHead) else layer.input_size
    x = probe_vector(int(width), weight)  # pyright: ignore[reportArgumentType]
    linear: Any = layer.cpu_linear
    return linear(x[None], weight, None)


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)
