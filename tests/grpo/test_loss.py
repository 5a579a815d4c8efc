"""Policy losses: values and gradients against scalar float64 formulas, and the invariances of a sum."""

import math

import numpy as np
import pytest
import torch

from rlstack.config.rl import LossConfig
from rlstack.grpo.loss import cispo, compute, dapo, gspo, ppo, reinforce
from rlstack.grpo.reduction import token_weights

KINDS = ("dapo", "ppo", "gspo", "cispo", "reinforce")
CONFIGS = {kind: LossConfig(kind=kind, cispo_cap=1.1, gspo_clip_low=0.02, gspo_clip_high=0.03) for kind in KINDS}


def slope_of(value, at):
    return torch.autograd.grad(value, at)[0]


class Row:
    """A micro-batch of sequences with every case: clipped on both sides, negative and zero advantage, masked."""

    def __init__(self, lengths, seed=0, dtype=torch.float32, spread=0.4):
        rng = np.random.default_rng(seed)
        n = sum(lengths)
        self.lengths = lengths
        self.old = torch.tensor(-rng.exponential(1.0, n), dtype=dtype)
        self.logp = (self.old + torch.tensor(rng.normal(0, spread, n), dtype=dtype)).requires_grad_()
        self.adv = torch.tensor(np.repeat(rng.normal(0, 1, len(lengths)), lengths), dtype=dtype)
        self.mask = torch.tensor(rng.random(n) > 0.25)
        self.seq = torch.tensor(np.repeat(np.arange(len(lengths)), lengths))
        weights = token_weights([int(part.sum()) for part in self.mask.split(lengths)], reduction="sequence")
        self.normaliser = weights.normaliser
        self.weight = torch.tensor(np.repeat(weights.weight_B, lengths), dtype=dtype)

    def part(self, begin, end):
        return [x[begin:end] for x in (self.logp, self.old, self.adv, self.mask, self.seq, self.weight)]


def scalar_loss(kind, cfg, logp, old, adv, gap_mean):
    """(value, d value / d logp) of one token in plain floats."""
    r = math.exp(logp - old) if kind != "gspo" else math.exp(gap_mean)
    low, high = {"ppo": (0.2, 0.2), "gspo": (cfg.gspo_clip_low, cfg.gspo_clip_high)}.get(kind, (0.2, 0.28))
    if kind == "reinforce":
        return -adv * logp, -adv
    if kind == "cispo":
        return -min(r, cfg.cispo_cap) * adv * logp, -min(r, cfg.cispo_cap) * adv
    clipped = min(max(r, 1 - low), 1 + high)
    if r * adv <= clipped * adv:
        return -r * adv, -r * adv  # dr / dlogp = r
    return -clipped * adv, 0.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_value_and_gradient_equal_the_scalar_formula(kind, dtype):
    row, cfg = Row([5, 1, 9, 30], seed=1, dtype=dtype), CONFIGS[kind]
    found = compute(cfg, row.logp, row.old, row.adv, row.mask, row.seq, row.weight)
    slope = slope_of(found.sum, row.logp)
    gaps = (row.logp - row.old).detach().double()
    value, gradient = 0.0, torch.zeros(len(gaps), dtype=torch.float64)
    for i in torch.nonzero(row.mask)[:, 0].tolist():
        own = row.mask & (row.seq == row.seq[i])
        logp, old, adv = (float(x[i].detach()) for x in (row.logp, row.old, row.adv))
        term, term_slope = scalar_loss(kind, cfg, logp, old, adv, float(gaps[own].mean()))
        value += float(row.weight[i]) * term
        gradient[i] = float(row.weight[i]) * term_slope
    tight = 1e-6 if dtype == torch.float32 else 1e-12
    assert float(found.sum.detach()) == pytest.approx(value, rel=tight, abs=tight)
    torch.testing.assert_close(slope.double(), gradient, rtol=4 * tight, atol=tight)


@pytest.mark.parametrize("kind", ["dapo", "ppo"])
def test_autograd_agrees_with_finite_differences(kind):
    row, cfg = Row([4, 6], seed=2, dtype=torch.float64), CONFIGS[kind]
    fixed = (row.old, row.adv, row.mask, row.seq, row.weight)
    assert torch.autograd.gradcheck(lambda logp: compute(cfg, logp, *fixed).sum, (row.logp,), eps=1e-7, atol=1e-6)


def test_gspo_equals_the_form_with_one_ratio_per_sequence():
    row = Row([7, 3, 12, 2], seed=4, dtype=torch.float64)
    found = gspo(row.logp, row.old, row.adv, row.mask, row.seq, clip_low=0.1, clip_high=0.1, weight_T=row.weight)
    logp = row.logp.detach().clone().requires_grad_()
    total = torch.zeros((), dtype=torch.float64)
    for b in range(len(row.lengths)):
        own = row.mask & (row.seq == b)
        ratio = ((logp - row.old)[own].sum() / own.sum()).exp()
        adv = row.adv[row.seq == b][0]
        total = total - torch.minimum(ratio * adv, ratio.clamp(0.9, 1.1) * adv)
    wanted = slope_of(total, logp)
    torch.testing.assert_close(slope_of(found.sum, row.logp), wanted, rtol=2e-7, atol=0)  # the weights are float32


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_on_policy_update_is_reinforce(kind):
    row = Row([5, 8, 1], seed=5)
    old = row.logp.detach()
    plain = reinforce(row.logp, old, row.adv, row.mask, weight_T=row.weight)
    wanted = slope_of(plain.sum, row.logp)
    found = compute(LossConfig(kind=kind), row.logp, old, row.adv, row.mask, row.seq, row.weight)
    gradient = slope_of(found.sum, row.logp)
    assert float(found.stats["ratio"]) == float(row.mask.sum())  # exactly 1 each
    assert float(found.stats["clipped_low"]) == float(found.stats["clipped_high"]) == float(found.stats["kl_old"]) == 0
    if kind == "gspo":
        torch.testing.assert_close(gradient, wanted, rtol=1e-6, atol=0)
    else:
        assert torch.equal(gradient, wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_no_split_and_no_order_of_micro_batches_changes_the_step(kind):
    row, cfg = Row([5, 17, 1, 40, 8, 23], seed=6), CONFIGS[kind]
    whole = compute(cfg, *row.part(0, None))
    gradient = slope_of(whole.sum / row.normaliser, row.logp)
    borders = np.concatenate(([0], np.cumsum(row.lengths)))
    for cuts in ([0, 1, 2, 3, 4, 5, 6], [0, 3, 6], [0, 5, 6]):
        spans = list(zip(borders[cuts[:-1]], borders[cuts[1:]], strict=True))[::-1]
        parts = [compute(cfg, *row.part(*span)) for span in spans]
        slope = sum(slope_of(part.sum / row.normaliser, row.logp) for part in parts)
        assert float(sum(p.sum.detach() for p in parts)) == pytest.approx(float(whole.sum.detach()), rel=1e-6)
        torch.testing.assert_close(slope, gradient, rtol=1e-6, atol=0)
        for name, value in whole.stats.items():
            assert float(sum(p.stats[name] for p in parts)) == pytest.approx(float(value), rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_sequences_may_be_permuted(kind):
    row, cfg = Row([5, 17, 1, 40], seed=7), CONFIGS[kind]
    order = torch.cat([torch.nonzero(row.seq == b)[:, 0] for b in (2, 0, 3, 1)])
    whole = compute(cfg, *row.part(0, None)).sum
    permuted = compute(cfg, *(x[order] for x in row.part(0, None))).sum
    assert float(permuted.detach()) == pytest.approx(float(whole.detach()), rel=1e-6)
    slopes = [slope_of(value, row.logp) for value in (whole, permuted)]
    torch.testing.assert_close(slopes[1], slopes[0], rtol=1e-6, atol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf])
def test_a_masked_slot_reaches_neither_value_nor_gradient(kind, poison):
    clean, dirty, cfg = Row([6, 9, 4], seed=8), Row([6, 9, 4], seed=8), CONFIGS[kind]
    assert not clean.mask.all()
    with torch.no_grad():
        for tensor in (dirty.logp, dirty.old, dirty.adv, dirty.weight):
            tensor[~dirty.mask] = poison
    wanted, found = compute(cfg, *clean.part(0, None)), compute(cfg, *dirty.part(0, None))
    slope = slope_of(found.sum, dirty.logp)
    assert torch.equal(found.sum, wanted.sum)
    assert torch.equal(slope, slope_of(wanted.sum, clean.logp))
    assert (slope[~dirty.mask] == 0).all()
    assert all(torch.equal(found.stats[name], wanted.stats[name]) for name in wanted.stats)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_row_may_be_masked(kind):
    row = Row([3, 2], seed=9)
    found = compute(CONFIGS[kind], row.logp, row.old, row.adv, torch.zeros_like(row.mask), row.seq, row.weight)
    assert float(found.sum.detach()) == 0.0
    assert slope_of(found.sum, row.logp).tolist() == [0.0] * 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("adv", [1.0, -1.0])
@pytest.mark.parametrize("gap", [300.0, -300.0])
def test_an_absurd_ratio_stays_finite(kind, adv, gap):
    logp = torch.tensor([-0.5], requires_grad=True)
    one = torch.ones(1, dtype=torch.bool)
    found = compute(LossConfig(kind=kind), logp, logp.detach() - gap, torch.tensor([adv]), one, torch.tensor([0]))
    assert math.isfinite(float(found.sum.detach()))
    assert math.isfinite(float(slope_of(found.sum, logp)))


def test_clipping_is_counted_on_the_side_where_it_bites():
    old = torch.zeros(6)
    ratios = torch.tensor([1.5, 1.5, 0.5, 0.5, 1.25, 1.5])
    adv = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, 0.0])
    found = dapo(ratios.log(), old, adv, torch.ones(6, dtype=torch.bool))
    assert float(found.stats["clipped_high"]) == 1  # the first: grown enough; 1.25 is inside clip-higher
    assert float(found.stats["clipped_low"]) == 1  # the fourth: shrunk enough
    assert float(found.stats["ratio"]) == pytest.approx(float(ratios.sum()), rel=1e-6)
    k3 = sum(r - 1 - math.log(r) for r in ratios.tolist())
    assert float(found.stats["kl_old"]) == pytest.approx(k3, rel=1e-5)


def test_clip_higher_lets_an_unlikely_token_grow_further_than_ppo():
    old, one = torch.full((1,), -6.0), torch.ones(1, dtype=torch.bool)
    logp = (old + math.log(1.25)).requires_grad_()
    grows = slope_of(dapo(logp, old, torch.ones(1), one, clip_low=0.2, clip_high=0.28).sum, logp)
    stops = slope_of(ppo(logp, old, torch.ones(1), one, clip=0.2).sum, logp)
    assert float(grows) == pytest.approx(-1.25, rel=1e-6)
    assert float(stops) == 0.0


def test_dual_clip_bounds_what_a_bad_likely_token_costs():
    old, one, adv = torch.zeros(1), torch.ones(1, dtype=torch.bool), torch.tensor([-2.0])
    for ratio, value, gradient in ((2.0, 4.0, 4.0), (5.0, 6.0, 0.0)):
        logp = torch.tensor([math.log(ratio)], requires_grad=True)
        found = ppo(logp, old, adv, one, dual=3.0)
        assert float(found.sum.detach()) == pytest.approx(value, rel=1e-6)
        assert float(slope_of(found.sum, logp)) == pytest.approx(gradient, rel=1e-6)
    free = ppo(torch.tensor([math.log(5.0)]), old, adv, one)
    assert float(free.sum) == pytest.approx(10.0, rel=1e-6)
    with pytest.raises(ValueError, match="dual must be > 1"):
        ppo(old, old, adv, one, dual=0.5)


def test_cispo_keeps_the_gradient_of_a_capped_token():
    old, one = torch.zeros(1), torch.ones(1, dtype=torch.bool)
    logp = torch.tensor([math.log(9.0)], requires_grad=True)
    found = cispo(logp, old, torch.tensor([0.5]), one, cap=4.0)
    assert float(slope_of(found.sum, logp)) == pytest.approx(-2.0, rel=1e-6)
    assert float(found.stats["clipped_high"]) == 1


def test_weights_and_advantages_carry_no_gradient():
    row = Row([4, 3], seed=10)
    row.adv.requires_grad_()
    row.weight.requires_grad_()
    row.old.requires_grad_()
    for kind in KINDS:
        compute(CONFIGS[kind], *row.part(0, None)).sum.backward()
    assert row.adv.grad is None
    assert row.weight.grad is None
    assert row.old.grad is None


def test_sequence_labels_are_arbitrary_and_may_exceed_the_row():
    row = Row([3, 4], seed=11)
    wanted = gspo(row.logp, row.old, row.adv, row.mask, row.seq).sum
    assert torch.equal(gspo(row.logp, row.old, row.adv, row.mask, 900 - 7 * row.seq).sum, wanted)


def test_half_precision_inputs_are_computed_in_float32():
    row = Row([20, 20], seed=12)
    half = compute(LossConfig(), *(x.bfloat16() if x.is_floating_point() else x for x in row.part(0, None)))
    same = compute(LossConfig(), *(x.bfloat16().float() if x.is_floating_point() else x for x in row.part(0, None)))
    assert torch.equal(half.sum, same.sum)


def test_a_correction_weighs_the_policy_term_by_the_engine_gap():
    row = Row([6, 5], seed=13)
    engine = row.old - 0.3
    cfg = LossConfig(correction="token", correction_high=1.2)
    found = compute(cfg, *row.part(0, None), engine_logp_T=engine)
    wanted = compute(LossConfig(), *row.part(0, None)).sum * 1.2  # e^0.3 = 1.35, truncated
    assert float(found.sum.detach()) == pytest.approx(float(wanted.detach()), rel=1e-6)
    trained = float(found.stats["tokens"])
    assert float(found.stats["correction"]) == pytest.approx(1.2 * trained, rel=1e-6)
    assert float(found.stats["corrected"]) == trained
    with pytest.raises(ValueError, match="needs the engine's log-probs"):
        compute(cfg, *row.part(0, None))
