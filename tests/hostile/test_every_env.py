"""Hostile answers against the rewards of every shipped env, mixed with gold ones, through the live pool.

The short form judges 120 answers per env; RLSTACK_HOSTILE_ITEMS=10000 is the long one.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from rlstack.api import Env, Response, Row
from rlstack.authoring.hostile import MARK, TEXTS, damaged
from rlstack.config.rl import ScoringConfig
from rlstack.plugins import env_names, load_env
from rlstack.scoring import ScoringPool

pytestmark = pytest.mark.process

ITEMS = int(os.environ.get("RLSTACK_HOSTILE_ITEMS", "120"))
FORM = {"instruction"}  # judges form alone: "at most ten words" is rightly met by an ugly text of five


def rows_of(env: Env, rng: random.Random, count: int) -> list[Row]:
    if env.rows is not None:
        rows = list(env.rows("train"))
        return [rng.choice(rows) for _ in range(count)]
    assert env.generate is not None
    return [env.generate(rng, rng.randrange(env.levels)) for _ in range(count)]


@pytest.fixture(scope="module")
def pool() -> Iterator[ScoringPool]:
    rewards = {name: load_env(name).rewards for name in env_names()}
    with ScoringPool(rewards, ScoringConfig(workers=2), cache_size=0) as pool:
        yield pool


@pytest.mark.slow
@pytest.mark.parametrize("name", env_names())
def test_hostile_answers_harm_nothing(pool: ScoringPool, name: str) -> None:
    env, rng = load_env(name), random.Random(5)
    made = [make() for make in TEXTS.values()]
    best = sum(pool.verifiable(name).values())
    if best == 0:
        pytest.skip("no verifiable reward")
    waiting = []
    for number, row in enumerate(rows_of(env, rng, -(-ITEMS // 6))):
        bad = [made[(number * 3 + offset) % len(made)] for offset in range(3)]
        texts = [row.gold, *bad, damaged(row.gold, rng), row.gold + " "]
        answers = [Response(text, messages=row.messages) for text in texts]
        waiting.append((row, texts, pool.submit(name, answers, row.data)))
    groups = pool.collect([future for *_, future in waiting], 60 + ITEMS)
    for (row, texts, _), scores in zip(waiting, groups, strict=True):
        assert scores[0].status == "ok", scores[0]
        assert scores[0].value >= 0.99 * best, (row, scores[0])
        for text, score in zip(texts[1:4], scores[1:4], strict=True):
            assert score.status in ("ok", "timeout"), (text[:80], score)
            assert score.value <= 0.01 * best or name in FORM, (text[:80], row, score)
        assert scores[4].status in ("ok", "timeout"), (texts[4][:80], scores[4])
    assert pool.stats()["restarts"] == 0
    assert not MARK.exists()
