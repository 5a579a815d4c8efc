"""What `rlstack verify` asks of a learner rank: gradients without a step, leaks, small moves of the weights.

Works on a live `Learner` with its own forward and backward pass. Every verb is called on all ranks at once.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor

from rlstack.data.batch import Batch, Item
from rlstack.learner import sharding
from rlstack.learner.learner import Learner, UpdateResult
from rlstack.learner.objective import Objective, SupervisedObjective
from rlstack.learner.sketch import Sketch, sketch


@dataclass(frozen=True, slots=True, eq=False)
class Gradient:
    """Of one optimizer step, before clipping."""

    result: UpdateResult  # this rank's sums and log-probs
    sketch: Sketch  # of the whole gradient, on rank 0; empty on the others


@dataclass(frozen=True, slots=True)
class Movement:
    """What one optimizer step did to this rank's weights, against AdamW's first step in float64."""

    felt: int  # weights with a gradient that is not negligible beside AdamW's epsilon
    moved: int  # of those, weights that changed
    error: float  # sum of squares: (moved - computed in float64)
    expected: float  # sum of squares of what was computed


class Probe:
    def __init__(self, learner: Learner) -> None:
        self._learner = learner
        self._kept: list[Tensor] = []

    def gradient(
        self, batch: Batch, plan: Sequence[Sequence[Item]], objective: Objective, *,
        old_logprobs_N: NDArray[np.float32] | None = None,
    ) -> Gradient:  # fmt: skip
        """The gradient of an update. The optimizer does not move."""
        learner = self._learner
        result = learner.accumulate(batch, plan, objective, old_logprobs_N=old_logprobs_N)
        first = learner.rank.rank == 0
        found = {}
        for name, parameter in self._trained():
            gradient = parameter.grad if parameter.grad is not None else torch.zeros_like(parameter)
            whole = _full(gradient)  # a collective: on every rank
            if first:
                found |= sketch([(name, whole)])
        learner.optimizer.zero_grad()
        return Gradient(result, found)

    def sensitivity(self, batch: Batch, items: Sequence[Item], trained: int, temperature: float) -> NDArray[np.float32]:
        """How much the log-probs of sequence `trained` depend on each token of the row that `items` make.

        Largest |gradient| over an embedding's elements, per token of the packed row [N]. All items share one row.
        """
        learner = self._learner
        of_sequence = np.repeat(np.arange(len(batch.lengths_B)), batch.lengths_B)
        alone = replace(batch, weights_N=(of_sequence == trained).astype(np.float32), normaliser=1.0)
        seen: list[Tensor] = []

        def watch(_module: Any, _inputs: Any, output: Tensor) -> None:
            if not output.requires_grad:  # a frozen embedding under an adapter
                output.requires_grad_(True)
            output.retain_grad()
            seen.append(output)

        policy: Any = learner.policy
        hook = policy.get_input_embeddings().register_forward_hook(watch)
        try:
            learner.accumulate(alone, [list(items)], SupervisedObjective(temperature))
        finally:
            hook.remove()
        learner.optimizer.zero_grad()
        gradient = seen[0].grad
        assert gradient is not None
        return gradient[0].abs().amax(dim=-1).float().cpu().numpy()

    def movement(self, batch: Batch, plan: Sequence[Sequence[Item]], objective: Objective) -> Movement:
        """One real update, the first of this optimizer; its learning rate is that of the learner's spec."""
        learner = self._learner
        sharding.release(learner.policy)
        before = [_local(p).detach().clone() for _, p in self._trained()]
        result = learner.update(batch, plan, objective, step=0)
        eps, felt, moved, error, expected = learner.spec.optim.eps, 0, 0, 0.0, 0.0
        for (_, parameter), old in zip(self._trained(), before, strict=True):
            if parameter.grad is None:
                continue
            gradient = _local(parameter.grad).to(old.device).double()
            step = -result.lr * gradient / (gradient.abs() + eps)
            new = _local(parameter).detach()
            counts = gradient.abs() > eps
            felt += int(counts.sum())
            moved += int((counts & (new != old)).sum())
            error += float(((new.double() - old.double()) - step).square().sum())
            expected += float(step.square().sum())
        return Movement(felt, moved, error, expected)

    def keep(self) -> None:
        """Remembers the weights, outside the accelerator, for `restore`."""
        sharding.release(self._learner.policy)
        self._kept = [_local(p).detach().cpu().clone() for p in self._learner.policy.parameters()]

    @torch.no_grad()
    def restore(self) -> None:
        sharding.release(self._learner.policy)
        for parameter, kept in zip(self._learner.policy.parameters(), self._kept, strict=True):
            _local(parameter).copy_(kept)

    @torch.no_grad()
    def perturb(self, share: float, seed: int) -> None:
        """Multiplies every weight by 1 + share * N(0, 1), the same on any number of ranks."""
        sharding.release(self._learner.policy)
        for name, parameter in self._learner.policy.named_parameters():
            whole = _full(parameter.detach())
            generator = torch.Generator(whole.device).manual_seed(zlib.crc32(name.encode()) + seed)
            noise = torch.randn(whole.shape, generator=generator, device=whole.device, dtype=whole.dtype)
            whole = whole * (1 + share * noise)
            if isinstance(parameter, DTensor):
                whole = distribute_tensor(
                    whole, parameter.device_mesh, parameter.placements, src_data_rank=None
                ).to_local()
            _local(parameter).copy_(whole)

    def _trained(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        return ((n, p) for n, p in self._learner.policy.named_parameters() if p.requires_grad)


def _full(tensor: Tensor) -> Tensor:
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def _local(tensor: Tensor) -> Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
