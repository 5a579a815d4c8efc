"""A folder of environments written by the test, as the working directory."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable

import pytest

HEAD = """
import random
from rlstack.api import Env, Row, judged

def generate(rng, level):
    a, b = rng.randint(100, 999), rng.randint(100, 999)
    return Row.ask(f"Which is larger, {a} or {b}, at level {level}?", {"answer": str(max(a, b))}, str(max(a, b)))

def make(**changes):
    kept = {"name": "sizes", "rewards": {"exact": 1.0}, "generate": generate, "levels": 2}
    return Env(**{**kept, **changes})

"""
REWARD_HEAD = "import random, time\nfrom rlstack.api import judged, invalid\n"


@pytest.fixture
def write(tmp_path, monkeypatch) -> Callable[..., str]:
    """Writes envs/sizes from a body that ends in ENV = make(...), in a fresh working directory; returns its name."""
    numbers = itertools.count()

    def _write(body: str = "ENV = make()", reward: str | None = None, gold: str | None = None) -> str:
        folder = tmp_path / str(next(numbers)) / "envs" / "sizes"  # another folder, else Python has it loaded already
        folder.mkdir(parents=True)
        monkeypatch.chdir(folder.parents[1])
        (folder / "env.py").write_text(HEAD + textwrap.dedent(body))
        if reward is not None:
            (folder / "reward.py").write_text(REWARD_HEAD + textwrap.dedent(reward))
        if gold is not None:
            (folder / "gold.jsonl").write_text(gold)
        return "sizes"

    return _write
