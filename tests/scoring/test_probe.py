from __future__ import annotations

from pathlib import Path

import pytest

from rlstack.api import Row
from rlstack.config.rl import ScoringConfig
from rlstack.errors import ScoringError
from rlstack.scoring import ScoringPool, probe

EXACT = """
from rlstack.api import judged
def score(response, data):
    return judged(response.text == data["answer"], "compared")
"""
TASTE = """
from rlstack.api import judged
VERIFIABLE = False
def score(response, data):
    return judged(0.3, "a matter of taste")
"""
GENEROUS = EXACT.replace('response.text == data["answer"]', "1.0")
BROKEN = EXACT.replace("answer", "gold")
ROW = Row.ask("3 + 4 =", {"answer": "7"}, gold="7")


def run(folder: Path, row: Row = ROW, **sources: str) -> None:
    rewards = {}
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
        rewards[str(folder / f"{name}.py")] = 0.5
    with ScoringPool({"sums": rewards}, ScoringConfig()) as pool:
        probe(pool, "sums", [row])


def test_a_sound_env_passes_whatever_its_weights(tmp_path: Path) -> None:
    run(tmp_path, exact=EXACT)


def test_rewards_of_taste_are_left_out(tmp_path: Path) -> None:
    run(tmp_path, exact=EXACT, taste=TASTE)
    run(tmp_path, taste=TASTE)


def test_gold_that_earns_too_little_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(ScoringError, match=r"env 'sums': the gold answer must score at least 99 % of 0.5, but got 0 "):
        run(tmp_path, Row.ask("3 + 4 =", {"answer": "7"}, gold="8"), exact=EXACT)


def test_paid_junk_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(ScoringError, match=r"env 'sums': junk must score at most 1 % of 0.5, but got 0.5"):
        run(tmp_path, generous=GENEROUS)


def test_a_reward_that_fails_on_gold_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(ScoringError, match=r"got 0 \(error: KeyError: 'gold' at .*broken\.py:4 score\)"):
        run(tmp_path, broken=BROKEN)
