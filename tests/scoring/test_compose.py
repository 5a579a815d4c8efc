from __future__ import annotations

import pytest

from rlstack.errors import ScoringError
from rlstack.scoring.compose import add, combine, diversity_rewards, gate, length_rewards, overlong_penalty
from rlstack.types import Score


def test_weighted_sum_with_named_components() -> None:
    parts = {
        "math": Score(1.0, "ok", {"value": 1.0, "form": 0.0}, "equal", 2.0),
        "brief": Score(0.25, "ok", {}, "", 1.0),
    }
    whole = combine({"math": 1.0, "brief": -0.4}, parts)
    assert whole.value == pytest.approx(0.9)
    assert whole.status == "ok"
    assert whole.components == {"math": 1.0, "math/value": 1.0, "math/form": 0.0, "brief": 0.25}
    assert whole.detail == "math: equal"
    assert whole.ms == 3.0


def test_a_single_reward_keeps_its_detail() -> None:
    assert combine({"math": 1.0}, {"math": Score(0.5, detail="half")}).detail == "half"


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        (("ok", "invalid"), "invalid"),
        (("invalid", "timeout"), "timeout"),
        (("timeout", "error", "ok"), "error"),
        (("error", "invalid"), "error"),
    ],
)
def test_one_part_that_cannot_be_judged_decides(statuses: tuple, whole: str) -> None:
    parts = {f"r{n}": Score(1.0, status, {"c": 1.0}, f"because {status}") for n, status in enumerate(statuses)}
    score = combine(dict.fromkeys(parts, 1.0), parts)
    assert (score.value, score.status) == (0.0, whole)
    assert f"because {whole}" in score.detail
    assert set(score.components) == {name for n, s in enumerate(statuses) if s == "ok" for name in (f"r{n}", f"r{n}/c")}


def test_a_missing_part_is_a_defect() -> None:
    with pytest.raises(KeyError):
        combine({"math": 1.0}, {})


def test_gate() -> None:
    score = Score(0.8, "ok", {"format": 0.5, "content": 1.0}, "fine")
    assert gate(score, {"format": 0.5}) is score
    closed = gate(score, {"format": 1.0}, floor=-0.1)
    assert (closed.value, closed.status, closed.detail) == (-0.1, "ok", "gate: format 0.5 < 1; fine")
    failed = Score(0.0, "timeout")
    assert gate(failed, {"format": 1.0}) is failed
    with pytest.raises(ScoringError, match="did you mean 'format'"):
        gate(score, {"fromat": 1.0})


def test_add() -> None:
    score = add(Score(1.0, "ok", {"math": 1.0}), "length", -0.5, weight=0.2)
    assert score.value == pytest.approx(0.9)
    assert score.components == {"math": 1.0, "length": -0.5}
    broken = Score(0.0, "error")
    assert add(broken, "length", -0.5) is broken


@pytest.mark.parametrize(
    ("length", "penalty"),
    [(0, 0.0), (16384, 0.0), (16385, -1 / 4096), (18432, -0.5), (20480, -1.0), (20481, -1.0), (10**6, -1.0)],
)
def test_overlong_penalty_with_the_papers_lengths(length: int, penalty: float) -> None:
    assert overlong_penalty(length, max_tokens=20480, cache_tokens=4096) == pytest.approx(penalty, abs=1e-12)


def test_overlong_penalty_never_rises_with_length() -> None:
    penalties = [overlong_penalty(length, 100, 37) for length in range(150)]
    assert penalties == sorted(penalties, reverse=True)
    assert (penalties[63], penalties[100], penalties[149]) == (0.0, -1.0, -1.0)


@pytest.mark.parametrize("cache", [0, -1, 101])
def test_overlong_penalty_refuses_an_impossible_cache(cache: int) -> None:
    with pytest.raises(ValueError, match=r"must be in 1\.\.100"):
        overlong_penalty(10, 100, cache)


def test_length_rewards_pay_brevity_of_right_answers_only() -> None:
    assert length_rewards([10, 20, 30], [True, True, True]) == (0.5, 0.0, -0.5)
    assert length_rewards([10, 20, 30], [False, True, False]) == (0.0, 0.0, -0.5)
    assert length_rewards([7, 7], [True, False]) == (0.0, 0.0)
    assert length_rewards([7], [True]) == (0.0,)


def test_diversity_rewards() -> None:
    assert diversity_rewards(["a b c d", "a b c d", "A b  C d"]) == (0.0, 0.0, 0.0)
    assert diversity_rewards(["a b c d", "e f g h"]) == (1.0, 1.0)
    copies = diversity_rewards(["a b c d", "a b c d", "x y z w"])
    assert copies == (0.5, 0.5, 1.0)
    assert diversity_rewards(["a b c d", "b c d e"], words=3) == pytest.approx((2 / 3, 2 / 3))
    assert diversity_rewards(["only one"]) == (0.0,)
    assert diversity_rewards(["", ""]) == (0.0, 0.0)
