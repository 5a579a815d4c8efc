"""An option that nothing reads is refused, and its message names what makes it count."""

from __future__ import annotations

import pytest

from rlstack.config.compose import compose
from rlstack.errors import ConfigError

# (what is set, what it counts with)
IDLE = [
    ("loss.dual_clip=3.0", "loss.kind=ppo"),
    ("loss.gspo_clip_low=0.001", "loss.kind=gspo"),
    ("loss.gspo_clip_high=0.001", "loss.kind=gspo"),
    ("loss.cispo_cap=3.0", "loss.kind=cispo"),
    ("loss.constant_length=64", "loss.reduction=constant"),
    ("loss.correction_low=0.7", "loss.correction=mask_token"),
    ("loss.correction_high=3.0", "loss.correction=token"),
    ("sampling.overlong_weight=0.5", "sampling.overlong_cache=16"),
    ("kl.horizon=500", "kl.target=4.0"),
    ("difficulty.floor=0.2", "difficulty.kind=learnable"),
    ("difficulty.memory=0.5", "difficulty.kind=learnable"),
    ("guard.max_stale_mismatch=1.4", "ahead=1"),
    ("optim.schedule.end=0.1", "optim.schedule.kind=cosine"),
    ("optim.schedule.power_exponent=-0.4", "optim.schedule.kind=power"),
    ("optim.schedule.power_anchor_steps=9.0", "optim.schedule.kind=power"),
    ("optim.schedule.power_start_step=9", "optim.schedule.kind=power"),
]


def _problems(*changes: str) -> str:
    try:
        compose(["recipe=single", "env=math", "cluster=cpu", *(f"stages.single.{change}" for change in changes)])
    except ConfigError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("idle", "counts_with"), IDLE)
def test_an_idle_option_is_refused_until_it_counts(idle, counts_with):
    key = idle.partition("=")[0]
    said = _problems(idle)
    assert f"stages.single.{key}: found " in said
    assert "nothing reads it here" in said
    assert counts_with.partition("=")[0].rpartition(".")[2] in said
    assert not _problems(idle, counts_with)


@pytest.mark.parametrize(
    ("kind", "idle", "read"),
    [
        ("ppo", ["clip_high"], ["clip_low"]),
        ("gspo", ["clip_low", "clip_high"], []),
        ("cispo", ["clip_low", "clip_high"], []),
        ("reinforce", ["clip_low", "clip_high"], []),
        ("dapo", [], ["clip_low", "clip_high"]),
    ],
)
def test_each_loss_reads_its_own_clips(kind, idle, read):
    said = _problems(f"loss.kind={kind}", "loss.clip_low=0.1", "loss.clip_high=0.3")
    assert [name for name in ("clip_low", "clip_high") if f"loss.{name}: found" in said] == idle
    assert not _problems(f"loss.kind={kind}", *(f"loss.{name}=0.11" for name in read))


@pytest.mark.parametrize("change", ["kl.place=reward_to_go", "kl.beta=0.0"])
def test_the_estimator_is_that_of_a_kl_loss(change):
    assert "stages.single.kl.estimator: found k2" in _problems("kl.estimator=k2", change)
    assert not _problems("kl.estimator=k2")


def test_a_value_that_is_the_default_may_be_spelt_out_anywhere():
    assert not _problems("loss.kind=gspo", "loss.clip_low=0.2", "loss.cispo_cap=5.0", "kl.horizon=10000")


def test_the_message_says_both_ways_out():
    said = _problems("loss.dual_clip=3.0")
    assert "it counts with loss.kind=ppo; write that, or leave it at null" in said


def test_supervised_stages_have_schedules_too():
    with pytest.raises(ConfigError, match=r"stages\.sft\.optim\.schedule\.end: found 0\.1, but nothing reads it"):
        compose(["recipe=tiny_base", "cluster=cpu", "stages.sft.optim.schedule={kind: constant, end: 0.1}"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            ["loss.kind=reinforce", "updates_per_step=2"],
            "updates_per_step: found 2, allowed with loss.kind=reinforce: 1",
        ),
        (["loss.kind=reinforce", "updates_per_step=2", "loss.correction=token"], "loss.kind=cispo"),
        (["advantage.kind=reinforce_pp", "advantage.combine=after"], "advantage.combine: found 'after'"),
        (["advantage.kind=reinforce_pp_baseline", "advantage.combine=after"], "write advantage.kind=grpo"),
        (["advantage.kind=reinforce_pp", "kl.place=reward"], "kl.place: found 'reward'"),
        (["advantage.kind=reinforce_pp_baseline", "kl.place=reward"], "advantage.normalise=none"),
    ],
)
def test_what_would_be_biased_or_fail_after_the_first_rollouts_is_refused(changes, said):
    assert said in _problems(*changes)


@pytest.mark.parametrize(
    "changes",
    [
        ["loss.kind=reinforce"],
        ["loss.kind=cispo", "updates_per_step=2"],
        ["advantage.kind=rloo", "advantage.combine=after"],
        ["advantage.kind=reinforce_pp_baseline", "advantage.normalise=none", "kl.place=reward"],
        ["advantage.kind=reinforce_pp", "kl.place=reward_to_go"],
    ],
)
def test_and_its_sound_neighbours_are_not(changes):
    assert not _problems(*changes)
