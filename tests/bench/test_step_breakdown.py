"""The arithmetic of the breakdown, on steps whose bubble is known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from step_breakdown import bubble, parts_of, table  # pyright: ignore[reportMissingImports]


def _row(step: float, rollout: float, learn: float, waiting: float) -> dict[str, float]:
    return {
        "seconds/step": step, "seconds/rollout": rollout, "seconds/judging": 0.1, "seconds/waiting": waiting,
        "seconds/learn": learn, "seconds/sync": 0.2, "seconds/commit": 0.3, "speed/tokens": 100.0,
    }  # fmt: skip


def test_in_order_generation_and_learning_add_up():
    rows = [_row(4.0, 2.0, 1.0, waiting=1.8)] * 3
    assert bubble(rows, ahead=False) == pytest.approx(0.25)
    assert parts_of(rows[0])["batch"] == pytest.approx(0.7)


def test_one_step_ahead_only_the_longer_one_counts():
    rows = [_row(4.0, 3.0, 1.0, waiting=2.0), _row(4.0, 2.0, 3.0, waiting=0.0), _row(9.0, 1.0, 1.0, waiting=0.0)]
    assert bubble(rows, ahead=True) == pytest.approx(1 - (2.0 + 3.0) / 8.0)


def test_the_table_names_every_part():
    text = table("math", [_row(4.0, 2.0, 1.0, waiting=1.8)] * 2, ahead=False)
    for line in ("generate    2.000 s   50.0%", "learn       1.000 s   25.0%", "25 trained tokens/s"):
        assert line in text, text
