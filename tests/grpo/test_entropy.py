"""Entropy: value, gradient, forbidden tokens, chunks."""

import math

import numpy as np
import pytest
import torch

from rlstack.grpo.entropy import bonus, entropy


def slope_of(value, at):
    return torch.autograd.grad(value, at)[0]


def logits_of(rows=13, words=50, seed=0, dtype=torch.float64):
    return torch.tensor(np.random.default_rng(seed).normal(0, 3, (rows, words)), dtype=dtype, requires_grad=True)


def test_value_equals_the_sum_over_the_vocabulary():
    logits = logits_of()
    for row, found in zip(logits.detach().numpy(), entropy(logits).detach().numpy(), strict=True):
        p = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        assert found == pytest.approx(-math.fsum(p * np.log(p)), rel=1e-12)


def test_known_values():
    assert float(entropy(torch.zeros(1, 8))) == pytest.approx(math.log(8), rel=1e-6)
    assert float(entropy(torch.tensor([[100.0, 0.0, 0.0]]))) == pytest.approx(0.0, abs=1e-30)


def test_gradient_equals_the_written_formula():
    logits = logits_of()
    slope = slope_of(entropy(logits).sum(), logits)
    p = torch.softmax(logits.detach(), -1)
    h = -(p * p.log()).sum(-1, keepdim=True)
    torch.testing.assert_close(slope, -p * (p.log() + h), rtol=1e-10, atol=1e-14)


def test_forbidden_tokens_count_for_nothing():
    logits = torch.tensor([[1.0, -math.inf, 2.0]], requires_grad=True)
    found = entropy(logits)
    slope = slope_of(found.sum(), logits)
    assert float(found.detach()) == pytest.approx(float(entropy(torch.tensor([[1.0, 2.0]]))), rel=1e-6)
    assert slope.isfinite().all()
    assert float(slope[0, 1]) == 0.0


@pytest.mark.parametrize("chunk", [1, 5, 13, 100])
def test_chunks_change_nothing(chunk):
    whole, parts = logits_of(dtype=torch.float32), logits_of(dtype=torch.float32)
    one, two = entropy(whole), entropy(parts, chunk)
    assert torch.equal(one, two)
    wanted, found = slope_of(one.square().sum(), whole), slope_of(two.square().sum(), parts)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-9)
    with torch.no_grad():
        assert torch.equal(entropy(parts, chunk), one)


def test_descending_the_bonus_opens_the_policy():
    logits = logits_of(3, 5)
    mask = torch.tensor([True, False, True])
    found = bonus(entropy(logits), mask, weight_T=torch.tensor([0.5, math.nan, 2.0]))
    h = entropy(logits).detach()
    assert float(found.sum.detach()) == pytest.approx(-float(0.5 * h[0] + 2 * h[2]), rel=1e-6)
    assert float(found.stats["entropy"]) == pytest.approx(float(h[0] + h[2]), rel=1e-12)
    slope = slope_of(found.sum, logits)
    assert (slope[1] == 0).all()
    opened = entropy(logits.detach() - 0.05 * slope)
    assert (opened[[0, 2]] > h[[0, 2]]).all()


def test_a_masked_nan_is_gone():
    h = torch.tensor([1.0, math.nan], requires_grad=True)
    found = bonus(h, torch.tensor([True, False]))
    assert float(found.sum.detach()) == -1.0
    assert slope_of(found.sum, h).tolist() == [-1.0, 0.0]
