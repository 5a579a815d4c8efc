"""Every test that docs/reward-hacking.md names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`((?:tests|envs)/[\w/]+\.py)::(\w+)`")


def test_every_named_test_exists() -> None:
    page = (ROOT / "docs" / "reward-hacking.md").read_text(encoding="utf-8")
    named = NAMED.findall(page)
    assert len(named) >= 40
    assert len(named) == page.count("::"), "a test is named in another form"
    missing = [f"{file}::{name}" for file, name in named if name not in _tests_of(ROOT / file)]
    assert missing == []


def test_every_attack_has_a_verdict_and_a_test() -> None:
    page = (ROOT / "docs" / "reward-hacking.md").read_text(encoding="utf-8").partition("## The long form")[0]
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| attack")]
    assert len(rows) >= 25
    assert [row for row in rows if row.count(" | ") != 2 or "::" not in row] == []


def _tests_of(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
