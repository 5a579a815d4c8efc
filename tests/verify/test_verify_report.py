"""Verdicts and the page; the checks themselves run in tests/e2e/test_verify.py."""

from __future__ import annotations

import json
import math

import pytest

from rlstack.cli.main import main
from rlstack.cli.verify import closing
from rlstack.config.compose import compose
from rlstack.errors import ConfigError
from rlstack.verify.report import Check, Report, Tolerance, skipped


@pytest.mark.parametrize(
    ("measured", "allowed", "side", "verdict"),
    [
        (1e-6, 1e-5, "at most", "pass"),
        (1e-5, 1e-5, "at most", "pass"),
        (2e-5, 1e-5, "at most", "fail"),
        (math.nan, 1e-5, "at most", "fail"),
        (math.nan, 0.5, "at least", "fail"),
        (1.2, 1.05, "at least", "pass"),
        (1.01, 1.05, "at least", "fail"),
        (0.0, 0.0, "exactly", "pass"),
        (1e-12, 0.0, "exactly", "fail"),
        (math.inf, 1.0, "at most", "fail"),
    ],
)
def test_verdicts(measured, allowed, side, verdict):
    assert Check("x", "claim", measured, allowed, side).verdict == verdict


def _report(*checks: Check) -> Report:
    return Report("tiny", "cpu", "1 engine", checks, 12.3)


def test_a_report_holds_when_nothing_fails_and_something_was_checked():
    good, bad, none = Check("a", "c", 0.0, 1.0), Check("b", "c", 2.0, 1.0), skipped("d", "c", "no GPU is free")
    assert _report(good, none).ok
    assert not _report(good, bad).ok
    assert not _report().ok
    assert _report(good, bad, none).failed == [bad]
    assert "1 hold, 1 not measured" in closing(_report(good, none))
    assert "1 DO NOT: b" in closing(_report(good, bad))


def test_a_report_is_plain_json():
    report = _report(Check("a", "c", math.nan, 1.0, unit="nats"), skipped("d", "c", "why"))
    data = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert data["ok"] is False
    assert [c["verdict"] for c in data["checks"]] == ["fail", "skip"]
    assert data["checks"][0]["measured"] is None


def test_float32_is_held_to_far_less_than_bfloat16():
    exact, rounded = Tolerance.of("float32"), Tolerance.of("bfloat16")
    assert exact.gradient <= 1e-5 < rounded.gradient
    assert exact.engine < rounded.engine


def test_the_guard_of_a_run_notices_one_percent_in_float32():
    guard = compose(["recipe=single", "env=math", "cluster=cpu"]).stages["single"].guard
    assert (guard.limit("float32"), guard.limit("bfloat16")) == (1.005, 1.05)
    own = compose(["recipe=single", "env=math", "cluster=cpu", "stages.single.guard.max_mismatch=1.2"])
    assert own.stages["single"].guard.limit("float32") == 1.2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=tinny"], "tiny"),
        (["tiny"], "write model=tiny"),
        (["--samples", "1"], "at least 2"),
        (["recipe=tiny_base"], "no stage of reinforcement learning"),
    ],
)
def test_mistakes_are_answered_before_anything_starts(words, said, capsys):
    assert main(["verify", *words]) == 2
    assert said in capsys.readouterr().err


def test_the_stage_that_is_verified_is_the_recipes_with_a_temperature_other_than_1():
    from rlstack.verify.size import Size, rl_stage

    name, stage = rl_stage(compose(["recipe=single", "env=math", "stages.single.loss.kind=gspo"]), Size(3, 2, 9))
    assert (name, stage.loss.kind) == ("single", "gspo")
    assert (stage.prompts_per_step, stage.sampling.samples_per_prompt, stage.sampling.max_tokens) == (3, 2, 9)
    assert stage.sampling.temperature != 1.0
    assert stage.optim.lr == 3e-7
    own = compose(["recipe=single", "env=math", "stages.single.sampling.temperature=1.3"])
    assert rl_stage(own, Size())[1].sampling.temperature == 1.3
    with pytest.raises(ConfigError, match="no stage"):
        rl_stage(compose(["recipe=tiny_base"]), Size())
