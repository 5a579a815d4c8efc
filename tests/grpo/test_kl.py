"""KL terms: every claim about a gradient is checked by enumerating a five-token softmax policy."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from rlstack.config.rl import KLConfig
from rlstack.grpo.kl import adapted_beta, compute, in_reward, kl, reward_to_go

ESTIMATORS = ("k1", "k2", "k3", "k3_weighted")
LOGITS = torch.tensor([0.3, -1.2, 0.9, 0.0, 2.0], dtype=torch.float64)
REFERENCE = torch.log_softmax(torch.tensor([1.1, 0.4, -0.7, 0.2, 0.5], dtype=torch.float64), 0)
ALL = torch.ones(5, dtype=torch.bool)


def forward_kl(p: Tensor, q: Tensor) -> Tensor:
    return (q.exp() * (q - p)).sum()


def reverse_kl(p: Tensor, q: Tensor) -> Tensor:
    return (p.exp() * (p - q)).sum()


def gradient(value: Tensor, at: Tensor) -> Tensor:
    return torch.autograd.grad(value, at)[0]


def expected(estimator, sampler_logp: Tensor | None = None):
    """Value and gradient averaged over all five tokens with the sampler's probabilities (the policy's own if None)."""
    logits = LOGITS.clone().requires_grad_()
    logp = torch.log_softmax(logits, 0)
    old = logp.detach() if sampler_logp is None else sampler_logp
    found = kl(logp, REFERENCE, ALL, estimator=estimator, old_logp_T=old, weight_T=old.exp())
    return float(found.sum.detach()), gradient(found.sum, logits)


def exact(divergence):
    logits = LOGITS.clone().requires_grad_()
    value = divergence(torch.log_softmax(logits, 0), REFERENCE)
    return float(value.detach()), gradient(value, logits)


def test_k1_has_the_right_value_and_no_expected_gradient():
    value, slope = expected("k1")
    assert value == pytest.approx(exact(reverse_kl)[0], rel=1e-12)
    torch.testing.assert_close(slope, torch.zeros(5, dtype=torch.float64), rtol=0, atol=1e-15)


def test_k2_has_the_gradient_of_the_reverse_kl():
    _, slope = expected("k2")
    torch.testing.assert_close(slope, exact(reverse_kl)[1], rtol=1e-12, atol=1e-15)
    assert (slope - exact(forward_kl)[1]).abs().max() > 0.01


def test_k3_has_the_value_of_the_reverse_kl_and_the_gradient_of_the_forward_kl():
    value, slope = expected("k3")
    assert value == pytest.approx(exact(reverse_kl)[0], rel=1e-12)
    torch.testing.assert_close(slope, exact(forward_kl)[1], rtol=1e-12, atol=1e-15)
    assert (slope - exact(reverse_kl)[1]).abs().max() > 0.01


@pytest.mark.parametrize("off_policy", [False, True])
def test_k3_weighted_has_value_and_gradient_of_the_reverse_kl_under_any_sampler(off_policy):
    other = torch.log_softmax(torch.tensor([0.0, 1.0, 0.5, -1.0, 0.2], dtype=torch.float64), 0)
    value, slope = expected("k3_weighted", other if off_policy else None)
    assert value == pytest.approx(exact(reverse_kl)[0], rel=1e-12)
    torch.testing.assert_close(slope, exact(reverse_kl)[1], rtol=1e-12, atol=1e-15)


def test_on_policy_k3_weighted_pulls_like_k2_at_every_token():
    logp = torch.tensor([-2.0, -0.3, -5.0], dtype=torch.float64, requires_grad=True)
    ref, mask = torch.tensor([-1.0, -0.9, -4.9], dtype=torch.float64), torch.ones(3, dtype=torch.bool)
    weighted = kl(logp, ref, mask, estimator="k3_weighted", old_logp_T=logp.detach()).sum
    torch.testing.assert_close(gradient(weighted, logp), gradient(kl(logp, ref, mask, estimator="k2").sum, logp))


@pytest.mark.parametrize("estimator", ["k2", "k3", "k3_weighted"])
def test_descent_reaches_the_reference(estimator):
    """What a reader needs to know: minimising the expected term really brings the policy back."""
    logits = LOGITS.clone().requires_grad_()
    for _ in range(400):
        logp = torch.log_softmax(logits, 0)
        term = kl(logp, REFERENCE, ALL, estimator=estimator, old_logp_T=logp.detach(), weight_T=logp.detach().exp())
        logits = (logits - 0.5 * gradient(term.sum, logits)).detach().requires_grad_()
    assert float(reverse_kl(torch.log_softmax(logits, 0), REFERENCE).detach()) < 1e-6


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_values_equal_the_written_formula(estimator):
    rng = np.random.default_rng(0)
    logp, ref, old = (torch.tensor(-rng.exponential(1.5, 40)) for _ in range(3))
    mask, weight = torch.tensor(rng.random(40) > 0.3), torch.tensor(rng.random(40))
    wanted = 0.0
    for i in torch.nonzero(mask)[:, 0].tolist():
        d = float(logp[i] - ref[i])
        k3 = math.exp(-d) - 1 + d
        r = math.exp(float(logp[i] - old[i]))
        wanted += float(weight[i]) * {"k1": d, "k2": d * d / 2, "k3": k3, "k3_weighted": r * k3}[estimator]
    found = kl(logp, ref, mask, estimator=estimator, old_logp_T=old, weight_T=weight)
    assert float(found.sum) == pytest.approx(wanted, rel=1e-12)
    d = (logp - ref)[mask]
    assert float(found.stats["kl_k1"]) == pytest.approx(float(d.sum()), rel=1e-12)
    assert float(found.stats["kl_k3"]) == pytest.approx(float((torch.exp(-d) - 1 + d).sum()), rel=1e-12)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf])
def test_a_masked_slot_reaches_neither_value_nor_gradient(estimator, poison):
    logp = torch.tensor([-1.0, poison, -2.0], requires_grad=True)
    ref, old = torch.tensor([-1.5, poison, -1.0]), torch.tensor([-1.1, poison, -2.2])
    mask, weight = torch.tensor([True, False, True]), torch.tensor([1.0, poison, 1.0])
    found = kl(logp, ref, mask, estimator=estimator, old_logp_T=old, weight_T=weight)
    slope = gradient(found.sum, logp)
    kept = kl(logp[mask], ref[mask], mask[mask], estimator=estimator, old_logp_T=old[mask])
    assert torch.equal(found.sum, kept.sum)
    assert float(slope[1]) == 0.0
    assert slope.isfinite().all()
    assert all(torch.equal(found.stats[k], kept.stats[k]) for k in found.stats)


@pytest.mark.parametrize("distance", [12.0, 19.0, 21.0, 60.0, 500.0])
def test_the_farthest_tokens_keep_their_pull_and_its_direction(distance):
    """The policy has all but forgotten a token that the reference likes: descent must make it likelier."""
    logp, ref = torch.tensor([-distance - 0.1], requires_grad=True), torch.tensor([-0.1])
    one = torch.ones(1, dtype=torch.bool)
    for estimator in ("k2", "k3", "k3_weighted"):
        found = kl(logp, ref, one, estimator=estimator, old_logp_T=logp.detach())
        slope = gradient(found.sum, logp)
        assert math.isfinite(float(found.sum.detach()))
        assert math.isfinite(float(slope))
        assert float(slope) < -1.0
    if distance < 20:
        slope = gradient(kl(logp, ref, one, estimator="k3").sum, logp)
        assert float(slope) == pytest.approx(1 - math.exp(distance), rel=1e-4)  # inside the bound: exact


def test_k3_keeps_its_precision_next_to_the_reference():
    """exp(-d) - 1 + d in float32 is pure rounding noise at d = 1e-4; its value is d^2 / 2."""
    found = kl(torch.full((1,), 1e-4), torch.zeros(1), torch.ones(1, dtype=torch.bool), estimator="k3")
    assert 0 < float(found.sum) == pytest.approx(5e-9, rel=0.1)


def test_the_first_update_from_the_reference_itself_has_no_pull():
    logp = torch.tensor([-1.0, -3.0], requires_grad=True)
    for estimator in ("k2", "k3", "k3_weighted"):
        found = kl(logp, logp.detach(), ALL[:2], estimator=estimator, old_logp_T=logp.detach())
        assert float(found.sum.detach()) == 0.0
        assert gradient(found.sum, logp).tolist() == [0.0, 0.0]


def test_zero_advantage_leaves_the_kl_gradient():
    """A group without preference still pulls towards the reference when beta > 0."""
    from rlstack.config.rl import LossConfig
    from rlstack.grpo import loss

    logp, ref = torch.tensor([-1.0, -2.0], requires_grad=True), torch.tensor([-1.4, -1.2])
    seq = torch.zeros(2, dtype=torch.long)
    policy = loss.compute(LossConfig(), logp, logp.detach(), torch.zeros(2), ALL[:2], seq)
    term = compute(KLConfig(), logp, ref, logp.detach(), ALL[:2])
    slope = gradient(policy.sum + 0.05 * term.sum, logp)
    torch.testing.assert_close(slope, 0.05 * (1 - torch.exp(ref - logp.detach())))
    assert (slope.abs() > 0).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_splits_add_up(estimator):
    rng = np.random.default_rng(2)
    logp, ref, old = (torch.tensor(-rng.exponential(1.0, 90), dtype=torch.float32) for _ in range(3))
    mask, weight, cfg = torch.tensor(rng.random(90) > 0.2), torch.rand(90), KLConfig(estimator=estimator)
    whole = compute(cfg, logp, ref, old, mask, weight)
    rows = [compute(cfg, *(x[a:b] for x in (logp, ref, old, mask, weight))) for a, b in ((0, 7), (7, 60), (60, 90))]
    assert float(sum(r.sum for r in rows)) == pytest.approx(float(whole.sum), rel=1e-6)


def test_what_is_missing_is_an_error():
    with pytest.raises(ValueError, match="needs old_logp_T"):
        kl(torch.zeros(1), torch.zeros(1), ALL[:1], estimator="k3_weighted")


def test_kl_in_the_reward_has_the_policy_gradient_of_the_reverse_kl():
    """Score -beta * k1 under plain REINFORCE, enumerated: the gradient of -beta * KL(p || q)."""
    logits = LOGITS.clone().requires_grad_()
    logp = torch.log_softmax(logits, 0)
    rewards = in_reward(np.zeros(5), (logp - REFERENCE).detach().numpy(), beta=0.3)
    objective = (logp.detach().exp() * torch.tensor(rewards) * logp).sum()
    torch.testing.assert_close(gradient(objective, logits), -0.3 * exact(reverse_kl)[1], rtol=1e-12, atol=1e-15)


def test_reward_to_go_sums_to_the_end_of_each_sequence():
    found = reward_to_go([1.0, 0.0, 2.0, 5.0, -1.0, 4.0], [3, 1, 2])
    np.testing.assert_allclose(found, [3, 2, 2, 5, 3, 4])


@pytest.mark.parametrize("place", ["reward", "reward_to_go", "loss"])
def test_of_two_tokens_only_the_reward_pulls_by_the_kl_of_whole_sequences(place):
    """All 25 answers of two tokens, the second depending on the first: the gradient of KL(p || q) over answers.

    A k2 loss has each token's own reverse KL and misses how the first token leads to later ones.
    """
    generator = torch.Generator().manual_seed(2)
    first, second = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((5,), (5, 5)))
    reference = [
        torch.randn(shape, generator=generator, dtype=torch.float64).log_softmax(-1) for shape in ((5,), (5, 5))
    ]
    first.requires_grad_()
    second.requires_grad_()
    p = [first.log_softmax(-1), second.log_softmax(-1)]
    both = p[0][:, None] + p[1]
    wanted = torch.autograd.grad(
        (both.exp() * (both - reference[0][:, None] - reference[1])).sum(), (first, second), retain_graph=True
    )
    d = torch.stack([(p[0] - reference[0])[:, None].expand(5, 5), p[1] - reference[1]], -1)  # [x1, x2, t]
    logp = torch.stack([p[0][:, None].expand(5, 5), p[1]], -1)
    weight = both.detach().exp()[..., None]
    flat = d.detach().reshape(-1).numpy()
    if place == "loss":
        surrogate = (weight * 0.5 * d.square()).sum()
    elif place == "reward_to_go":
        surrogate = (weight * torch.from_numpy(reward_to_go(flat, [2] * 25).reshape(5, 5, 2)) * logp).sum()
    else:
        whole = -in_reward(np.zeros(25), flat.reshape(25, 2).sum(1), beta=1.0).reshape(5, 5, 1)
        surrogate = (weight * torch.from_numpy(whole) * logp).sum()
    found = torch.autograd.grad(surrogate, (first, second))
    torch.testing.assert_close(found[1], wanted[1], rtol=1e-12, atol=1e-15)  # of the last token: all alike
    if place == "loss":
        assert (found[0] - wanted[0]).abs().max() > 0.01
    else:
        torch.testing.assert_close(found[0], wanted[0], rtol=1e-12, atol=1e-15)


def test_kl_in_the_reward_is_subtracted_per_sample():
    np.testing.assert_allclose(in_reward([1.0, 0.0], [2.0, -1.0], 0.1), [0.8, 0.1])


def test_the_controller_moves_beta_towards_the_target():
    assert adapted_beta(0.1, 6.0, target=6.0, horizon=10_000, samples=1_000) == 0.1
    assert adapted_beta(0.1, 6.6, target=6.0, horizon=10_000, samples=1_000) == pytest.approx(0.1 * 1.01)
    assert adapted_beta(0.1, 60.0, target=6.0, horizon=10_000, samples=1_000) == pytest.approx(0.1 * 1.02)
    assert adapted_beta(0.1, 0.0, target=6.0, horizon=10_000, samples=1_000) == pytest.approx(0.1 * 0.98)


def test_the_controller_settles_where_kl_meets_its_target():
    """A toy policy whose KL falls as 1 / beta: the controller must find beta = 2."""
    beta = 0.05
    for _ in range(2000):
        beta = adapted_beta(beta, 8.0 / beta, target=4.0, horizon=1_000, samples=64)
    assert beta == pytest.approx(2.0, rel=0.01)
