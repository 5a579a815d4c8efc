from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rlstack.api import Row
from rlstack.config.rl import ScoringConfig
from rlstack.errors import ScoringError
from rlstack.scoring import ScoringPool, probe

pytestmark = pytest.mark.process

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


def run(folder: Path, row: Row = ROW, options: dict[str, Any] | None = None, **sources: str) -> None:
    rewards = {}
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
        rewards[str(folder / f"{name}.py")] = 0.5
    with ScoringPool({"sums": rewards}, ScoringConfig()) as pool:
        probe(pool, "sums", [row], **(options or {}))


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


def test_rewards_that_owe_the_gold_nothing_are_left_out(tmp_path: Path) -> None:
    never = EXACT.replace('response.text == data["answer"]', "0.0")
    with pytest.raises(ScoringError, match="the gold answer must score"):
        run(tmp_path, exact=EXACT, never=never)
    run(tmp_path, exact=EXACT, never=never, options={"owed": ["exact"]})
    run(tmp_path, generous=GENEROUS, options={"owed": ["other"]})


def test_the_junk_may_be_chosen(tmp_path: Path) -> None:
    run(tmp_path, generous=GENEROUS, options={"junk": ()})


def test_rows_without_a_gold_are_left_out(tmp_path: Path) -> None:
    run(tmp_path, Row.ask("3 + 4 =", {"answer": "7"}, gold=""), exact=EXACT)


def test_one_lost_deadline_stops_nothing(tmp_path: Path) -> None:
    """A call that hangs the first time only, as on a machine that is busy for a moment."""
    once = tmp_path / "once.py"
    mark = tmp_path / "mark"
    once.write_text(
        f"import os, time\nfrom rlstack.api import judged\nDEADLINE_S = 0.3\n"
        f"def score(response, data):\n"
        f"    time.sleep(0 if os.path.exists({str(mark)!r}) else 60)\n"
        f"    return judged(response.text == data['answer'])\n"
    )
    with ScoringPool({"sums": {str(once): 1.0}}, ScoringConfig()) as pool:
        with pytest.raises(ScoringError, match="timeout"):
            probe(pool, "sums", [ROW], junk=())
        judge = pool.collect

        def then_free(futures, timeout_s):
            scores = judge(futures, timeout_s)
            mark.touch()
            return scores

        pool.collect = then_free
        probe(pool, "sums", [ROW], junk=())
