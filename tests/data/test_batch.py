"""What an item costs: counted by hand over a mask."""

from __future__ import annotations

import numpy as np

from rlstack.data.batch import Batch


def _batch(prompt: int, answers: list[int]) -> Batch:
    lengths = np.array([prompt + n for n in answers], np.int64)
    zeros = np.zeros(int(lengths.sum()), np.float32)
    return Batch(
        tokens_N=zeros.astype(np.int32),
        lengths_B=lengths,
        prompt_lengths_B=np.full(len(answers), prompt, np.int64),
        trained_N=zeros.astype(np.bool_),
        engine_logprobs_N=zeros,
        advantages_N=zeros,
        weights_N=zeros,
        normaliser=1.0,
    )


def test_tokens_and_pairs_of_an_item_that_shares_its_prompt():
    prompt, answers = 5, [3, 1, 4]
    owner = np.repeat(range(-1, len(answers)), [prompt, *answers])  # -1: the prompt
    sees = [(a == b or b == -1) and j <= i for i, a in enumerate(owner) for j, b in enumerate(owner)]
    batch, item = _batch(prompt, answers), (0, 1, 2)
    assert batch.item_tokens(item) == len(owner)
    assert batch.item_pairs(item) == 2 * sum(sees) - len(owner)  # the causal half, twice, the diagonal once
    assert batch.item_pairs((1,)) == 6**2
