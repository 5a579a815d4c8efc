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
    offsets: list[int] = field(default_factory=list)


class SharedMemoryEngine(WeightTransferEngine[SharedMemoryInit, SharedMemoryUpdate]):
    """Copies buckets of checkpoint-format weights from shared memory into the parameters, in place."""

    init_info_cls = SharedMemoryInit
    update_info_cls = SharedMemoryUpdate

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reader: Reader | None = None

    def init_transfer_engine(self, init_info: SharedMemoryInit) -> None:
        self.shutdown()
        self._reader = Reader(init_info.segment, init_info.size)

    def start_weight_update(self) -> None:
        """Nothing to prepare: weights are applied in place."""

    def receive_weights(self, update_info: SharedMemoryUpdate) -> None:
        if self._reader is None:
            raise RuntimeError("weights arrived before init_weight_transfer_engine named the shared memory")
        bucket = Bucket(
            tuple(update_info.names),
            tuple(update_info.dtypes),
            tuple(tuple(shape) for shape in update_info.shapes),
            tuple(update_info.offsets),
        )
        load_weights: Any = self.model.load_weights
        load_weights(self._reader.read(bucket))

    def finish_weight_update(self) -> None:
        """Nothing to finish: no packed copies exist (`keep_plain_weights`)."""

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


def keep_plain_weights() -> None:
    """Makes vLLM on CPU compute with the parameters themselves; call before the model is loaded.

    By default it packs each matrix into oneDNN's layout and drops the original, so that every sync would
    pack anew (most of its time) and a tied LM head would keep a stale packed copy. vLLM's own fallback is
    torch's linear on the plain weight, within 10 % of the packed one at the sizes that train on CPU
    (docs/decisions/004-plain-weights-on-cpu.md).
    """
    import vllm._custom_ops as ops

    ops._supports_onednn = False


def weights_of(model: Module) -> list[Tensor]:
    """Every weight that a vLLM model computes with, a tied LM head once."""
    named = dict(model.named_parameters())  # shared tensors appear once
    head, embedding = named.get("lm_head.weight"), named.get("model.embed_tokens.weight")
    tied = getattr(getattr(model, "config", None), "tie_word_embeddings", False)
    if tied and head is not None and embedding is not None and torch.equal(head, embedding):
        del named["lm_head.weight"]  # a copy of its own; one that went stale stays in, and shows
    return list(named.values())
