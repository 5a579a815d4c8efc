"""A packed row against one built token by token."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rlstack.data.batch import Batch, behind_prompts, shared_items
from rlstack.learner.microbatch import micro_batch

CPU = torch.device("cpu")


def _batch(seed: int) -> tuple[Batch, list[str]]:
    rng = np.random.default_rng(seed)
    prompts = [rng.integers(0, 900, int(rng.integers(1, 9))) for _ in range(4)]
    names = [str(i // 3) for i in range(12)]
    answers = [rng.integers(0, 900, int(rng.integers(1, 15))) for _ in names]
    whole = [np.concatenate((prompts[int(name)], answer)) for name, answer in zip(names, answers, strict=True)]
    lengths = np.array([len(w) for w in whole])
    prompt_lengths = np.array([len(prompts[int(name)]) for name in names])
    trained = behind_prompts([rng.random(len(a)) < 0.7 for a in answers], prompt_lengths, np.bool_)
    engine, advantages, weights = rng.normal(size=(3, len(trained))).astype(np.float32)
    tokens = np.concatenate(whole).astype(np.int32)
    return Batch(tokens, lengths, prompt_lengths, trained, engine, advantages, weights, 1.0), names


def _by_hand(batch: Batch, items):
    """Of each trained token, in order: what the row must say. And the row's tokens with their positions."""
    row, trained, number = [], [], 0
    for item in items:
        shared = int(batch.prompt_lengths_B[item[0]]) if len(item) > 1 else 0
        prompt_at = len(row)
        begin = int(batch.offsets_B[item[0]])
        row += [(int(batch.tokens_N[begin + t]), t) for t in range(shared)]
        for i in item:
            begin, before = int(batch.offsets_B[i]), prompt_at + shared - 1
            for t in range(shared, int(batch.lengths_B[i])):
                at = begin + t
                if batch.trained_N[at]:
                    trained.append((before, int(batch.tokens_N[at]), number, at))
                before = len(row)
                row.append((int(batch.tokens_N[at]), t))
            number += 1
    return row, trained


@pytest.mark.parametrize("capacity", [1, 25, 1000])
@pytest.mark.parametrize("seed", range(6))
def test_a_row_is_what_laying_token_by_token_gives(seed, capacity):
    batch, names = _batch(seed)
    items = shared_items(names, batch, capacity)
    np.random.default_rng(seed).shuffle(items)
    micro = micro_batch(batch, items, CPU)
    row, trained = _by_hand(batch, [tuple(map(int, item)) for item in items])
    assert list(zip(micro.tokens_1N[0].tolist(), micro.positions_1N[0].tolist(), strict=True)) == row
    columns = (micro.logits_at_M, micro.targets_M, micro.local_sequence_M, torch.from_numpy(micro.source_M))
    assert list(zip(*(c.tolist() for c in columns), strict=True)) == trained
    source = micro.source_M
    for found, flat in (
        (micro.engine_logprobs_M, batch.engine_logprobs_N),
        (micro.advantages_M, batch.advantages_N),
        (micro.weights_M, batch.weights_N),
    ):
        np.testing.assert_array_equal(found.numpy(), flat[source])


def test_items_are_as_long_as_fits():
    batch, names = _batch(0)
    for capacity in (1, 20, 25, 40, 1000):
        items = shared_items(names, batch, capacity)
        assert [i for item in items for i in item] == list(range(12))
        for item, following in zip(items, [*items[1:], None], strict=True):
            assert len({names[i] for i in item}) == 1
            assert len(item) == 1 or batch.item_tokens(item) <= capacity
            if following and names[following[0]] == names[item[0]]:
                assert batch.item_tokens((*item, following[0])) > capacity, "cut too early"


def test_an_answer_without_a_token_is_no_fault():
    tokens = np.array([5, 6, 7, 5, 6], np.int32)  # one prompt, answers of one token and of none
    trained, zeros = np.array([False, False, True, False, False]), np.zeros(5, np.float32)
    batch = Batch(tokens, np.array([3, 2]), np.array([2, 2]), trained, zeros, zeros, zeros, 1.0)
    micro = micro_batch(batch, [(0, 1)], CPU)
    assert micro.tokens_1N.tolist() == [[5, 6, 7]]
    assert (micro.logits_at_M.tolist(), micro.targets_M.tolist()) == ([1], [7])
    laid = torch.cat([r.query_DL.flatten() for r in micro.packing.rectangles])
    assert laid[micro.packing.restore_N].tolist() == [0, 1, 2]
