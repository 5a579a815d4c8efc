"""Real samples of the user's model as one batch, and the ways to cut it that must not matter."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlstack.config.rl import RLStage
from rlstack.data.batch import Batch, Item
from rlstack.data.packing import balance
from rlstack.errors import EngineError
from rlstack.stages.rl_batch import batch_of, plan_of
from rlstack.types import Group, Prompt, Sample, Score

Plan = list[list[list[Item]]]
"""Per rank, per micro-batch: the items."""


@dataclass(frozen=True)
class Material:
    """A step's batch. Advantages come from made-up scores: the invariances hold for any."""

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


def material(prompts: Sequence[Prompt], samples: Sequence[Sample], stage: RLStage, micro_tokens: int) -> Material:
    """Groups with drawn scores → the batch that the stage's own code makes of them.

    Raises EngineError when the model answers with fewer than two tokens in all.
    """
    draw = random.Random("rlstack verify")
    by_prompt: dict[str, list[Sample]] = {p.id: [] for p in prompts}
    for sample in sorted(samples, key=lambda s: s.index):
        by_prompt[sample.prompt_id].append(sample)
    groups = []
    for prompt in prompts:
        own = by_prompt[prompt.id]
        values = [i % 2 + draw.random() for i in range(len(own))]
        groups.append(Group(prompt, tuple(own), tuple(Score(value=v, components={"drawn": v}) for v in values)))
    rewards = {prompt.env: {"drawn": 1.0} for prompt in prompts}
    batch, samples_B = batch_of(groups, stage, rewards)
    if batch.n_trained < 2:
        raise EngineError("the model's answers hold fewer than two tokens: nothing can be compared")
    noise = np.random.default_rng(0).normal(0.0, 0.2, len(batch.tokens_N))
    old = (batch.engine_logprobs_N + noise).astype(np.float32)
    return Material(batch, samples_B, old, max(micro_tokens, int(batch.lengths_B.max())))
