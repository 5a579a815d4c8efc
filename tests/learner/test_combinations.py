"""Every loss with every correction, KL estimator and reduction, in pairs: an update against a float64 reference."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))
from test_learner import IN_PIECES, TEMPERATURE, _batch, _gradients, _perturb, _plan, _spec, _weights, distance, total

from rlstack.config.rl import KLConfig, LossConfig
from rlstack.data.batch import Batch
from rlstack.grpo.reduction import token_weights
from rlstack.learner.learner import Learner, Rank
from rlstack.learner.objective import PolicyObjective

# Bounds that a quarter of the tokens or sequences of the batch below pass, so that every branch is taken.
LOSSES: tuple[dict[str, Any], ...] = (
    {"kind": "dapo"},
    {"kind": "ppo"},
    {"kind": "ppo", "dual_clip": 1.15},
    {"kind": "gspo", "gspo_clip_low": 0.05, "gspo_clip_high": 0.07},
    {"kind": "cispo", "cispo_cap": 1.2},
    {"kind": "reinforce"},
)
CORRECTIONS = ("none", "token", "sequence", "mask_token", "mask_sequence")
ESTIMATORS = ("k1", "k2", "k3", "k3_weighted")
REDUCTIONS = ("token", "sequence", "prompt", "constant")
BONUSES = (0.0, 0.03)
LOW, HIGH, BETA, CONSTANT, SAMPLES = 0.85, 1.2, 0.1, 24, 5
SPLITS = ((40, False, 1 << 20), (40, True, IN_PIECES), (100, True, 1), (4096, False, IN_PIECES))
"""Capacity of a micro-batch in tokens, shared prompts or not, bytes of logits at a time."""


def covering(*factors: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Choices in which any two values of two factors meet at least once; greedy, so few."""
    numbers = list(itertools.product(*(range(len(f)) for f in factors)))
    pairs_of = {row: set(itertools.combinations(enumerate(row), 2)) for row in numbers}
    missing, rows = set().union(*pairs_of.values()), []
    while missing:
        rows.append(max(numbers, key=lambda row: len(pairs_of[row] & missing)))
        missing -= pairs_of[rows[-1]]
    return [tuple(f[i] for f, i in zip(factors, row, strict=True)) for row in rows]


@dataclass(frozen=True)
class Reference:
    """Log-probs of the trained tokens `_T` in float64; nothing here is the library's."""

    batch: Batch
    parameters: Mapping[str, Tensor]
    logp_T: Tensor
    ref_T: Tensor
    entropy_T: Tensor
    at_T: NDArray[np.int64]  # in the batch's flat arrays
    sequence_T: Tensor

    @classmethod
    def of(cls, model: Path, batch: Batch, weights: Mapping[str, Tensor]) -> Reference:
        from transformers import AutoModelForCausalLM

        policy, frozen = (AutoModelForCausalLM.from_pretrained(model, dtype=torch.float64).eval() for _ in range(2))
        policy.load_state_dict({n: w.double() for n, w in weights.items()}, strict=False)
        ids_BL = torch.zeros(len(batch.lengths_B), int(batch.lengths_B.max()), dtype=torch.long)
        for row, start, length in zip(ids_BL, batch.offsets_B, batch.lengths_B, strict=True):
            row[:length] = torch.from_numpy(
                batch.tokens_N[start : start + length]
            )  # a causal model sees no padding behind
        at_T = np.flatnonzero(batch.trained_N)
        sequence_T = np.repeat(np.arange(len(ids_BL)), batch.lengths_B)[at_T]
        t = at_T - batch.offsets_B[sequence_T]
        logp_TV = (policy(input_ids=ids_BL).logits / TEMPERATURE).log_softmax(-1)[sequence_T, t - 1]
        with torch.no_grad():
            ref_TV = (frozen(input_ids=ids_BL).logits / TEMPERATURE).log_softmax(-1)[sequence_T, t - 1]
        picked = (torch.arange(len(at_T)), ids_BL[sequence_T, t])
        entropy_T = -(logp_TV.exp() * logp_TV).sum(-1)
        parameters = dict(policy.named_parameters())
        return cls(batch, parameters, logp_TV[picked], ref_TV[picked], entropy_T, at_T, torch.from_numpy(sequence_T))

    def with_drift(self) -> tuple[Reference, NDArray[np.float32]]:
        """The same with log-probs of an engine that is off, and those of an older policy [N]."""
        rng, total = np.random.default_rng(1), len(self.batch.tokens_N)
        old_N, engine_N = np.zeros(total, np.float32), np.zeros(total, np.float32)
        old_N[self.at_T] = self.logp_T.detach().numpy() + rng.normal(0, 0.25, len(self.at_T))
        engine_N[self.at_T] = old_N[self.at_T] + rng.normal(0, 0.25, len(self.at_T))
        return replace(self, batch=replace(self.batch, engine_logprobs_N=engine_N)), old_N

    def mean(self, values_T: Tensor) -> Tensor:
        """At each token the mean of its sequence."""
        counts = torch.bincount(self.sequence_T).double()
        return (torch.zeros_like(counts).index_add(0, self.sequence_T, values_T) / counts)[self.sequence_T]

    def read(self, values_N: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(values_N[self.at_T]).double()

    def update(self, loss: LossConfig, kl: KLConfig, old_N: NDArray[np.float32]) -> tuple[float, dict[str, Tensor]]:
        """Loss of the step and its gradient."""
        logp, old, w = self.logp_T, self.read(old_N), self._weights(loss.reduction)
        gap = old - self.read(self.batch.engine_logprobs_N)
        policy = self._factor(loss.correction, gap) * self._policy(loss, self.read(self.batch.advantages_N), old)
        d = logp - self.ref_T
        k3 = torch.exp(-d) - 1 + d
        pull = {"k1": d, "k2": d**2 / 2, "k3": k3, "k3_weighted": torch.exp(logp - old) * k3}[kl.estimator]
        total = (w * (policy + BETA * pull - loss.entropy_bonus * self.entropy_T)).sum()
        gradients = torch.autograd.grad(total, list(self.parameters.values()), retain_graph=True)
        return total.item(), dict(zip(self.parameters, gradients, strict=True))

    def _weights(self, reduction: str) -> Tensor:
        """Share of each token in the loss of the whole step, as the name of the reduction says."""
        tokens, used = len(self.at_T), len(self.sequence_T.unique())
        own = torch.bincount(self.sequence_T)[self.sequence_T].double()
        if reduction == "token":
            return torch.full((tokens,), 1 / tokens, dtype=torch.float64)
        if reduction == "sequence":
            return 1 / own / used
        if reduction == "constant":
            return torch.full((tokens,), 1 / CONSTANT / used, dtype=torch.float64)
        prompt_T = self.sequence_T // SAMPLES
        counts = torch.bincount(prompt_T)
        return 1 / counts[prompt_T].double() / len(counts)

    def _policy(self, loss: LossConfig, a: Tensor, old: Tensor) -> Tensor:
        logp = self.logp_T
        if loss.kind == "reinforce":
            return -a * logp
        ratio = torch.exp(logp - old)
        if loss.kind == "cispo":
            return -ratio.detach().clamp(max=loss.cispo_cap) * a * logp
        low, high = loss.clip_low, loss.clip_high if loss.kind == "dapo" else loss.clip_low
        if loss.kind == "gspo":
            ratio = torch.exp(self.mean(logp - old).detach() + logp - logp.detach())
            low, high = loss.gspo_clip_low, loss.gspo_clip_high
        gain = torch.minimum(ratio * a, ratio.clamp(1 - low, 1 + high) * a)
        if loss.dual_clip:
            gain = torch.where(a < 0, torch.maximum(gain, loss.dual_clip * a), gain)
        return -gain

    def _factor(self, correction: str, gap: Tensor) -> Tensor:
        ratio, mean = gap.exp(), self.mean(gap)
        return {
            "none": torch.ones_like(gap),
            "token": ratio.clamp(max=HIGH),
            "sequence": (mean * torch.bincount(self.sequence_T)[self.sequence_T]).exp().clamp(max=HIGH),
            "mask_token": ratio * ((ratio >= LOW) & (ratio <= HIGH)),
            "mask_sequence": ((mean.exp() >= LOW) & (mean.exp() <= HIGH)).double(),
        }[correction]


@pytest.fixture
def learner(small_model, tmp_path):
    made = Learner(_spec(small_model), Rank(0, 1, str(tmp_path / "store")))
    yield made
    made.close()


def test_losses_corrections_estimators_and_reductions_equal_a_float64_reference(small_model, learner):
    """Of all 480 combinations the worst is 1.4e-6 from float64 in the norm of the gradient, 1.5e-6 in the loss, whose
    signed terms cancel; two splits of the batch are 1.0e-6 apart."""
    batch, names = _batch(samples=SAMPLES)
    _perturb(learner)
    reference, old_N = Reference.of(small_model, batch, _weights(learner)).with_drift()
    trained_B = np.bincount(reference.sequence_T.numpy(), minlength=len(names))
    rows = covering(LOSSES, CORRECTIONS, ESTIMATORS, REDUCTIONS, BONUSES)
    for number, (policy, correction, estimator, reduction, bonus) in enumerate(rows):
        loss = LossConfig(
            **policy, correction=correction, correction_low=LOW, correction_high=HIGH, reduction=reduction,
            entropy_bonus=bonus, watch_entropy=False,
        )  # fmt: skip
        kl = KLConfig(beta=BETA, estimator=estimator)
        weights = token_weights(trained_B, [int(n) for n in names], reduction=reduction, constant=CONSTANT)
        weights_N = np.repeat(weights.weight_B, batch.lengths_B)
        step = replace(reference.batch, weights_N=weights_N, normaliser=weights.normaliser)
        wanted, gradient = reference.update(loss, kl, old_N)
        capacity, share, logits_bytes = SPLITS[number % len(SPLITS)]
        label, found, gradients = (policy, correction, estimator, reduction, bonus, SPLITS[number % 4]), [], []
        for plan, held in ((_plan(step, names), 1 << 20), (_plan(step, names, 1, capacity, share), logits_bytes)):
            learner.spec = replace(learner.spec, logits_bytes=held)
            result = learner.accumulate(step, plan[0], PolicyObjective(loss, kl, TEMPERATURE), old_logprobs_N=old_N)
            found.append(total(result, step))
            gradients.append(_gradients(learner))
        assert found == pytest.approx([wanted] * 2, rel=2e-6), label
        assert found[1] == pytest.approx(found[0], rel=1e-6), label
        assert max(distance(g, gradient) for g in gradients) <= 2e-6, label
        assert distance(gradients[1], gradients[0]) <= 1.5e-6, label
