"""Sequences of one optimizer step, stored ragged and flat, and their cut into packed micro-batches.

Axes: `_B` sequences, `_N` tokens of all sequences laid end to end, `_M` *trained* tokens only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Item = tuple[int, ...]
"""Sequences that travel together because they share a prompt, which is then computed once."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What the learner needs of a step: no lists of floats, no padding.

    `trained_N` marks tokens whose log-probability enters the loss: the policy's own tokens in RL, the
    assistant's in SFT. The first token of a sequence has nothing before it and is never trained.
    """

    tokens_N: NDArray[np.int32]
    lengths_B: NDArray[np.int64]
    prompt_lengths_B: NDArray[np.int64]  # leading tokens shared by all sequences of an item
    trained_N: NDArray[np.bool_]
    engine_logprobs_N: NDArray[np.float32]  # 0 where not trained
    advantages_N: NDArray[np.float32]
    weights_N: NDArray[np.float32]  # of the reduction; 1 for a token-level mean
    normaliser: float  # what the sum of weighted token terms is divided by, once for the whole step

    def __post_init__(self) -> None:
        total = int(self.lengths_B.sum())
        for name in ("tokens_N", "trained_N", "engine_logprobs_N", "advantages_N", "weights_N"):
            if len(getattr(self, name)) != total:
                raise ValueError(f"{name} has {len(getattr(self, name))} entries, the lengths add up to {total}")
        if self.trained_N[self.offsets_B].any():
            raise ValueError("the first token of a sequence cannot be trained: nothing comes before it")

    @property
    def offsets_B(self) -> NDArray[np.int64]:
        """Start of each sequence in the flat arrays."""
        return np.concatenate(([0], np.cumsum(self.lengths_B)[:-1])).astype(np.int64)

    @property
    def n_trained(self) -> int:
        return int(self.trained_N.sum())

    @classmethod
    def supervised(cls, rows: Sequence[tuple[NDArray[np.int32], NDArray[np.bool_]]]) -> Batch:
        """From (token ids, trained mask) per document; the mask of first tokens is dropped."""
        lengths = np.array([len(ids) for ids, _ in rows], np.int64)
        trained = np.concatenate([mask for _, mask in rows])
        trained[np.concatenate(([0], np.cumsum(lengths)[:-1]))] = False
        total = int(lengths.sum())
        return cls(
            tokens_N=np.concatenate([ids for ids, _ in rows]).astype(np.int32),
            lengths_B=lengths,
            prompt_lengths_B=np.zeros(len(rows), np.int64),
            trained_N=trained,
            engine_logprobs_N=np.zeros(total, np.float32),
            advantages_N=np.zeros(total, np.float32),
            weights_N=np.ones(total, np.float32),
            normaliser=float(max(1, trained.sum())),
        )

    def item_tokens(self, item: Item) -> int:
        """Tokens to compute for an item: its prompt once, and each sequence's own part."""
        own = sum(int(self.lengths_B[i] - self.prompt_lengths_B[i]) for i in item)
        return own + int(self.prompt_lengths_B[item[0]])

    def item_pairs(self, item: Item) -> int:
        """Pairs of tokens that attention computes for an item, the diagonal half counted twice: every sequence's own
        square, its prompt's counted once."""
        prompt = int(self.prompt_lengths_B[item[0]]) ** 2
        return sum(int(self.lengths_B[i]) ** 2 - prompt for i in item) + prompt


def shared_items(prompt_of_B: Sequence[str], batch: Batch, capacity: int) -> list[Item]:
    """Cuts consecutive sequences of the same prompt into items of at most `capacity` tokens.

    A single sequence longer than `capacity` is an item of its own.
    """
    own_B = (batch.lengths_B - batch.prompt_lengths_B).tolist()
    whole_B = batch.lengths_B.tolist()
    items: list[list[int]] = []
    last, used = None, 0
    for i, prompt in enumerate(prompt_of_B):
        if prompt == last and used + own_B[i] <= capacity:
            items[-1].append(i)
            used += own_B[i]
        else:
            items.append([i])
            used = whole_B[i]
        last = prompt
    return [tuple(item) for item in items]


def behind_prompts(parts_B: Sequence[NDArray], prompt_lengths_B: NDArray[np.int64], dtype: type) -> NDArray:
    """Per-token values of completions laid flat, with zeros for the prompt before each."""
    lengths = np.stack((prompt_lengths_B, [len(part) for part in parts_B]), axis=1)
    of_completion_N = np.repeat(np.tile([False, True], len(parts_B)), lengths.reshape(-1))
    values_N = np.zeros(len(of_completion_N), dtype)
    values_N[of_completion_N] = np.concatenate(parts_B)
    return values_N
