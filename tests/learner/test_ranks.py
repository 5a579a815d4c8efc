"""Two real gloo ranks with uneven shares against one: losses, gradients, weights and checkpoints."""

from __future__ import annotations

import math
import multiprocessing
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist

sys.path.insert(0, str(Path(__file__).parent))
from test_learner import IN_PIECES, OBJECTIVE, TEMPERATURE, _batch, _gradients, _plan, _spec, _weights, distance, total

from rlstack.config.rl import KLConfig, LossConfig
from rlstack.grpo.reduction import token_weights
from rlstack.learner import sharding
from rlstack.learner.learner import Learner, Rank
from rlstack.learner.objective import PolicyObjective, SupervisedObjective

BOUNDS = {"correction_low": 0.85, "correction_high": 1.2}
CASES = (
    (LossConfig(kind="dapo", correction="token", entropy_bonus=0.03, **BOUNDS), "k3"),
    (LossConfig(kind="gspo", gspo_clip_low=0.05, gspo_clip_high=0.07, correction="sequence", reduction="sequence",
                entropy_bonus=0.03, **BOUNDS), "k3_weighted"),
    (LossConfig(kind="ppo", dual_clip=1.2, correction="mask_sequence", reduction="prompt", **BOUNDS), "k2"),
    (LossConfig(kind="cispo", cispo_cap=1.2, correction="mask_token", reduction="constant", **BOUNDS), "k1"),
)  # fmt: skip


@pytest.fixture
def learner(small_model, tmp_path):
    made = Learner(_spec(small_model), Rank(0, 1, str(tmp_path / "store")))
    yield made
    made.close()


def _train(learner: Learner, steps: range) -> list[float]:
    """Updates of both objectives over uneven shares; returns the gradient norms."""
    batch, names = _batch(prompts=5)
    plan = _plan(batch, names, ranks=learner.rank.world, capacity=90)[learner.rank.rank]
    objectives = (OBJECTIVE, SupervisedObjective())
    return [learner.update(batch, plan, objectives[step % 2], step=step).grad_norm for step in steps]


def _one_gradient(learner: Learner) -> dict[str, torch.Tensor]:
    """Off-policy, with KL and entropy."""
    batch, names = _batch(prompts=5)
    plan = _plan(batch, names, ranks=learner.rank.world, capacity=90)[learner.rank.rank]
    old = np.random.default_rng(1).normal(-4, 0.5, len(batch.tokens_N)).astype(np.float32)
    learner.accumulate(batch, plan, OBJECTIVE, old_logprobs_N=old)
    return _gradients(learner)


def _one_sided(learner: Learner) -> list[tuple[float, dict[str, torch.Tensor]]]:
    """Loss and gradient of each of `CASES`, where rank 1 has three of 25 answers, of prompts that rank 0 has too, and
    then fillers only."""
    batch, names = _batch(prompts=5)
    rng = np.random.default_rng(1)
    old = rng.normal(-4, 0.5, len(batch.tokens_N)).astype(np.float32)
    batch = replace(batch, engine_logprobs_N=old + rng.normal(0, 0.2, len(old)).astype(np.float32))
    items = [(i,) for i in range(len(names))]
    few, many = [items[i] for i in (0, 7, 13)], [item for item in items if item[0] not in (0, 7, 13)]
    micros = [many[k : k + 5] for k in range(0, len(many), 5)]
    plan = [micros, [few] + [[] for _ in micros[1:]]][learner.rank.rank] if learner.rank.world > 1 else [items]
    trained_B = np.add.reduceat(batch.trained_N.astype(int), batch.offsets_B)
    found = []
    for loss, estimator in CASES:
        weights = token_weights(trained_B, names, reduction=loss.reduction, constant=24)
        weights_N = np.repeat(weights.weight_B, batch.lengths_B)
        step = replace(batch, weights_N=weights_N, normaliser=weights.normaliser)
        objective = PolicyObjective(loss, KLConfig(beta=0.1, estimator=estimator), TEMPERATURE)
        parts: list[float] = [0.0] * learner.rank.world
        own = learner.accumulate(step, plan, objective, old_logprobs_N=old)
        dist.all_gather_object(parts, total(own, step))
        found.append((math.fsum(parts), _gradients(learner)))
    return found


def _still(learner: Learner) -> tuple[dict[str, torch.Tensor], list[tuple[float, dict[str, torch.Tensor]]]]:
    """Gradients of a policy away from its reference; the weights stay where they were."""
    before = {n: p.to_local().clone() for n, p in learner.policy.named_parameters()}
    with torch.no_grad():
        for p in learner.policy.parameters():
            p.to_local().mul_(1.02)
    found = _one_gradient(learner), _one_sided(learner)
    with torch.no_grad():
        for n, p in learner.policy.named_parameters():
            p.to_local().copy_(before[n])
    return found


def _moved(learner: Learner) -> list[float]:
    """Three updates, then the reference is renewed."""
    norms = _train(learner, range(3))
    learner.refresh_reference()
    return norms


def _rank(rank: int, model: Path, folder: Path, reshard: bool, results) -> None:
    spec = _spec(model, reshard=reshard, reference_moves=True, logits_bytes=IN_PIECES)
    learner = Learner(spec, Rank(rank, 2, str(folder / "ranks")))
    with sharding.gathered(learner.policy):  # before any forward pass: the engines' first weights
        assert not any(hasattr(p, "full_tensor") for p in learner.policy.parameters())
    gradients, cases = _still(learner)
    norms = _moved(learner)
    learner.save(folder / "saved")
    norms += _train(learner, range(3, 5))
    weights = {n: w.numpy() for n, w in _weights(learner).items()}
    with sharding.gathered(learner.policy):  # as engines get them
        sent = {n: p.detach().clone() for n, p in learner.policy.named_parameters()}
    assert sent.keys() == weights.keys()
    assert all(np.array_equal(sent[n].numpy(), w) for n, w in weights.items())
    assert all(hasattr(p, "full_tensor") for p in learner.policy.parameters()), "shards again"
    if rank == 0:
        arrays = [(loss, {n: g.numpy() for n, g in held.items()}) for loss, held in cases]
        results.put(({n: g.numpy() for n, g in gradients.items()}, arrays, weights, norms))
    learner.close()


@pytest.mark.slow
@pytest.mark.parametrize("reshard", [True, False])
def test_two_uneven_ranks_learn_as_one_and_one_goes_on_from_their_checkpoint(learner, small_model, tmp_path, reshard):
    learner.spec = _spec(small_model, reference_moves=True)
    (tmp_path / "saved").mkdir()
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    made = (small_model, tmp_path, reshard, results)
    ranks = [context.Process(target=_rank, args=(r, *made), daemon=True) for r in range(2)]  # ends when the test fails
    for process in ranks:
        process.start()
    two_gradients, two_cases, two_weights, two_norms = results.get(timeout=300)
    for process in ranks:
        process.join(60)
        assert process.exitcode == 0

    gradients, cases = _still(learner)
    for (loss, held), (two_loss, two_held), case in zip(cases, two_cases, CASES, strict=True):
        assert two_loss == pytest.approx(loss, rel=1e-6), case
        assert distance({n: torch.from_numpy(g) for n, g in two_held.items()}, held) <= 1e-6, case
    for name, gradient in gradients.items():
        wanted = torch.from_numpy(two_gradients[name])
        assert torch.linalg.norm(gradient - wanted) <= 1e-6 * torch.linalg.norm(wanted) + 1e-9, name
    one_norms = _moved(learner) + _train(learner, range(3, 5))  # AdamW blows up rounding where a gradient is nearly 0
    assert two_norms == pytest.approx(one_norms, rel=1e-4)
    for name, weight in _weights(learner).items():
        np.testing.assert_allclose(two_weights[name], weight, atol=1e-4, err_msg=name)

    learner.restore(tmp_path / "saved")
    assert _train(learner, range(3, 5)) == pytest.approx(two_norms[3:], rel=1e-4)
    for name, weight in _weights(learner).items():
        np.testing.assert_allclose(two_weights[name], weight, atol=1e-4, err_msg=name)
