"""Hostile code in the workers, mixed with honest answers: none of the honest ones may be harmed.

The short form has 1,000 items; RLSTACK_HOSTILE_ITEMS=10000 is the long one.
"""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rlstack.api import Response
from rlstack.config.rl import ScoringConfig
from rlstack.scoring import ScoringPool

pytestmark = pytest.mark.process

ITEMS = int(os.environ.get("RLSTACK_HOSTILE_ITEMS", "1000"))
ATTACK = Path(__file__).with_name("attack.py")
GROUP = 8


def _owed() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("attack", ATTACK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: status for name, (status, _) in module.ATTACKS.items()}


OWED = _owed()
HANGS = [name for name, status in OWED.items() if status == "timeout"]


@pytest.fixture(scope="module")
def pool() -> Iterator[ScoringPool]:
    config = ScoringConfig(workers=2, memory_mb=512)
    with ScoringPool({"attacked": {str(ATTACK): 1.0}}, config, cache_size=0) as pool:
        yield pool


@pytest.mark.parametrize("name", OWED)
def test_an_attack_gets_its_status_and_its_neighbours_their_scores(pool: ScoringPool, name: str) -> None:
    texts = ["good:1", "good:2", "good:3", name, "good:4", "good:5", "good:6"]
    scores = pool.judge("attacked", [Response(text) for text in texts], {}, timeout_s=20)
    attacked = scores[3]
    assert attacked.status == OWED[name], attacked
    assert attacked.value == 0.0
    assert [score.status for score in scores].count("ok") >= 6
    assert [score.value for score in scores] == pytest.approx([1 / 7, 2 / 7, 3 / 7, 0, 4 / 7, 5 / 7, 6 / 7])
    assert attacked.detail.isprintable()
    assert len(attacked.detail) <= 2000 or attacked.status == "ok"
    assert not Path("/tmp/rlstack-hostile-file").exists()
    assert ATTACK.exists()
    assert pool.stats()["restarts"] == 0


@pytest.mark.slow
def test_a_storm_of_attacks_harms_no_honest_answer(pool: ScoringPool) -> None:
    rng = random.Random(11)
    names = [name for name in OWED if name not in HANGS]
    texts = [f"good:{n}" if rng.random() < 0.9 else rng.choice(names) for n in range(ITEMS)]
    for at in rng.sample(range(ITEMS), min(20, ITEMS // 50)):
        texts[at] = rng.choice(HANGS)
    groups = [texts[at : at + GROUP] for at in range(0, ITEMS, GROUP)]
    futures = [pool.submit("attacked", [Response(text) for text in group], {}) for group in groups]
    scores = [score for group in pool.collect(futures, 60 + ITEMS / 20) for score in group]
    for text, score in zip(texts, scores, strict=True):
        name, _, number = text.partition(":")
        assert score.status == OWED.get(name, "ok"), (text, score)
        if name == "good":
            assert score.value == pytest.approx(int(number) % 7 / 7)
    assert pool.stats()["restarts"] == 0


def test_nothing_is_left_behind() -> None:
    config = ScoringConfig(workers=2, memory_mb=512)
    with ScoringPool({"attacked": {str(ATTACK): 1.0}}, config) as pool:
        server = pool.server_pid
        texts = ["good:1", "exit_3", "segfault", "fork", "outlive", "stop", "good:2"]
        pool.judge("attacked", [Response(text) for text in texts], {})
        _within_seconds(lambda states: len(states) >= 3 and "Z" not in "".join(states), server)  # it and two workers
    _within_seconds(lambda states: states == [], server)


def _within_seconds(holds: Callable[[list[str]], bool], server: int) -> None:
    """A lost worker is collected, and its successor started, a moment after its verdict."""
    end = time.monotonic() + 10
    while not holds(states := _states_of_session(server)):
        assert time.monotonic() < end, states
        time.sleep(0.05)


def _states_of_session(server: int) -> list[str]:
    """The process states of a server and of all its descendants, by its parentage."""
    rows = [
        line.split()
        for line in subprocess.run(
            ["ps", "-eo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
        ).stdout.splitlines()
    ]
    family, states = {server}, []
    for pid, parent, state in sorted(rows, key=lambda row: int(row[0])):
        if int(pid) == server or int(parent) in family:
            family.add(int(pid))
            states.append(state)
    return states
