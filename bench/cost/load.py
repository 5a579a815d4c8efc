"""Made-up steps of equal lengths: as a batch for a learner, as requests for an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

VOCABULARY = 1024  # tokens are drawn below it: every shape has as many


@dataclass(frozen=True, slots=True)
class Load:
    prompts: int
    samples: int  # of each prompt
    prompt_tokens: int
    completion_tokens: int

    @property
    def rows(self) -> int:
        return self.prompts * self.samples

    @property
    def trained(self) -> int:
        return self.rows * self.completion_tokens


def batch_of(load: Load, ranks: int, micro_tokens: int) -> tuple[Any, list[Any]]:
    """The packed batch and each rank's micro-batches, prompts shared, as a run makes them."""
    from rlstack.data.batch import Batch, shared_items
    from rlstack.data.packing import balance

    rng = np.random.default_rng(0)
    length = load.prompt_tokens + load.completion_tokens
    prompts = rng.integers(2, VOCABULARY, (load.prompts, load.prompt_tokens))
    answers = rng.integers(2, VOCABULARY, (load.rows, load.completion_tokens))
    tokens = np.concatenate([np.repeat(prompts, load.samples, axis=0), answers], axis=1)
    trained = np.zeros((load.rows, length), bool)
    trained[:, load.prompt_tokens :] = True
    total = tokens.size
    batch = Batch(
        tokens_N=tokens.reshape(-1).astype(np.int32),
        lengths_B=np.full(load.rows, length, np.int64),
        prompt_lengths_B=np.full(load.rows, load.prompt_tokens, np.int64),
        trained_N=trained.reshape(-1),
        engine_logprobs_N=np.full(total, -6.0, np.float32) * trained.reshape(-1),
        advantages_N=np.repeat(rng.normal(size=load.rows), length).astype(np.float32),
        weights_N=np.ones(total, np.float32),
        normaliser=float(load.trained),
    )
    names = [str(i // load.samples) for i in range(load.rows)]
    items = shared_items(names, batch, micro_tokens)
    shares = balance([batch.item_tokens(item) for item in items], ranks, micro_tokens)
    return batch, [[[items[i] for i in micro] for micro in share] for share in shares]


def asks_of(load: Load, seed: int) -> list[Any]:
    from rlstack.rollout.engine import Ask

    rng = np.random.default_rng(seed)
    return [
        Ask(f"p{i}", "bench", tuple(int(t) for t in rng.integers(2, VOCABULARY, load.prompt_tokens)), load.samples,
            1000 * seed + i, load.completion_tokens, 1.0)
        for i in range(load.prompts)
    ]  # fmt: skip
