"""A packed micro-batch: what one forward and backward pass of one rank computes.

Axes: `_N` tokens of the packed row, `_M` trained tokens, in the order of the batch's sequences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rlstack.data.batch import Batch, Item
from rlstack.learner.layout import Layout, Segment, layout


@dataclass(frozen=True, slots=True, eq=False)
class MicroBatch:
    tokens_1N: Tensor  # int64
    positions_1N: Tensor  # int64, restarting at 0 in each document
    packing: Layout
    logits_at_M: Tensor  # int64: row position whose logits predict the trained token
    targets_M: Tensor  # int64
    local_sequence_M: Tensor  # int64: number, within this row, of the sequence of each trained token
    engine_logprobs_M: Tensor
    advantages_M: Tensor
    weights_M: Tensor
    source_M: NDArray[np.int64]  # position in the batch's flat arrays; empty for a filler

    @property
    def is_filler(self) -> bool:
        return len(self.source_M) == 0


def micro_batch(batch: Batch, items: Sequence[Item], device: torch.device) -> MicroBatch:
    """Packs items into one row; the sequences of an item share the computation of their prompt.

    No items: a filler of one short sequence with zero weights, so that a rank without work still joins
    the collectives of the others.
    """
    if not items:
        shortest = int(np.argmin(batch.lengths_B))
        filler = micro_batch(batch, [(shortest,)], device)
        zero = torch.zeros_like(filler.weights_M)
        return MicroBatch(
            filler.tokens_1N, filler.positions_1N, filler.packing, filler.logits_at_M, filler.targets_M,
            filler.local_sequence_M, filler.engine_logprobs_M, zero, zero, np.empty(0, np.int64),
        )  # fmt: skip
    row = _Row(batch)
    for item in items:
        row.add(item)
    source_M = np.concatenate(row.sources)
    sequence_M = np.repeat(np.arange(len(row.sources)), [len(s) for s in row.sources])

    def tensor(values: NDArray, dtype: torch.dtype) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device, dtype)

    return MicroBatch(
        tokens_1N=tensor(batch.tokens_N[np.concatenate(row.token_at)], torch.long)[None],
        positions_1N=tensor(np.concatenate(row.positions), torch.long)[None],
        packing=layout(row.segments).to(device),
        logits_at_M=tensor(np.concatenate(row.logits_at), torch.long),
        targets_M=tensor(batch.tokens_N[source_M], torch.long),
        local_sequence_M=tensor(sequence_M, torch.long),
        engine_logprobs_M=tensor(batch.engine_logprobs_N[source_M], torch.float32),
        advantages_M=tensor(batch.advantages_N[source_M], torch.float32),
        weights_M=tensor(batch.weights_N[source_M], torch.float32),
        source_M=source_M,
    )


class _Row:
    """Grows a packed row item by item."""

    def __init__(self, batch: Batch) -> None:
        self._batch, self._offsets_B, self._length = batch, batch.offsets_B, 0
        self.token_at: list[NDArray[np.int64]] = []  # flat positions of the row's tokens
        self.positions: list[NDArray[np.int64]] = []
        self.segments: list[Segment] = []
        self.logits_at: list[NDArray[np.int64]] = []
        self.sources: list[NDArray[np.int64]] = []  # flat positions of trained tokens, per sequence

    def add(self, item: Item) -> None:
        if len(item) == 1:  # nothing to share: one segment, plain causal
            self._add_sequence(item[0], 0, 0)
            return
        prompt_length = int(self._batch.prompt_lengths_B[item[0]])
        prompt_start = self._length
        self._lay(int(self._offsets_B[item[0]]), prompt_length, 0, Segment(prompt_start, prompt_length))
        for i in item:
            self._add_sequence(i, prompt_start, prompt_length)

    def _add_sequence(self, i: int, prefix_start: int, prefix_length: int) -> None:
        begin, end = int(self._offsets_B[i]), int(self._offsets_B[i] + self._batch.lengths_B[i])
        own, start = begin + prefix_length, self._length
        self._lay(own, end - own, prefix_length, Segment(start, end - own, prefix_start, prefix_length))
        trained = begin + np.flatnonzero(self._batch.trained_N[begin:end])
        before = trained - own - 1  # -1: predicted by the last token of the shared prompt
        self.logits_at.append(np.where(before >= 0, start + before, prefix_start + prefix_length - 1))
        self.sources.append(trained)

    def _lay(self, first: int, length: int, position: int, segment: Segment) -> None:
        self.token_at.append(np.arange(first, first + length))
        self.positions.append(np.arange(position, position + length))
        self.segments.append(segment)
        self._length += length
