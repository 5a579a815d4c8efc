"""What a learner minimises: pure functions of token log-probs that return *sums over tokens*.

The learner divides the sum once, by a normaliser of the whole optimizer step over all ranks. So neither the
split into micro-batches, nor the packing, nor the number of ranks changes a gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from rlstack.config.rl import KLConfig, LossConfig
from rlstack.grpo import kl as kl_terms
from rlstack.grpo import loss as policy_loss
from rlstack.grpo.entropy import bonus
from rlstack.learner.head import TokenScores
from rlstack.learner.microbatch import MicroBatch


@dataclass(frozen=True, slots=True)
class Terms:
    """`loss` carries the gradient; `sums` are detached sums over tokens, for the metrics."""

    loss: Tensor
    sums: Mapping[str, Tensor]


class Objective(Protocol):
    @property
    def temperature(self) -> float: ...
    @property
    def needs_reference(self) -> bool: ...
    @property
    def needs_entropy(self) -> bool: ...
    def __call__(
        self, micro: MicroBatch, scores: TokenScores, old_logprobs_M: Tensor, reference_M: Tensor | None
    ) -> Terms: ...


@dataclass(frozen=True)
class PolicyObjective:
    """The policy loss, plus beta times the KL against the reference, less the entropy bonus."""

    loss: LossConfig
    kl: KLConfig
    temperature: float

    @property
    def needs_reference(self) -> bool:
        return self.kl.beta > 0 and self.kl.place == "loss"

    @property
    def needs_entropy(self) -> bool:
        return self.loss.watch_entropy or self.loss.entropy_bonus > 0

    def __call__(
        self, micro: MicroBatch, scores: TokenScores, old_logprobs_M: Tensor, reference_M: Tensor | None
    ) -> Terms:
        every_M = torch.ones_like(micro.targets_M, dtype=torch.bool)  # untrained tokens were never packed as targets
        policy = policy_loss.compute(
            self.loss,
            scores.logprobs_M,
            old_logprobs_M,
            micro.advantages_M,
            every_M,
            micro.local_sequence_M,
            micro.weights_M,
            micro.engine_logprobs_M,
        )
        total, sums = policy.sum, {"policy_loss": policy.sum.detach(), **policy.stats}
        if reference_M is not None:
            kl = kl_terms.compute(self.kl, scores.logprobs_M, reference_M, old_logprobs_M, every_M, micro.weights_M)
            total = total + self.kl.beta * kl.sum
            sums |= {"kl_loss": self.kl.beta * kl.sum.detach(), **kl.stats}
        if scores.entropy_M is not None:
            kept_open = bonus(scores.entropy_M, every_M, weight_T=micro.weights_M)
            sums |= kept_open.stats
            if self.loss.entropy_bonus > 0:  # else no gradient may reach the entropy: it would cost a pass
                total = total + self.loss.entropy_bonus * kept_open.sum
                sums["entropy_loss"] = self.loss.entropy_bonus * kept_open.sum.detach()
        return Terms(total, sums)


@dataclass(frozen=True)
class SupervisedObjective:
    """Negative log-likelihood of the trained tokens."""

    temperature: float = 1.0
    needs_reference: bool = False
    needs_entropy: bool = False

    def __call__(
        self, micro: MicroBatch, scores: TokenScores, old_logprobs_M: Tensor, reference_M: Tensor | None
    ) -> Terms:
        loss = -(scores.logprobs_M * micro.weights_M).sum()
        return Terms(loss, {"nll": loss.detach()})
