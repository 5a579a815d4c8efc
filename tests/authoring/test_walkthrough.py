"""The environment of docs/authoring.md, taken from the page itself, keeps the contract."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rlstack.api import Response
from rlstack.authoring import check
from rlstack.cli.env import VERBS
from rlstack.cli.main import COMMANDS
from rlstack.plugins import load_reward

pytestmark = pytest.mark.process

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "authoring.md").read_text(encoding="utf-8")


def test_the_code_on_the_page_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "envs" / "countdown"
    folder.mkdir(parents=True)
    env, reward = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "env.py").write_text(env)
    (folder / "reward.py").write_text(reward)
    report = check("countdown", rows=6)
    assert report.sound, report
    score = load_reward("countdown").score
    data = {"numbers": [4, 14], "target": 18}
    assert score(Response(" (4 + 14) "), data).value == 1.0
    for text in ("18", "14+4=18", "9+9", "4+14+0", "4**14", "(" * 90, "4+14 if 1 else 0", "__import__('os')"):
        assert score(Response(text), data).value == 0.0, text


def test_the_page_names_commands_that_exist():
    for verb in re.findall(r"rlstack env (\w+)", PAGE):
        assert verb in VERBS
    for command in re.findall(r"^\$ rlstack (\w+)", PAGE, re.MULTILINE):
        assert command in COMMANDS
    assert all(f"rlstack env {verb}" in PAGE for verb in VERBS)
