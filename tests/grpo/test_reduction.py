"""Weights of the reductions: each must give the mean it names, written out token by token."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlstack.config.rl import LossConfig
from rlstack.grpo.reduction import compute, token_weights


def mean(values):
    return math.fsum(values) / len(values) if values else 0.0


def reference(losses_B, groups, reduction, constant):
    """The reduction as its paper writes it: nested means over lists of token losses."""
    used = [(losses, g) for losses, g in zip(losses_B, groups, strict=True) if losses]
    if reduction == "token":
        return mean([x for losses, _ in used for x in losses])
    if reduction == "sequence":
        return mean([mean(losses) for losses, _ in used])
    if reduction == "prompt":
        return mean([mean([x for losses, g in used if g == p for x in losses]) for p in {g for _, g in used}])
    return mean([math.fsum(losses) / constant for losses, _ in used])


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), min_size=1, max_size=25),
    st.sampled_from(["token", "sequence", "prompt", "constant"]),
    st.integers(0, 1000),
)
def test_weights_give_the_mean_they_name(rows, reduction, seed):
    lengths, groups = zip(*rows, strict=True)
    rng = np.random.default_rng(seed)
    losses = [rng.normal(size=n).tolist() for n in lengths]
    w = token_weights(lengths, groups, reduction=reduction, constant=32)
    total = math.fsum(float(weight) * x for weight, row in zip(w.weight_B, losses, strict=True) for x in row)
    assert total / w.normaliser == pytest.approx(reference(losses, groups, reduction, 32), rel=1e-6, abs=1e-7)


def test_token_weights_are_exactly_one_and_the_normaliser_counts():
    w = token_weights([3, 0, 5])
    assert w.weight_B.tolist() == [1.0, 0.0, 1.0]
    assert w.normaliser == 8.0


def test_a_filtered_sequence_is_out_of_the_mean():
    for reduction in ("token", "sequence", "prompt", "constant"):
        full = token_weights([4, 6], [0, 1], reduction=reduction, constant=8)
        more = token_weights([4, 0, 6, 0], [0, 0, 1, 2], reduction=reduction, constant=8)
        assert more.weight_B[[0, 2]].tolist() == full.weight_B.tolist()
        assert more.weight_B[[1, 3]].tolist() == [0.0, 0.0]
        assert more.normaliser == full.normaliser


def test_nothing_to_train_divides_by_one():
    for reduction in ("token", "sequence", "prompt", "constant"):
        assert token_weights([0, 0], [0, 0], reduction=reduction, constant=8).normaliser == 1.0


def test_constant_takes_the_configured_length_or_the_longest_completion():
    cfg = LossConfig(reduction="constant")
    np.testing.assert_allclose(compute(cfg, [2, 5], [0, 0], 10).weight_B, [0.1, 0.1])
    cfg = LossConfig(reduction="constant", constant_length=50)
    np.testing.assert_allclose(compute(cfg, [2, 5], [0, 0], 10).weight_B, [0.02, 0.02])


def test_missing_facts_are_errors():
    with pytest.raises(ValueError, match="needs group_B"):
        token_weights([1, 2], reduction="prompt")
    with pytest.raises(ValueError, match="needs constant"):
        token_weights([1, 2], reduction="constant")
