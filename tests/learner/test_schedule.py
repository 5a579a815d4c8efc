"""Learning-rate curves against their formulas, written out again, and against the laws they must obey."""

import math
from itertools import pairwise

import pytest

from rlstack.config.optim import ScheduleConfig
from rlstack.learner.schedule import lr_factor, phase_peaks, power_anchor

SHAPES = ("linear", "cosine", "exponential")


def curve(kind, x, d):
    """f over x = 0..1 from the papers' formulas."""
    if kind == "linear":
        return (1 - x) + d * x
    if kind == "cosine":
        return d + 0.5 * (1 - d) * (1 + math.cos(math.pi * x))
    e = math.e
    return (1 - d) * e / (e - 1) * math.exp(-x) + (d * e - 1) / (e - 1)


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("end", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("warmup", [0, 7])
def test_decay_equals_its_formula_after_warm_up(kind, end, warmup):
    cfg = ScheduleConfig(kind=kind, end=end, warmup_steps=warmup)
    for step in range(warmup, 51):
        x = (step - warmup) / (50 - warmup)
        assert lr_factor(step, 50, cfg) == pytest.approx(curve(kind, x, end), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("kind", SHAPES)
def test_decay_starts_at_one_ends_at_end_and_only_falls(kind):
    cfg = ScheduleConfig(kind=kind, end=0.2)
    values = [lr_factor(step, 100, cfg) for step in range(101)]
    assert values[0] == pytest.approx(1.0, rel=1e-12)
    assert values[-1] == pytest.approx(0.2, rel=1e-12)
    assert all(a > b for a, b in pairwise(values))
    assert lr_factor(140, 100, cfg) == values[-1]  # a longer run stays at the end


def test_the_exponential_curve_is_an_exponential_between_its_ends():
    """f' / f' one step on is constant: exp(-1/T), whatever the end."""
    cfg = ScheduleConfig(kind="exponential", end=0.03)
    f = [lr_factor(step, 40, cfg) for step in range(41)]
    drops = [a - b for a, b in pairwise(f)]
    for a, b in pairwise(drops):
        assert b / a == pytest.approx(math.exp(-1 / 40), rel=1e-9)


@pytest.mark.parametrize("kind", ["constant", *SHAPES, "power"])
def test_warm_up_rises_in_equal_steps_and_wastes_no_update(kind):
    cfg = ScheduleConfig(kind=kind, warmup_steps=4)
    assert [lr_factor(step, 20, cfg) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0], rel=1e-12)


def test_warm_up_as_a_share_adds_up():
    cfg = ScheduleConfig(warmup_steps=2, warmup_share=0.03)
    assert lr_factor(4, 100, cfg) == pytest.approx(5 / 6)
    assert lr_factor(5, 100, cfg) == 1.0


def test_the_longest_warm_up_is_the_whole_stage():
    cfg = ScheduleConfig(kind="linear", warmup_steps=50)
    values = [lr_factor(step, 3, cfg) for step in range(4)]
    assert values == pytest.approx([0.25, 0.5, 0.75, 0.0])


def test_constant_is_one():
    assert {lr_factor(step, 5, ScheduleConfig()) for step in range(9)} == {1.0}


def test_power_anchored_at_the_end_of_warm_up():
    cfg = ScheduleConfig(kind="power", warmup_steps=10)
    assert lr_factor(10, 999, cfg) == 1.0
    for step in (20, 160, 5000):
        assert lr_factor(step, 999, cfg) == pytest.approx((step / 10) ** -0.51, rel=1e-12)
    assert lr_factor(40, 999, ScheduleConfig(kind="power", warmup_steps=10, power_exponent=-1.0)) == 0.25


def test_power_in_absolute_tokens():
    """lr(n) = min(lr_max, 4 * batch * tokens^-0.51): at tokens on both sides of the plateau's end."""
    lr, rows, row_tokens = 0.02, 1024, 4096
    anchor = power_anchor(lr, rows=rows, row_tokens=row_tokens)
    cfg = ScheduleConfig(kind="power", power_anchor_steps=anchor, warmup_steps=5)
    assert anchor * rows * row_tokens == pytest.approx(2.6e10, rel=0.01)  # (0.02 / 4096)^(-1 / 0.51)
    for step in (5, 100, 6000, 7000, 250_000):
        tokens = step * rows * row_tokens
        wanted = min(lr, 4 * rows * tokens**-0.51)
        assert lr * lr_factor(step, 10**6, cfg) == pytest.approx(wanted, rel=1e-9)


def test_power_does_not_know_the_number_of_steps():
    cfg = ScheduleConfig(kind="power", warmup_steps=3)
    assert lr_factor(50, 60, cfg) == lr_factor(50, 6000, cfg)


def test_power_goes_on_into_the_next_phase():
    whole = ScheduleConfig(kind="power", power_anchor_steps=8.0)
    later = ScheduleConfig(kind="power", power_anchor_steps=8.0, power_start_step=100)
    assert [lr_factor(100 + s, 300, whole) for s in range(50)] == [lr_factor(s, 200, later) for s in range(50)]


def test_warm_up_rises_to_a_power_law_that_has_already_left_its_plateau():
    cfg = ScheduleConfig(kind="power", warmup_steps=16, power_anchor_steps=4.0)
    peak = (16 / 4) ** -0.51
    assert lr_factor(16, 99, cfg) == pytest.approx(peak)
    assert lr_factor(15, 99, cfg) == pytest.approx(peak * 16 / 17)
    assert max(lr_factor(s, 99, cfg) for s in range(99)) == pytest.approx(peak)


def test_a_phase_starts_where_the_last_one_ended():
    phases = [
        (100, ScheduleConfig(kind="power", warmup_steps=10)),
        (50, ScheduleConfig(kind="exponential", end=0.1)),
        (20, ScheduleConfig(kind="linear")),
    ]
    peaks = phase_peaks(3e-4, phases)
    assert peaks == pytest.approx([3e-4, 3e-4 * 10**-0.51, 3e-5 * 10**-0.51])
    for (steps, cfg), before, after in zip(phases, peaks, peaks[1:], strict=False):
        assert before * lr_factor(steps, steps, cfg) == pytest.approx(after)


def test_every_default_is_a_usable_schedule():
    for kind in ("constant", "linear", "cosine", "exponential", "power"):
        for steps in (1, 2, 30):
            for step in range(steps):
                assert 0.0 < lr_factor(step, steps, ScheduleConfig(kind=kind)) <= 1.0
