"""Rollouts of a run, judged again by a reward that has changed since."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rlstack.authoring.rejudge import Tally, rejudge, saved_stages
from rlstack.config.rl import ScoringConfig
from rlstack.errors import PluginError, RunDirError
from rlstack.stages.records import group_row, rollout_file
from rlstack.types import Group, Prompt, Sample, Score

LENIENT = "def score(r, d):\n    return judged(d['answer'] in r.text, 'contains')"
TEXTS = ("7", "it is 7", "8")


def sample(prompt: Prompt, index: int, text: str) -> Sample:
    one = np.zeros(1, np.float32)
    return Sample(
        prompt.id, prompt.env, index, one.astype(np.int32), one.astype(np.int32), one, one == 0, "stop", 0, text
    )


def group(env: str, number: int, scores: list[Score]) -> Group:
    prompt = Prompt(f"id{number}", env, number, ({"role": "user", "content": "3 + 4?"},), {"answer": "7"})
    return Group(prompt, tuple(sample(prompt, i, text) for i, text in enumerate(TEXTS)), tuple(scores))


@pytest.fixture
def run(tmp_path, write) -> Path:
    """Two steps and an evaluation of env sizes, and one step of env exact_sums, judged by exact match then."""
    write('ENV = make(rewards={"sizes": 1.0})', reward=LENIENT)
    folder = tmp_path / "run"
    strict = [Score(1.0), Score(0.0), Score(0.0, "timeout")]
    for step in (1, 2):
        file = folder / rollout_file("rl", step)
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = [group_row(group("sizes", step, strict), step), group_row(group("math", step, [*strict]), step)]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "rl" / "eval").mkdir()
    (folder / "rl" / "eval" / "before.jsonl").write_text(json.dumps(group_row(group("sizes", 9, strict), 0)) + "\n")
    config = {"stages": {"rl": {"kind": "rl", "envs": {"sizes": {"path": None, "rewards": None}, "math": {}}}}}
    config["stages"]["sft"] = {"kind": "sft", "data": {"math": 1.0}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def contents(run: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in run.rglob("*") if file.is_file()}


def test_changed_verdicts_are_found_and_the_run_stays_as_it_is(run):
    before = contents(run)
    files = []
    found = rejudge(run, saved_stages(run), ["sizes"], ScoringConfig(), files.append)
    assert contents(run) == before
    assert len(files) == 3
    tally = found.envs["sizes"]
    assert list(found.envs) == ["sizes"]
    assert (tally.samples, tally.higher, tally.lower, tally.status, tally.changed) == (9, 3, 0, 3, 6)
    assert (tally.mean_before, tally.mean_after) == (0.5, pytest.approx(2 / 3))
    assert {(c.sample.text, c.before.status, c.after.value) for c in found.changes} == {
        ("it is 7", "ok", 1.0),
        ("8", "timeout", 0.0),
    }
    assert found.changes[0].place == "rl/rollouts/step-000001"
    assert json.loads(json.dumps(found.to_json()))["envs"]["sizes"]["before"]["timeout"] == 3


def test_all_envs_with_todays_rewards(run):
    found = rejudge(run, saved_stages(run), [], ScoringConfig(), lambda _: None)
    assert {env: tally.samples for env, tally in found.envs.items()} == {"sizes": 9, "math": 6}
    assert found.envs["math"].higher == 2, "'it is 7' is right for the math reward"


def test_recipe_weights_count(run):
    config = json.loads((run / "config.json").read_text())
    config["stages"]["rl"]["envs"]["math"] = {"rewards": {"exact": 0.5}}
    (run / "config.json").write_text(json.dumps(config))
    tally = rejudge(run, saved_stages(run), ["math"], ScoringConfig(), lambda _: None).envs["math"]
    assert (tally.lower, tally.mean_after) == (2, pytest.approx(0.5 / 3))


def test_mistakes_are_explained(run, tmp_path):
    with pytest.raises(RunDirError, match=r"no run directory: its config\.json cannot be read"):
        saved_stages(tmp_path)
    with pytest.raises(RunDirError, match="has no RL stage 'lr'; known: rl"):
        saved_stages(run, ["lr"])
    with pytest.raises(RunDirError, match="no rollouts of env 'size'; did you mean 'sizes'"):
        rejudge(run, saved_stages(run), ["size"], ScoringConfig(), lambda _: None)
    (run / "rl" / "rollouts" / "step-000002.jsonl").write_text("{broken\n")
    with pytest.raises(RunDirError, match=r"step-000002\.jsonl:1 is not a row of rollouts"):
        rejudge(run, saved_stages(run), ["sizes"], ScoringConfig(), lambda _: None)
    config = json.loads((run / "config.json").read_text())
    config["stages"]["rl"]["envs"] = {"gone": {}}
    (run / "config.json").write_text(json.dumps(config))
    with pytest.raises(PluginError, match="no env is named 'gone'"):
        rejudge(run, saved_stages(run), [], ScoringConfig(), lambda _: None)


def test_tally_by_hand():
    tally = Tally()
    pairs = [(Score(0.3), Score(0.1 + 0.2)), (Score(1.0), Score(0.0)), (Score(0.0, "error"), Score(0.0, "error"))]
    assert [tally.add(before, after) for before, after in pairs] == [False, True, False]
    assert (tally.lower, tally.changed, tally.before["error"]) == (1, 1, 1)
