"""Real samples of the user's model as one batch, and the ways to cut it that must not matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlstack.config.rl import RLStage
from rlstack.data.batch import Batch, Item
from rlstack.data.packing import balance
from rlstack.errors import EngineError
from rlstack.grpo import reduction
from rlstack.stages.rl_batch import plan_of
from rlstack.types import Sample

Plan = list[list[list[Item]]]
"""Per rank, per micro-batch: the items."""


@dataclass(frozen=True)
class Material:
    """A step's batch. Advantages are drawn: the invariances hold for any."""

    batch: Batch
    samples_B: Sequence[Sample]
    old_logprobs_N: NDArray[np.float32]  # of a policy somewhat away, so that ratios are not 1 and some are clipped
    micro_tokens: int

    @property
    def longest(self) -> int:
        return int(self.batch.lengths_B.max())

    def shared(self, ranks: int) -> Plan:
        """As a run packs it: samples of a prompt share it."""
        return plan_of(self.batch, self.samples_B, ranks, self.micro_tokens)

    def split(self, ranks: int) -> Plan:
        """The smallest micro-batches that hold the longest sequence."""
        return plan_of(self.batch, self.samples_B, ranks, self.longest)

    def packed(self, ranks: int) -> Plan:
        """Every sequence with a prompt of its own, many in a row."""
        return self._unshared(ranks, max(self.longest, self.micro_tokens))

    def alone(self, ranks: int) -> Plan:
        """One sequence a micro-batch, nothing beside it."""
        n = len(self.samples_B)
        rounds = -(-n // ranks)
        return [[[(i,)] if (i := k * ranks + rank) < n else [] for k in range(rounds)] for rank in range(ranks)]

    def on_one(self, ranks: int) -> Plan:
        """All work on the first rank; the others run empty micro-batches beside it."""
        (own,) = plan_of(self.batch, self.samples_B, 1, self.micro_tokens)
        return [own, *([[[] for _ in own]] * (ranks - 1))]

    def _unshared(self, ranks: int, capacity: int) -> Plan:
        shares = balance(self.batch.lengths_B, ranks, capacity)
        return [[[(i,) for i in micro] for micro in share] for share in shares]


def material(samples: Sequence[Sample], stage: RLStage, micro_tokens: int) -> Material:
    """A batch with the stage's reduction; samples in any order.

    Raises EngineError when the model answers with fewer than two tokens in all.
    """
    samples_B = sorted(samples, key=lambda s: (s.prompt_id, s.index))
    lengths_B = np.array([len(s.prompt_ids) + s.n_tokens for s in samples_B], np.int64)
    trained_B = np.array([int(s.loss_mask.sum()) for s in samples_B])
    if trained_B.sum() < 2:
        raise EngineError("the model's answers hold fewer than two tokens: nothing can be compared")
    prompts = sorted({s.prompt_id for s in samples_B})
    groups = [prompts.index(s.prompt_id) for s in samples_B]
    weights = reduction.compute(stage.loss, trained_B, groups, stage.sampling.max_tokens)
    draw = np.random.default_rng(0)
    total = int(lengths_B.sum())
    engine_N = _flat([s.logprobs for s in samples_B], samples_B, np.float32)
    batch = Batch(
        tokens_N=np.concatenate([part for s in samples_B for part in (s.prompt_ids, s.completion_ids)]),
        lengths_B=lengths_B,
        prompt_lengths_B=np.array([len(s.prompt_ids) for s in samples_B], np.int64),
        trained_N=_flat([s.loss_mask for s in samples_B], samples_B, np.bool_),
        engine_logprobs_N=engine_N,
        advantages_N=np.repeat(draw.normal(size=len(samples_B)), lengths_B).astype(np.float32),
        weights_N=np.repeat(weights.weight_B, lengths_B).astype(np.float32),
        normaliser=weights.normaliser,
    )
    old_N = (engine_N + draw.normal(0.0, 0.2, total)).astype(np.float32)
    return Material(batch, samples_B, old_N, max(micro_tokens, int(lengths_B.max())))


def _flat(completions: Sequence[NDArray], samples_B: Sequence[Sample], dtype: type) -> NDArray:
    """Per-token values of completions, with zeros for the prompts before them."""
    pairs = zip(completions, samples_B, strict=True)
    return np.concatenate([p for c, s in pairs for p in (np.zeros(len(s.prompt_ids), dtype), c.astype(dtype))])
