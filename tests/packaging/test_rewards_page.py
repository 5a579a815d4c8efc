"""docs/rewards.md names every reward, with its own limit, and its examples earn what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rlstack.api import Response
from rlstack.plugins import load_reward, reward_names

PAGE = (Path(__file__).parents[2] / "docs" / "rewards.md").read_text(encoding="utf-8")
EXAMPLES = [json.loads(line) for line in PAGE.splitlines() if line.startswith('{"reward"')]
ROWS = {
    name: row
    for row in PAGE.partition("## Speed")[0].splitlines()
    if row.startswith("| `")
    for name in re.findall(r"`(\w+)`", row.split(" | ")[0])
}


def test_every_reward_has_its_row_and_its_example() -> None:
    ours = set(reward_names())
    assert set(ROWS) == ours
    assert {example["reward"] for example in EXAMPLES} == ours - {"reward_model"}  # needs a checkpoint


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["reward"])
def test_the_examples_earn_the_full_score(example: dict) -> None:
    found = load_reward(example["reward"]).score(Response(example["response"]), example["data"])
    assert (found.status, found.value) == ("ok", 1.0), found


@pytest.mark.parametrize("name", sorted(ROWS))
def test_the_limits_are_those_of_the_code(name: str) -> None:
    assert ROWS[name].endswith(f"| {load_reward(name).deadline_s:g} s |")
