"""Engine against learner: measures, alarm, importance weights."""

import math

import numpy as np
import pytest
import torch

from rlstack.grpo.mismatch import alarm, gap, importance

CORRECTIONS = ("token", "sequence", "mask_token", "mask_sequence")


def row(seed=0, spread=0.5, lengths=(5, 9, 2, 14)):
    rng = np.random.default_rng(seed)
    n = sum(lengths)
    engine = -rng.exponential(1.0, n)
    learner = engine + rng.normal(0, spread, n)
    return learner, engine, rng.random(n) > 0.2, np.repeat(np.arange(len(lengths)), lengths)


def tensors(*arrays):
    return [torch.tensor(a) for a in arrays]


def test_measures_equal_the_written_formula():
    learner, engine, mask, _ = row()
    d = [a - b for a, b, m in zip(learner, engine, mask, strict=True) if m]
    found = gap(learner, engine, mask)
    assert found.mean_error == pytest.approx(math.fsum(math.exp(abs(x)) for x in d) / len(d), rel=1e-12)
    assert found.largest == max(abs(x) for x in d)
    assert found.kl_k1 == pytest.approx(-math.fsum(d) / len(d), rel=1e-12)
    assert found.kl_k3 == pytest.approx(math.fsum(math.exp(x) - 1 - x for x in d) / len(d), rel=1e-12)


def test_agreement_is_one_and_zero():
    _, engine, mask, _ = row()
    found = gap(engine, engine, mask)
    assert (found.mean_error, found.largest, found.kl_k1, found.kl_k3) == (1.0, 0.0, 0.0, 0.0)
    assert gap([], [], []).mean_error == 1.0


def test_the_kl_estimates_agree_with_enumeration():
    mu, p = np.log([0.5, 0.3, 0.2]), np.log([0.4, 0.4, 0.2])
    tokens = np.repeat([0, 1, 2], [5, 3, 2])  # exactly as often as the engine samples them
    found = gap(p[tokens], mu[tokens], np.ones(10, bool))
    exact = float((np.exp(mu) * (mu - p)).sum())
    assert found.kl_k1 == pytest.approx(exact, rel=1e-12)
    assert found.kl_k3 == pytest.approx(exact, rel=1e-12)


def test_a_masked_nan_is_nothing_and_a_trained_one_is_an_alarm():
    learner, engine, mask, _ = row()
    clean = gap(learner, engine, mask)
    engine[~mask] = math.nan
    assert gap(learner, engine, mask) == clean
    engine[np.flatnonzero(mask)[0]] = math.nan
    assert alarm(gap(learner, engine, mask).mean_error, 1.05)


def test_the_alarm_fires_above_its_limit_only():
    assert not alarm(1.05, 1.05)
    assert alarm(1.0501, 1.05)
    assert alarm(math.inf, 1.05)
    assert not alarm(1.0, 1.05)


def test_the_error_grows_with_a_perturbation_of_the_engine_s_weights():
    """A softmax layer over 128 hidden units, logits of deviation 15 as in a trained model; tokens sampled."""
    rng = np.random.default_rng(0)
    hidden, weights = rng.normal(0, 1, (1_000, 128)), rng.normal(0, 15 / 128**0.5, (128, 200))
    noise = np.sign(rng.normal(size=weights.shape))
    gumbel, at, mask = rng.gumbel(size=(1_000, 200)), np.arange(1_000), np.ones(1_000, bool)

    def error(relative):
        logits = (hidden @ weights, hidden @ (weights * (1 + relative * noise)))
        learner, engine = (x - np.logaddexp.reduce(x, -1, keepdims=True) for x in logits)
        tokens = (engine + gumbel).argmax(-1)
        return gap(learner[at, tokens], engine[at, tokens], mask).mean_error

    errors = [error(relative) for relative in (0.0, 1e-4, 1e-3, 1e-2, 3e-2)]
    assert errors[0] == 1.0
    assert errors == sorted(errors)
    assert [alarm(e, 1.05) for e in errors] == [False, False, False, False, True]
    assert alarm(errors[3], 1.01)


@pytest.mark.parametrize("kind", CORRECTIONS)
def test_weights_equal_the_written_formula(kind):
    learner, engine, mask, sequence = row(seed=3)
    found = importance(kind, *tensors(learner, engine, mask, sequence), low=0.93, high=1.03).weight_T.numpy()
    for b in set(sequence):
        own = mask & (sequence == b)
        d = (learner - engine)[own]
        total, mean = math.fsum(d), math.fsum(d) / max(1, len(d))
        ratio = np.exp(d)
        wanted = {
            "token": np.minimum(ratio, 1.03),
            "sequence": np.full(len(d), min(math.exp(total), 1.03)),
            "mask_token": np.where((ratio >= 0.93) & (ratio <= 1.03), ratio, 0.0),
            "mask_sequence": np.full(len(d), float(0.93 <= math.exp(mean) <= 1.03)),
        }[kind]
        np.testing.assert_allclose(found[own], wanted, rtol=1e-12)


@pytest.mark.parametrize("kind", CORRECTIONS)
def test_agreement_weighs_one(kind):
    _, engine, mask, sequence = row()
    found = importance(kind, *tensors(engine, engine, mask, sequence), high=1.0)
    assert (found.weight_T == 1.0).all()
    assert not found.cut_T.any()  # not even where the bound is the weight of agreement


@pytest.mark.parametrize("kind", CORRECTIONS)
def test_what_is_truncated_or_dropped_is_counted(kind):
    learner, engine, mask, sequence = row(seed=3)
    found = importance(kind, *tensors(learner, engine, mask, sequence), low=0.93, high=1.03).cut_T.numpy()
    assert not found[~mask].any()
    for b in set(sequence):
        own = mask & (sequence == b)
        d = (learner - engine)[own]
        total, mean = math.exp(math.fsum(d)), math.exp(math.fsum(d) / max(1, len(d)))
        wanted = {
            "token": np.exp(d) > 1.03,
            "sequence": np.full(len(d), total > 1.03),
            "mask_token": (np.exp(d) < 0.93) | (np.exp(d) > 1.03),
            "mask_sequence": np.full(len(d), not 0.93 <= mean <= 1.03),
        }[kind]
        assert (found[own] == wanted).all()
    assert found.any()


def test_truncated_weights_correct_the_expectation():
    """Without truncation, weighting the engine's samples gives the learner's expectation, exactly."""
    mu, p = (torch.tensor(np.log(x)) for x in ([0.5, 0.3, 0.2], [0.3, 0.5, 0.2]))
    value = torch.tensor([1.0, -2.0, 4.0])
    weight = importance("token", p, mu, torch.ones(3, dtype=torch.bool), torch.arange(3), high=10.0).weight_T
    assert float((mu.exp() * weight * value).sum()) == pytest.approx(float((p.exp() * value).sum()), rel=1e-9)


@pytest.mark.parametrize("kind", CORRECTIONS)
def test_a_masked_slot_moves_no_weight(kind):
    learner, engine, mask, sequence = tensors(*row(seed=5))
    wanted = importance(kind, learner, engine, mask, sequence).weight_T
    learner[~mask], engine[~mask] = math.inf, math.nan
    assert torch.equal(importance(kind, learner, engine, mask, sequence).weight_T[mask], wanted[mask])


@pytest.mark.parametrize("kind", CORRECTIONS)
def test_a_missing_log_prob_is_not_taken_for_an_outlier(kind):
    learner, engine, mask, sequence = tensors(*row(seed=6))
    at = int(torch.nonzero(mask)[0])
    engine[at] = math.nan
    assert importance(kind, learner, engine, mask, sequence).weight_T[at].isnan()


@pytest.mark.parametrize("kind", CORRECTIONS)
def test_weights_carry_no_gradient_and_do_not_overflow(kind):
    logp = torch.tensor([-1.0, -2.0], requires_grad=True)
    far = torch.tensor([-2000.0, -3000.0])
    found = importance(kind, logp, far, torch.ones(2, dtype=torch.bool), torch.zeros(2, dtype=torch.long)).weight_T
    assert not found.requires_grad
    assert found.isfinite().all()


def test_an_unknown_correction_is_named():
    with pytest.raises(ValueError, match="'tis' is not one of"):
        importance("tis", *tensors(*row()))  # pyright: ignore[reportArgumentType]
