"""`rlstack rescore`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlstack.cli.main import main

SAMPLE = {
    "prompt_id": "a", "env": "temporal", "prompt_ids": [1], "completion_ids": [2], "logprobs": [0.0], "loss_mask": [1],
    "finish_reason": "stop", "weight_version": 0,
}  # fmt: skip


@pytest.fixture
def run(tmp_path) -> Path:
    """One step of env temporal, whose second verdict was wrong and whose third was lost."""
    prompt = {
        "id": "a", "env": "temporal", "index": 0, "level": 0, "data": {"answer": "Monday"},
        "messages": [{"role": "user", "content": "Which day?"}],
    }  # fmt: skip
    old = [("Monday", 1.0, "ok"), ("on\x1b[31mMonday", 1.0, "ok"), ("Friday", 0.0, "timeout")]
    samples = [
        {
            **SAMPLE,
            "index": i,
            "text": text,
            "score": {"value": value, "status": status, "components": {}, "detail": "then"},
        }
        for i, (text, value, status) in enumerate(old)
    ]
    file = tmp_path / "run" / "rl" / "rollouts" / "step-000001.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"step": 1, "prompt": prompt, "samples": samples}) + "\n")
    config = {"stages": {"rl": {"kind": "rl", "envs": {"temporal": {"weight": 1.0}}}}}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    return tmp_path / "run"


def test_what_changed_is_shown(run, capsys):
    assert main(["rescore", str(run)]) == 0
    shown = capsys.readouterr().out
    counts = next(line for line in shown.splitlines() if line.startswith("temporal")).split()
    assert counts == ["temporal", "3", "2", "0", "1", "1", "0", "1.0000", "0.3333"]
    assert "temporal  1 → 0   rl/rollouts/step-000001 a sample 1" in shown
    assert "temporal  timeout → 0 " in shown
    assert "  answer  on\\x1b[31mMonday" in shown
    assert "  before  then" in shown
    assert main(["rescore", str(run), "--show", "1"]) == 0
    assert "the first 1 of 2" in capsys.readouterr().out


def test_as_json(run, capsys):
    assert main(["rescore", str(run), "--env", "temporal", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["envs"]["temporal"]["changed"] == 2
    assert [change["after"]["value"] for change in found["changes"]] == [0.0, 0.0]


def test_mistakes_are_explained(run, capsys):
    assert main(["rescore", str(run.parent)]) == 1
    assert "is no run directory" in capsys.readouterr().err
    assert main(["rescore", str(run), "--env", "temporel"]) == 1
    assert "did you mean 'temporal'?" in capsys.readouterr().err
