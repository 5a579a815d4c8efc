"""The learner's update against an independent float64 reference; invariance to packing and sharing."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rlstack.config.optim import OptimConfig
from rlstack.config.rl import KLConfig, LossConfig
from rlstack.data.batch import Batch, shared_items
from rlstack.data.packing import balance
from rlstack.errors import LearnerError
from rlstack.learner import sharding
from rlstack.learner.learner import Learner, LearnerSpec, Rank, UpdateResult
from rlstack.learner.model import ModelSpec
from rlstack.learner.objective import PolicyObjective

TEMPERATURE = 0.8
OBJECTIVE = PolicyObjective(LossConfig(entropy_bonus=0.03), KLConfig(beta=0.1, estimator="k3"), TEMPERATURE)
IN_PIECES = 96 * 4 * 5  # bytes: five tokens of logits at a time


def _batch(seed: int = 0, prompts: int = 4, samples: int = 5) -> tuple[Batch, list[str]]:
    rng = np.random.default_rng(seed)
    tokens, lengths, prompt_lengths, trained, names = [], [], [], [], []
    for p in range(prompts):
        prompt = rng.integers(2, 96, int(rng.integers(3, 12)))
        for _ in range(samples):
            answer = rng.integers(2, 96, int(rng.integers(1, 20)))
            mask = rng.random(len(answer)) < 0.9  # a multi-turn sample: not every token is the policy's
            mask[0] = True
            tokens.append(np.concatenate([prompt, answer]))
            trained.append(np.concatenate([np.zeros(len(prompt), bool), mask]))
            lengths.append(len(prompt) + len(answer))
            prompt_lengths.append(len(prompt))
            names.append(str(p))
    trained_N = np.concatenate(trained)
    total = len(trained_N)
    return Batch(
        np.concatenate(tokens).astype(np.int32), np.array(lengths), np.array(prompt_lengths), trained_N,
        rng.normal(-3, 1, total).astype(np.float32) * trained_N,
        np.repeat(rng.normal(size=len(lengths)), lengths).astype(np.float32),
        np.repeat(rng.uniform(0.5, 2.0, len(lengths)), lengths).astype(np.float32),
        float(trained_N.sum()),
    ), names  # fmt: skip


def _plan(batch: Batch, names: list[str], ranks: int = 1, capacity: int = 4096, share: bool = True):
    items = shared_items(names, batch, capacity) if share else [(i,) for i in range(len(names))]
    shares = balance([batch.item_tokens(item) for item in items], ranks, capacity)
    return [[[items[i] for i in micro] for micro in one] for one in shares]


def _spec(model: Path, **changes) -> LearnerSpec:
    options = {"optim": OptimConfig(lr=1e-2, weight_decay=0.01), "steps": 10, "reference": True, **changes}
    return LearnerSpec(ModelSpec(str(model)), **options)


@pytest.fixture
def learner(small_model, tmp_path):
    made = Learner(_spec(small_model), Rank(0, 1, str(tmp_path / "store")))
    yield made
    made.close()


def _gradients(learner: Learner) -> dict[str, torch.Tensor]:
    return {n: p.grad.full_tensor().clone() for n, p in learner.policy.named_parameters()}


def _weights(learner: Learner) -> dict[str, torch.Tensor]:
    return {n: p.detach().full_tensor().clone() for n, p in learner.policy.named_parameters()}


def distance(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> float:
    """Norm of the difference over the norm, of all tensors as one."""
    assert found.keys() == wanted.keys()
    apart = math.fsum(float((found[n].double() - w.double()).square().sum()) for n, w in wanted.items())
    return math.sqrt(apart / math.fsum(float(w.double().square().sum()) for w in wanted.values()))


def total(result: UpdateResult, batch: Batch) -> float:
    terms = ("policy_loss", "kl_loss", "entropy_loss")
    return math.fsum(result.sums.get(term, 0.0) for term in terms) / batch.normaliser


def _perturb(learner: Learner) -> None:
    """Moves the policy away from its reference, so that KL terms are not all zero."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in learner.policy.parameters():
            local = p.to_local()
            local.add_(torch.randn(local.shape, generator=generator) * 0.02)


def _reference(model: Path, batch: Batch, perturbed: dict[str, torch.Tensor], old_N=None):
    """Loss and gradients in float64, one sequence at a time, written without any of the library's code."""
    from transformers import AutoModelForCausalLM

    policy = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float64).eval()
    frozen = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float64).eval()
    policy.load_state_dict({**{n: w.double() for n, w in perturbed.items()}}, strict=False)
    total, offset = torch.zeros((), dtype=torch.float64), 0
    logprobs_N = np.full(len(batch.tokens_N), np.nan)
    for length in batch.lengths_B:
        ids = torch.from_numpy(batch.tokens_N[offset : offset + length]).long()
        logp = (policy(input_ids=ids[None]).logits[0, :-1] / TEMPERATURE).log_softmax(-1)
        ref = (frozen(input_ids=ids[None]).logits[0, :-1] / TEMPERATURE).log_softmax(-1).detach()
        for t in range(1, int(length)):
            if not batch.trained_N[offset + t]:
                continue
            lp, rp = logp[t - 1, ids[t]], ref[t - 1, ids[t]]
            logprobs_N[offset + t] = lp.item()
            old = lp.item() if old_N is None else float(old_N[offset + t])
            ratio, advantage = torch.exp(lp - old), float(batch.advantages_N[offset + t])
            policy_term = -torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.28) * advantage)
            kl_term = torch.exp(rp - lp) - (rp - lp) - 1
            entropy = -(logp[t - 1].exp() * logp[t - 1]).sum()
            terms = policy_term + 0.1 * kl_term - 0.03 * entropy
            total = total + float(batch.weights_N[offset + t]) * terms
        offset += int(length)
    loss = total / batch.normaliser
    loss.backward()
    return loss.item(), {n: p.grad for n, p in policy.named_parameters()}, logprobs_N


@pytest.mark.parametrize(("off_policy", "logits_bytes"), [(False, 1 << 20), (True, 1 << 20), (True, IN_PIECES)])
def test_update_equals_a_float64_reference(small_model, learner, off_policy, logits_bytes, monkeypatch):
    learner.spec = _spec(small_model, logits_bytes=logits_bytes)
    batch, names = _batch()
    _perturb(learner)
    weights, old = _weights(learner), None
    if off_policy:
        old = np.random.default_rng(1).normal(-4, 0.5, len(batch.tokens_N)).astype(np.float32)
    monkeypatch.setattr(learner, "_step", lambda step: (0.0, 0.0))  # keep the gradients, do not move
    result = learner.update(batch, _plan(batch, names)[0], OBJECTIVE, step=0, old_logprobs_N=old)
    loss, gradients, logprobs = _reference(small_model, batch, weights, old)
    found = sum(result.sums[f"{term}_loss"] for term in ("policy", "kl", "entropy")) / batch.normaliser
    assert found == pytest.approx(loss, rel=2e-5)
    np.testing.assert_allclose(result.logprobs_N, logprobs, atol=2e-5)
    for name, gradient in _gradients(learner).items():
        expected = gradients[name].float()
        assert torch.linalg.norm(gradient - expected) <= 2e-5 * torch.linalg.norm(expected) + 1e-9, name


@pytest.mark.parametrize(
    ("capacity", "share", "logits_bytes"),
    [(40, False, 1 << 20), (40, True, 1 << 20), (100, True, IN_PIECES), (4096, False, 1 << 20), (4096, True, 1)],
)
def test_loss_and_gradient_do_not_depend_on_micro_batches_sharing_or_pieces(
    learner, small_model, monkeypatch, capacity, share, logits_bytes
):
    batch, names = _batch()
    _perturb(learner)
    monkeypatch.setattr(learner, "_step", lambda step: (0.0, 0.0))
    loss = total(learner.update(batch, _plan(batch, names)[0], OBJECTIVE, step=0), batch)
    whole = _gradients(learner)
    plan = _plan(batch, names, capacity=capacity, share=share)[0]
    learner.spec = _spec(small_model, logits_bytes=logits_bytes)
    assert total(learner.update(batch, plan, OBJECTIVE, step=0), batch) == pytest.approx(loss, rel=1e-6)
    for name, gradient in _gradients(learner).items():
        assert torch.linalg.norm(gradient - whole[name]) <= 1e-6 * torch.linalg.norm(whole[name]) + 1e-9, name


@pytest.mark.parametrize("reshard", [True, False, "auto"])
def test_held_parameters_give_the_gradient_of_resharded_ones(small_model, learner, tmp_path, monkeypatch, reshard):
    batch, names = _batch()
    _perturb(learner)
    plan = _plan(batch, names, capacity=60)[0]
    assert len(plan) > 2
    learner.spec = _spec(small_model, reshard=reshard)
    sharding.release(learner.policy)
    learner.policy.set_reshard_after_forward(True)
    learner._held = learner._hold()
    assert learner._held == (reshard is not True)
    monkeypatch.setattr(learner, "_step", lambda step: (0.0, 0.0))
    learner.update(batch, _plan(batch, names)[0], OBJECTIVE, step=0)
    whole = _gradients(learner)
    learner.update(batch, [plan[0], [], *plan[1:], []], OBJECTIVE, step=0)  # fillers in the middle and at the end
    for name, gradient in _gradients(learner).items():
        assert torch.linalg.norm(gradient - whole[name]) <= 1e-6 * torch.linalg.norm(whole[name]) + 1e-9, name


def test_log_probs_between_updates_read_the_weights_of_the_moment(learner):
    batch, names = _batch()
    plan = _plan(batch, names, capacity=60)[0]
    first = learner.update(batch, plan, OBJECTIVE, step=0).logprobs_N
    after = learner.logprobs(batch, plan, TEMPERATURE)
    assert np.nanmax(np.abs(after - first)) > 1e-3
    before = _weights(learner)
    again = learner.update(batch, plan, OBJECTIVE, step=1).logprobs_N
    np.testing.assert_array_equal(again, after)
    assert not all(torch.equal(before[n], w) for n, w in _weights(learner).items())


def test_first_update_on_a_batch_is_exactly_on_policy(learner):
    batch, names = _batch()
    result = learner.update(batch, _plan(batch, names, capacity=60)[0], OBJECTIVE, step=0)
    assert result.sums["ratio"] == batch.n_trained
    assert result.sums["clipped_low"] == result.sums["clipped_high"] == result.sums["kl_old"] == 0
    assert result.sums["kl_loss"] == pytest.approx(0.0, abs=1e-9)  # the policy is its own reference


def test_what_is_not_trained_reaches_no_gradient(learner, monkeypatch):
    batch, names = _batch()
    _perturb(learner)
    monkeypatch.setattr(learner, "_step", lambda step: (0.0, 0.0))
    corrected = PolicyObjective(LossConfig(correction="token", entropy_bonus=0.03), KLConfig(beta=0.1), TEMPERATURE)
    old = np.random.default_rng(1).normal(-4, 0.5, len(batch.tokens_N)).astype(np.float32)
    learner.update(batch, _plan(batch, names)[0], corrected, step=0, old_logprobs_N=old)
    clean = _gradients(learner)
    masked = ~batch.trained_N
    for values, poison in ((batch.engine_logprobs_N, np.nan), (batch.advantages_N, np.inf), (batch.weights_N, np.nan)):
        values[masked] = poison
    old[masked] = -np.inf
    result = learner.update(batch, _plan(batch, names)[0], corrected, step=0, old_logprobs_N=old)
    assert all(torch.equal(clean[n], g) for n, g in _gradients(learner).items())
    assert all(np.isfinite(value) for value in result.sums.values())


def test_an_entropy_that_nobody_asked_for_is_not_computed_and_changes_nothing(learner, monkeypatch):
    batch, names = _batch()
    monkeypatch.setattr(learner, "_step", lambda step: (0.0, 0.0))
    gradients = []
    for watch in (True, False):
        objective = PolicyObjective(LossConfig(watch_entropy=watch), KLConfig(beta=0.0), TEMPERATURE)
        result = learner.update(batch, _plan(batch, names)[0], objective, step=0)
        assert ("entropy" in result.sums) is watch
        gradients.append(_gradients(learner))
    assert all(torch.equal(gradients[0][n], gradients[1][n]) for n in gradients[0])


def test_a_renewed_reference_is_the_policy_and_survives_the_checkpoint(learner, small_model, tmp_path):
    learner.spec = _spec(small_model, reference_moves=True)
    batch, names = _batch()
    plan = _plan(batch, names)[0]

    def distance() -> float:
        both = [learner.logprobs(batch, plan, TEMPERATURE, of_reference=of) for of in (True, False)]
        return float(np.nanmax(np.abs(both[0] - both[1])))

    learner.update(batch, plan, OBJECTIVE, step=0)
    assert distance() > 1e-4
    learner.refresh_reference()
    assert distance() == 0.0
    learner.update(batch, plan, OBJECTIVE, step=1)
    renewed = learner.logprobs(batch, plan, TEMPERATURE, of_reference=True)
    (tmp_path / "checkpoint").mkdir()
    learner.save(tmp_path / "checkpoint")
    learner.refresh_reference()
    assert (learner.logprobs(batch, plan, TEMPERATURE, of_reference=True) != renewed).any()
    learner.restore(tmp_path / "checkpoint")
    np.testing.assert_array_equal(learner.logprobs(batch, plan, TEMPERATURE, of_reference=True), renewed)


def test_tiny_learning_rates_move_float32_masters(learner, small_model, tmp_path):
    before = _weights(learner)
    learner.spec = _spec(small_model, optim=OptimConfig(lr=3e-7))
    batch, names = _batch()
    learner.update(batch, _plan(batch, names)[0], OBJECTIVE, step=0)
    moved = torch.cat([(before[n] - w).abs().flatten() for n, w in _weights(learner).items()])
    assert (moved > 0).float().mean() > 0.9  # in bf16 nearly all of these steps would round to nothing


def test_a_gradient_that_is_not_finite_stops_before_the_weights_move(learner):
    batch, names = _batch()
    before = _weights(learner)
    batch.advantages_N[:] = np.inf
    with pytest.raises(LearnerError, match="not finite"):
        learner.update(batch, _plan(batch, names)[0], OBJECTIVE, step=0)
    assert all(torch.equal(before[n], w) for n, w in _weights(learner).items())


def test_a_gradient_of_exactly_zero_moves_nothing_and_counts_for_nothing(learner, small_model, tmp_path):
    learner.spec = _spec(small_model, optim=OptimConfig(lr=1e-2, weight_decay=0.5))
    batch, names = _batch()
    plan = _plan(batch, names)[0]
    silent = replace(batch, advantages_N=np.zeros_like(batch.advantages_N))
    objective = PolicyObjective(LossConfig(), KLConfig(beta=0.0), TEMPERATURE)
    before = _weights(learner)
    assert learner.update(silent, plan, objective, step=0).grad_norm == 0.0
    (tmp_path / "checkpoint").mkdir()
    learner.save(tmp_path / "checkpoint")  # before AdamW has made any moments
    learner.update(batch, plan, objective, step=1)
    moved = _weights(learner)
    learner.update(silent, plan, objective, step=2)
    assert all(torch.equal(moved[n], w) for n, w in _weights(learner).items())
    learner.restore(tmp_path / "checkpoint")
    assert all(torch.equal(before[n], w) for n, w in _weights(learner).items())
    learner.update(batch, plan, objective, step=1)
    assert all(torch.equal(moved[n], w) for n, w in _weights(learner).items())


def test_checkpoint_round_trip_repeats_the_next_update_bit_for_bit(learner, tmp_path):
    batch, names = _batch()
    plan = _plan(batch, names)[0]
    learner.update(batch, plan, OBJECTIVE, step=0)
    (tmp_path / "checkpoint").mkdir()
    learner.save(tmp_path / "checkpoint")
    learner.update(batch, plan, OBJECTIVE, step=1)
    expected = _weights(learner)
    learner.restore(tmp_path / "checkpoint")
    learner.update(batch, plan, OBJECTIVE, step=1)
    assert all(torch.equal(expected[n], w) for n, w in _weights(learner).items())


def test_export_loads_in_transformers_with_equal_weights(learner, tmp_path):
    from transformers import AutoModelForCausalLM

    batch, names = _batch()
    learner.update(batch, _plan(batch, names)[0], OBJECTIVE, step=0)
    learner.export(tmp_path / "export")
    loaded = dict(AutoModelForCausalLM.from_pretrained(tmp_path / "export").named_parameters())
    assert all(torch.equal(w, loaded[n]) for n, w in _weights(learner).items())


def test_a_rank_without_work_joins_an_off_policy_update(learner, monkeypatch):
    """Its empty micro-batch has no old log-probs to look up."""
    batch, names = _batch()
    old = np.random.default_rng(1).normal(-4, 0.5, len(batch.tokens_N)).astype(np.float32)
    monkeypatch.setattr(learner, "_step", lambda step: (0.0, 0.0))
    (plan,) = _plan(batch, names)
    learner.update(batch, plan, OBJECTIVE, step=0, old_logprobs_N=old)
    whole = _gradients(learner)
    learner.update(batch, [*plan, []], OBJECTIVE, step=0, old_logprobs_N=old)
    for name, gradient in _gradients(learner).items():
        assert torch.equal(gradient, whole[name]), name


def test_parameters_are_shards_again_after_log_probs(learner):
    batch, names = _batch()
    learner.logprobs(batch, _plan(batch, names)[0], TEMPERATURE)
    assert all(hasattr(p, "full_tensor") for p in learner.policy.parameters())
