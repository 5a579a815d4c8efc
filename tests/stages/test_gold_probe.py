"""The probe of an RL stage, with a live pool and without engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from rlstack.api import Env, Row
from rlstack.config.rl import RLStage, ScoringConfig
from rlstack.data.prompts import Source
from rlstack.errors import ScoringError
from rlstack.plugins import load_env
from rlstack.scoring import ScoringPool, judges
from rlstack.stages.rl_parts import Parts

pytestmark = pytest.mark.process


def probe(sources: list[Source], rewards: dict[str, dict[str, float]], steps: range) -> int:
    """Probes at some steps; returns how many answers were judged."""
    with ScoringPool(judges.by_rule(rewards), ScoringConfig()) as pool:
        parts = Parts(None, None, tuple(sources), None, (pool,), None, None, None, rewards, None)
        for step in steps:
            parts.probe(step)
        return pool.stats()["judged"]


def source(name: str, level: int = 0) -> Source:
    return Source(load_env(name), 1.0, level)


def test_ours_pass_at_any_step():
    names = ("temporal", "instruction", "calibration", "calculator")
    rewards = {name: dict(load_env(name).rewards) for name in names}
    assert probe([source(name) for name in names], rewards, range(0, 40, 2)) >= 20 * len(names) * 2


def test_rewards_that_a_recipe_adds_owe_the_gold_nothing(tmp_path: Path):
    never = tmp_path / "never.py"
    never.write_text("from rlstack.api import judged\ndef score(response, data):\n    return judged(0.0)\n")
    for more in ("reward_model", str(never)):
        assert probe([source("temporal")], {"temporal": {"temporal": 1.0, more: 0.5}}, range(1)) == 8
    assert probe([source("temporal")], {"temporal": {"reward_model": 0.5}}, range(1)) == 0


def test_a_reward_that_pays_the_wrong_answer_stops_the_run(tmp_path: Path):
    folder = tmp_path / "sums"
    folder.mkdir()
    text = (
        "from rlstack.api import judged\ndef score(response, data):\n    return judged(response.text != data['answer'])"
    )
    (folder / "reward.py").write_text(text)
    rows = [Row.ask(f"{i} + 1", {"answer": str(i + 1)}, str(i + 1)) for i in range(4)]
    reward = str(folder / "reward.py")
    env = Env(name="sums", rewards={reward: 1.0}, rows=lambda split: rows)
    with pytest.raises(ScoringError, match="env 'sums': the gold answer must score at least 99 % of 1, but got 0"):
        probe([Source(env)], {"sums": {reward: 1.0}}, range(1))


def test_probing_is_on_unless_it_is_turned_off():
    assert RLStage.model_fields["scoring"].default.probe_every == 20
