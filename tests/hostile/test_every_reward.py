"""Hostile answers against every shipped reward, each beside a good one, through the live pool: none of the good ones
is harmed, no text that says nothing is paid, nothing hangs, and nothing stays behind.

The short form has 60 hostile answers per reward; RLSTACK_HOSTILE_ITEMS=10000 is the long one, as is
`python bench/hostile_rewards.py`, which prints its figures.
"""

from __future__ import annotations

import os

import pytest

from rlstack.authoring.examples import TASKS
from rlstack.authoring.storm import storm
from rlstack.plugins import reward_names

pytestmark = pytest.mark.process

ITEMS = int(os.environ.get("RLSTACK_HOSTILE_ITEMS", "60"))


def test_the_table_holds_every_reward() -> None:
    own = set(reward_names()) - {"reward_model"}  # a network's opinion: its answers are judged in its own tests
    assert own == set(TASKS)


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_hostile_answers_harm_nothing(name: str) -> None:
    outcome = storm(name, ITEMS)
    assert outcome.hostile == outcome.good == ITEMS
    assert outcome.clean, outcome
