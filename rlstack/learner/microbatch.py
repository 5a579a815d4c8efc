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
    row = _row(batch, items)
    at_N = np.arange(row.length_S.sum())
    token_at_N = np.repeat(row.source_S - row.start_S, row.length_S) + at_N
    trained_N = batch.trained_N[token_at_N] & np.repeat(row.is_answer_S, row.length_S)
    trained_at_M = np.flatnonzero(trained_N)
    source_M, logits_at_M = token_at_N[trained_at_M], trained_at_M - 1
    # The first token of an answer is predicted by the last one of the shared prompt, wherever that lies.
    opens_S = row.is_answer_S & (row.length_S > 0)
    opens_S[opens_S] = trained_N[row.start_S[opens_S]]
    logits_at_M[np.searchsorted(trained_at_M, row.start_S[opens_S])] = row.prefix_end_S[opens_S] - 1
    sequence_M = np.repeat(np.cumsum(row.is_answer_S) - 1, row.length_S)[trained_at_M]

    def tensor(values: NDArray, dtype: torch.dtype) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device, dtype)

    return MicroBatch(
        tokens_1N=tensor(batch.tokens_N[token_at_N], torch.long)[None],
        positions_1N=tensor(np.repeat(row.position_S - row.start_S, row.length_S) + at_N, torch.long)[None],
        packing=layout(row.segments).to(device),
        logits_at_M=tensor(logits_at_M, torch.long),
        targets_M=tensor(batch.tokens_N[source_M], torch.long),
        local_sequence_M=tensor(sequence_M, torch.long),
        engine_logprobs_M=tensor(batch.engine_logprobs_N[source_M], torch.float32),
        advantages_M=tensor(batch.advantages_N[source_M], torch.float32),
        weights_M=tensor(batch.weights_N[source_M], torch.float32),
        source_M=source_M,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """What a packed row consists of. Axis `_S`: its segments, shared prompts among them."""

    segments: list[Segment]
    start_S: NDArray[np.int64]  # in the row
    length_S: NDArray[np.int64]
    source_S: NDArray[np.int64]  # where its tokens begin in the batch's flat arrays
    position_S: NDArray[np.int64]  # of its first token in its document
    prefix_end_S: NDArray[np.int64]  # in the row
    is_answer_S: NDArray[np.bool_]  # not a shared prompt, whose tokens nobody trains


def _row(batch: Batch, items: Sequence[Item]) -> _Row:
    begin_B, length_B, prompt_B = (x.tolist() for x in (batch.offsets_B, batch.lengths_B, batch.prompt_lengths_B))
    segments: list[Segment] = []
    sources: list[int] = []
    answers: list[bool] = []
    end = 0

    def lay(source: int, segment: Segment, answer: bool) -> None:
        nonlocal end
        segments.append(segment)
        sources.append(source)
        answers.append(answer)
        end += segment.length

    for item in items:
        prefix, shared = end, 0
        if len(item) > 1:  # else nothing to share: one segment, plain causal
            shared = prompt_B[item[0]]
            lay(begin_B[item[0]], Segment(end, shared), False)
        for i in item:
            lay(begin_B[i] + shared, Segment(end, length_B[i] - shared, prefix, shared), True)
    start_S, length_S, prefix_start_S, prefix_length_S = np.array(segments, np.int64).T
    return _Row(
        segments, start_S, length_S, np.array(sources), prefix_length_S, prefix_start_S + prefix_length_S,
        np.array(answers),
    )  # fmt: skip
