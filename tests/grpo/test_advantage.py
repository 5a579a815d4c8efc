"""Advantages against formulas written out by hand in float64."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlstack.config.rl import AdvantageConfig
from rlstack.grpo.advantage import advantages, combined, compute, reinforce_pp, zero_variance


def all_valid(scores):
    return [True] * len(scores)


def reference(scores, valid, kind, normalise):
    """Plain Python, one sample after the other."""
    judged = [s for s, v in zip(scores, valid, strict=True) if v]
    if len(judged) < 2 or max(judged) - min(judged) < 1e-6:
        return [0.0] * len(scores)
    mean = math.fsum(judged) / len(judged)
    std = math.sqrt(math.fsum((s - mean) ** 2 for s in judged) / (len(judged) - 1))
    found = []
    for s, v in zip(scores, valid, strict=True):
        if not v:
            found.append(0.0)
        elif kind == "rloo":
            others = (math.fsum(judged) - s) / (len(judged) - 1)
            found.append(s - others)
        elif kind == "grpo" and normalise == "std":
            found.append((s - mean) / (std + 1e-6))
        else:
            found.append(s - mean)
    return found


score = st.sampled_from([0.0, 0.25, 1.0, -1.0, 3.5, 0.1])
group = st.lists(st.tuples(score, st.booleans()), min_size=1, max_size=20)


@given(group, st.sampled_from(["grpo", "dr_grpo", "rloo"]), st.sampled_from(["std", "none"]))
def test_matches_the_written_formula(rows, kind, normalise):
    scores, valid = zip(*rows, strict=True)
    found = advantages(scores, valid, kind=kind, normalise=normalise)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference(scores, valid, kind, normalise), rtol=1e-6, atol=1e-7)


@given(group, st.sampled_from(["grpo", "dr_grpo", "rloo"]))
def test_sums_to_zero_and_ignores_order(rows, kind):
    scores, valid = (np.array(x) for x in zip(*rows, strict=True))
    found = advantages(scores, valid, kind=kind)
    assert abs(float(found.astype(np.float64).sum())) < 1e-5
    order = np.random.default_rng(0).permutation(len(scores))
    np.testing.assert_allclose(advantages(scores[order], valid[order], kind=kind), found[order], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("junk", [math.nan, math.inf, 1e9, 0.0])
@pytest.mark.parametrize("kind", ["grpo", "dr_grpo", "rloo"])
def test_an_unjudged_sample_gets_zero_and_moves_no_baseline(kind, junk):
    found = advantages([1.0, junk, 0.0, 0.5], [True, False, True, True], kind=kind)
    alone = advantages([1.0, 0.0, 0.5], all_valid([1, 1, 1]), kind=kind)
    assert found[1] == 0.0
    np.testing.assert_array_equal(found[[0, 2, 3]], alone)


@pytest.mark.parametrize("kind", ["grpo", "dr_grpo", "rloo"])
def test_a_group_of_one_has_no_advantage(kind):
    assert advantages([0.7], [True], kind=kind).tolist() == [0.0]
    assert advantages([0.7, 0.1], [True, False], kind=kind).tolist() == [0.0, 0.0]
    assert advantages([0.7, 0.1], [False, False], kind=kind).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("kind", ["grpo", "dr_grpo", "rloo"])
@pytest.mark.parametrize(
    "equal",
    [
        [0.1 + 0.2, 0.3, 0.3],
        [1e6 * (0.1 + 0.2), 1e6 * 0.3],
        [float(np.float32(0.1) + np.float32(0.7)), 0.8],
        [0.0, 5.5e-17],
    ],
)
def test_rounding_is_not_a_preference(kind, equal):
    assert len(set(equal)) > 1
    assert zero_variance(equal, all_valid(equal))
    assert advantages(equal, all_valid(equal), kind=kind).tolist() == [0.0] * len(equal)


def test_small_but_real_differences_count():
    assert not zero_variance([0.5, 0.5001], [True, True])
    np.testing.assert_allclose(advantages([0.5, 0.5001], [True, True]), [-(0.5**0.5), 0.5**0.5], rtol=0.02)


def test_zero_variance_looks_at_judged_samples_only():
    assert zero_variance([1.0, 0.0], [True, False])
    assert zero_variance([], [])
    assert not zero_variance([1.0, math.nan, 0.0], [True, False, True])


def test_a_judged_score_must_be_finite():
    with pytest.raises(ValueError, match="must be finite, found nan"):
        advantages([1.0, math.nan], [True, True])


def test_rloo_is_a_scaled_dr_grpo():
    scores = [0.0, 1.0, 1.0, 0.2, 0.9]
    centred = advantages(scores, all_valid(scores), kind="dr_grpo")
    np.testing.assert_allclose(advantages(scores, all_valid(scores), kind="rloo"), centred * 5 / 4, rtol=1e-6)


def test_reinforce_pp_normalises_within_a_domain_only():
    scores = np.array([0.0, 1.0, 1.0, 100.0, 300.0, 200.0])
    domain = np.array([0, 0, 0, 1, 1, 1])
    found = reinforce_pp(scores, all_valid(scores), domain)
    for d in (0, 1):
        part = scores[domain == d]
        np.testing.assert_allclose(found[domain == d], (part - part.mean()) / (part.std(ddof=1) + 1e-6), rtol=1e-6)
    moved = reinforce_pp(np.where(domain == 1, scores * 50 - 7, scores), all_valid(scores), domain)
    np.testing.assert_allclose(moved, found, rtol=1e-5)


def test_reinforce_pp_without_groups_prefers_easy_prompts_and_with_groups_does_not():
    scores, groups = [1.0, 1.0, 1.0, 0.0, 0.0, 1.0], [7, 7, 7, 3, 3, 3]
    plain = reinforce_pp(scores, all_valid(scores), [0] * 6)
    assert (plain[:3] > 0).all()
    based = reinforce_pp(scores, all_valid(scores), [0] * 6, groups)
    assert based[:3].tolist() == [0.0] * 3  # the group agrees: exactly 0, and no re-centring moves it
    centred = np.array([0, 0, 0, -1 / 3, -1 / 3, 2 / 3])
    np.testing.assert_allclose(based, centred / (np.std(centred, ddof=1) + 1e-6), rtol=1e-6)


def test_reinforce_pp_leaves_unjudged_samples_out():
    scores, valid = [1.0, math.nan, 0.0, 0.0], [True, False, True, True]
    found = reinforce_pp(scores, valid, [0] * 4)
    assert found[1] == 0.0
    np.testing.assert_array_equal(found[[0, 2, 3]], reinforce_pp([1.0, 0.0, 0.0], [True] * 3, [0] * 3))
    assert reinforce_pp(scores, [False] * 4, [0] * 4).tolist() == [0.0] * 4


def test_rewards_combined_before_and_after_normalisation():
    correct, style = [1.0, 0.0, 1.0, 0.0], [0.00, 0.02, 0.02, 0.00]
    scores, weights, valid = np.array([correct, style]), [1.0, 0.5], all_valid(correct)
    before = combined(scores, valid, weights, when="before")
    total = np.array(correct) + 0.5 * np.array(style)
    np.testing.assert_allclose(before, reference(total, valid, "grpo", "std"), rtol=1e-6)
    after = combined(scores, valid, weights, when="after")
    parts = [np.array(reference(row, valid, "grpo", "std")) for row in scores]
    np.testing.assert_allclose(after, parts[0] + 0.5 * parts[1], rtol=1e-6)
    # Before, the small reward drowns: samples 0 and 2 nearly tie. After, it decides between them.
    assert before[2] - before[0] < 0.05 < 0.5 < after[2] - after[0]


def test_a_constant_reward_adds_nothing_after_normalisation():
    found = combined([[1.0, 0.0, 1.0], [0.3, 0.1 + 0.2, 0.3]], all_valid([1, 1, 1]), [1.0, 4.0], when="after")
    np.testing.assert_array_equal(found, advantages([1.0, 0.0, 1.0], all_valid([1, 1, 1])))


@pytest.mark.parametrize("when", ["before", "after"])
def test_unjudged_samples_leave_all_rewards(when):
    scores, valid = np.array([[1.0, math.nan, 0.0], [0.2, 7.0, 0.9]]), [True, False, True]
    found = combined(scores, valid, [1.0, 0.5], when=when)
    assert found[1] == 0.0
    np.testing.assert_array_equal(found[[0, 2]], combined(scores[:, [0, 2]], [True, True], [1.0, 0.5], when=when))


def test_an_unused_reward_may_be_unknown():
    scores = [[1.0, 0.0], [math.nan, math.nan]]
    for when in ("before", "after"):
        np.testing.assert_allclose(
            combined(scores, [True, True], [2.0, 0.0], when=when, kind="dr_grpo"), [1.0, -1.0], rtol=1e-6
        )


@pytest.mark.parametrize("kind", ["grpo", "dr_grpo", "rloo"])
def test_the_batch_is_its_groups_in_any_order(kind):
    rng = np.random.default_rng(3)
    scores, valid, groups = rng.integers(0, 3, 40) / 2, rng.random(40) > 0.2, rng.integers(0, 6, 40)
    found = compute(AdvantageConfig(kind=kind), scores, valid, groups, np.zeros(40, int))
    for g in range(6):
        own = groups == g
        np.testing.assert_array_equal(found[own], advantages(scores[own], valid[own], kind=kind))


rows_of_groups = st.lists(st.tuples(score, st.booleans(), st.sampled_from([-5, 0, 3, 4, 900])), min_size=1, max_size=60)


@given(rows_of_groups, st.sampled_from(["grpo", "dr_grpo", "rloo"]), st.sampled_from(["std", "none"]))
def test_the_batch_in_one_pass_is_the_written_formula_per_group(rows, kind, normalise):
    scores, valid, groups = (np.array(x) for x in zip(*rows, strict=True))
    holes = np.where(valid, scores, np.nan)
    cfg = AdvantageConfig(kind=kind, normalise=normalise)
    found = compute(cfg, holes, valid, groups, groups)
    for g in set(groups.tolist()):
        own = groups == g
        expected = reference(scores[own].tolist(), valid[own].tolist(), kind, normalise)
        np.testing.assert_allclose(found[own], expected, rtol=1e-6, atol=1e-7)


@given(rows_of_groups, st.sampled_from(["std", "none"]), st.booleans())
def test_reinforce_pp_is_the_written_formula_per_domain(rows, normalise, baseline):
    scores, valid, groups = (np.array(x) for x in zip(*rows, strict=True))
    domains = groups % 2
    found = reinforce_pp(scores, valid, domains, groups if baseline else None, normalise=normalise)
    expected = np.zeros(len(rows))
    for label in {*(groups if baseline else domains).tolist()}:
        own = (groups if baseline else domains) == label
        expected[own] = reference(scores[own].tolist(), valid[own].tolist(), "dr_grpo", "none")
    for domain in (0, 1):
        own = (domains == domain) & valid
        if normalise == "std" and expected[own].any():
            mean = math.fsum(expected[own]) / own.sum()
            spread = math.fsum((x - mean) ** 2 for x in expected[own]) / (own.sum() - 1)
            expected[own] /= math.sqrt(spread) + 1e-6
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_a_score_that_is_not_finite_is_refused_with_its_group():
    scores, groups = [0.0, 1.0, 0.5, math.inf], [7, 7, 9, 9]
    with pytest.raises(ValueError, match=r"found inf in \[0.5, inf\], group 1"):
        compute(AdvantageConfig(), scores, [True] * 4, groups, [0] * 4)


def test_compute_reaches_every_configured_kind():
    scores, valid, groups, domains = [1.0, 0.0, 0.5, 0.0], [True] * 4, [0, 0, 1, 1], [0, 0, 0, 0]
    one = compute(AdvantageConfig(kind="reinforce_pp"), scores, valid, groups, domains)
    np.testing.assert_array_equal(one, reinforce_pp(scores, valid, domains))
    two = compute(AdvantageConfig(kind="reinforce_pp_baseline"), scores, valid, groups, domains)
    np.testing.assert_array_equal(two, reinforce_pp(scores, valid, domains, groups))
    parts, weights = [scores, [0.0, 1.0, 0.0, 1.0]], np.array([[1.0] * 4, [0.0, 0.0, 2.0, 2.0]])
    after = compute(AdvantageConfig(combine="after"), scores, valid, groups, domains, parts, weights)
    np.testing.assert_array_equal(after[:2], advantages([1.0, 0.0], [True] * 2))
    np.testing.assert_allclose(after[2:], [-(0.5**0.5), 0.5**0.5], rtol=1e-5)  # 1 * .707 - 2 * .707 and its mirror


def test_what_cannot_be_combined_is_refused():
    with pytest.raises(ValueError, match="needs the score of each reward"):
        compute(AdvantageConfig(combine="after"), [1.0], [True], [0], [0])
    with pytest.raises(ValueError, match="not for reinforce_pp"):
        compute(AdvantageConfig(kind="reinforce_pp", combine="after"), [1.0], [True], [0], [0])
