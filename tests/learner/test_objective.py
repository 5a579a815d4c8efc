"""The whole objective on a five-token softmax policy, all five answers enumerated: which pull each option adds."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from rlstack.config.rl import KLConfig, LossConfig
from rlstack.learner.head import TokenScores
from rlstack.learner.layout import Segment, layout
from rlstack.learner.microbatch import MicroBatch
from rlstack.learner.objective import PolicyObjective

LOGITS = torch.tensor([0.4, -1.1, 1.3, 0.1, -0.2], dtype=torch.float64)
REFERENCE = torch.tensor([-0.5, 0.8, 0.2, 1.0, 0.0], dtype=torch.float64).log_softmax(0)
REWARD = torch.tensor([1.0, 0.0, 0.3, -0.5, 0.2], dtype=torch.float64)
TEMPERATURE, BETA = 0.7, 0.3


def policy(logits: Tensor) -> Tensor:
    return (logits / TEMPERATURE).log_softmax(0)


def enumerated(objective: PolicyObjective, advantages: Tensor) -> Tensor:
    """Expected gradient of the objective: each token once, weighted by its probability."""
    logits = LOGITS.clone().requires_grad_()
    logp = policy(logits)
    ids = torch.arange(5)
    micro = MicroBatch(
        ids[None], ids[None] * 0, layout([Segment(i, 1) for i in range(5)]), ids, ids, ids,
        logp.detach(), advantages, logp.detach().exp(), np.arange(5),
    )  # fmt: skip
    entropy = -(logp.exp() * logp).sum().expand(5) if objective.needs_entropy else None
    reference = REFERENCE if objective.needs_reference else None
    terms = objective(micro, TokenScores(logp, entropy), logp.detach(), reference)
    return torch.autograd.grad(terms.loss, logits)[0]


def slope(of) -> Tensor:
    logits = LOGITS.clone().requires_grad_()
    return torch.autograd.grad(of(policy(logits)), logits)[0]


REVERSE = slope(lambda p: (p.exp() * (p - REFERENCE)).sum())
FORWARD = slope(lambda p: -(REFERENCE.exp() * p).sum())
REINFORCE = slope(lambda p: -(p.exp() * REWARD).sum())


@pytest.mark.parametrize(
    ("estimator", "pull"), [("k1", 0 * REVERSE), ("k2", REVERSE), ("k3", FORWARD), ("k3_weighted", REVERSE)]
)
@pytest.mark.parametrize("kind", ["dapo", "ppo", "cispo", "reinforce"])
def test_a_kl_loss_adds_the_pull_of_its_estimator(kind, estimator, pull):
    objective = PolicyObjective(LossConfig(kind=kind), KLConfig(beta=BETA, estimator=estimator), TEMPERATURE)
    torch.testing.assert_close(enumerated(objective, REWARD), REINFORCE + BETA * pull, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("estimator", ["k1", "k2", "k3", "k3_weighted"])
def test_a_kl_in_the_reward_is_the_reverse_kl_whatever_the_estimator(estimator):
    kl = KLConfig(beta=BETA, place="reward", estimator=estimator)
    objective = PolicyObjective(LossConfig(), kl, TEMPERATURE)
    assert not objective.needs_reference  # it has done its work before the update
    found = enumerated(objective, REWARD - BETA * (policy(LOGITS) - REFERENCE))
    torch.testing.assert_close(found, REINFORCE + BETA * REVERSE, rtol=1e-9, atol=1e-12)


def test_the_entropy_bonus_pulls_towards_more_entropy():
    objective = PolicyObjective(LossConfig(entropy_bonus=0.05), KLConfig(beta=0.0), TEMPERATURE)
    wanted = REINFORCE - 0.05 * slope(lambda p: -(p.exp() * p).sum())
    torch.testing.assert_close(enumerated(objective, REWARD), wanted, rtol=1e-9, atol=1e-12)


def test_an_entropy_that_is_watched_pulls_nowhere():
    objective = PolicyObjective(LossConfig(watch_entropy=True), KLConfig(beta=0.0), TEMPERATURE)
    torch.testing.assert_close(enumerated(objective, REWARD), REINFORCE, rtol=1e-9, atol=1e-12)
