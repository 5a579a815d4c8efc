"""A run that learns nothing says so, once."""

from __future__ import annotations

from rlstack.config.compose import compose
from rlstack.config.rl import RLStage
from rlstack.stages.rl_signal import PATIENCE, Signal
from rlstack.types import StepReport


def signal() -> Signal:
    stage = compose(["recipe=single", "env=math", "cluster=cpu"]).stages["single"]
    assert isinstance(stage, RLStage)
    return Signal(stage)


def report(step: int, agreeing: float) -> StepReport:
    return StepReport("single", step, {"group/zero_variance": agreeing, "reward/mean": 0.0})


def test_a_run_of_agreeing_groups_is_told_once_with_what_to_do():
    watched = signal()
    said = [watched.add(report(step, 1.0)) for step in range(3 * PATIENCE)]
    assert [bool(text) for text in said] == [step == PATIENCE - 1 for step in range(3 * PATIENCE)]
    assert "recipe=sft_rl" in said[PATIENCE - 1]
    assert "rlstack env difficulty math" in said[PATIENCE - 1]
    assert watched.flat == 3 * PATIENCE


def test_one_mixed_group_now_and_then_is_enough():
    watched = signal()
    assert not any(watched.add(report(step, 0.9 if step % 4 == 3 else 1.0)) for step in range(40))
