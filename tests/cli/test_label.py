"""`rlstack env label`: rollouts, or a model's answers, to rows that load again as a data set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rlstack.api import Response
from rlstack.authoring.subject import open_subject
from rlstack.cli.env import model
from rlstack.cli.main import main
from rlstack.data.loaders import with_data
from rlstack.data.prompts import data_rows, draw
from rlstack.plugins import load_env, load_reward
from rlstack.stages.records import group_row, rollout_file
from rlstack.types import Group, Message, Prompt, Sample

pytestmark = pytest.mark.process

QUESTIONS = [{"question": f"Who made lamp {n}?", "answers": ["Ada", "A. Byron"] if n % 3 else []} for n in range(60)]


def knows(messages: Sequence[Message]) -> bool:
    """What the policy of these tests knows: lamps below 30."""
    return int(messages[-1]["content"].split("?")[0].split()[-1]) < 30


class Half:
    """Says Ada, or of the lamps that it does not know, Eva three times in four."""

    def answer(self, conversations: Sequence[Sequence[Message]], on_answer=lambda _: None) -> list[Response]:
        return [
            Response("Ada" if knows(messages) or i % 4 == 0 else "Eva", messages=tuple(messages))
            for i, messages in enumerate(conversations)
        ]


@pytest.fixture
def questions(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "questions.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in QUESTIONS))
    return file


def group(prompt: Prompt, texts: Sequence[str], judge) -> Group:
    one = np.zeros(1, np.float32)
    samples = tuple(
        Sample(prompt.id, prompt.env, i, one.astype(np.int32), one.astype(np.int32), one, one == 0, "stop", 0, text)
        for i, text in enumerate(texts)
    )
    return Group(prompt, samples, judge([Response(text, messages=prompt.messages) for text in texts], prompt.data))


@pytest.fixture
def run(questions) -> Path:
    """Two steps over the questions, judged by the real pool: the policy is bad at step 1 and knows at step 2."""
    folder = questions.parent / "run"
    subject = open_subject("calibration", str(questions))
    with subject.pool() as pool:
        for step in (1, 2):
            prompts = [draw(subject.env, "train", i, 0, 0)[0] for i in range(20)]
            texts = [["Ada"] * 2 if step == 2 and knows(prompt.messages) else ["Eva"] * 2 for prompt in prompts]
            groups = [
                group(p, t, lambda answers, data: pool.judge("calibration", answers, data))
                for p, t in zip(prompts, texts, strict=True)
            ]
            other = Group(
                Prompt("other", "math", 0, prompts[0].messages, {"answer": "1"}),
                groups[0].samples_G,
                groups[0].scores_G,
            )
            file = folder / rollout_file("rl", step)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(json.dumps(group_row(one, step)) + "\n" for one in (*groups, other)))
    (folder / "rl" / "eval").mkdir()
    (folder / "rl" / "eval" / "before.jsonl").write_text("not to be read\n")
    (folder / "config.json").write_text(json.dumps({"stages": {"rl": {"kind": "rl", "envs": {"calibration": {}}}}}))
    return folder


def written(name: str = "labelled.jsonl") -> list[dict]:
    return [json.loads(line) for line in Path(name).read_text().splitlines()]


def test_rollouts_of_a_run(run, capsys):
    assert main(["env", "label", "calibration", "--rollouts", str(run), "--from-step", "2"]) == 0
    rows = written()
    assert len(rows) == 20, "the other env is left out, and the evaluation"
    expected = [bool(row["data"]["answers"]) and knows(row["messages"]) for row in rows]
    assert [row["data"]["answerable"] for row in rows] == expected
    assert 0 < sum(expected) < 20
    without = sum(not row["data"]["answers"] for row in rows)
    said = capsys.readouterr().out
    counts = f"{sum(expected)} known (right in at least 50% of the answers), {20 - sum(expected) - without} unknown"
    assert said.startswith(f"20 questions: {counts}, {without} without an answer\n")
    assert "train with envs.calibration.data=labelled.jsonl" in said
    assert (
        main(["env", "label", "calibration", "--rollouts", str(run), "--known", "0.6", "--out", "all/steps.jsonl"]) == 0
    )
    assert not any(row["data"]["answerable"] for row in written("all/steps.jsonl")), "known in half of all answers only"
    assert "one kind only, over which always abstaining is best" in capsys.readouterr().out


def test_a_model_that_is_asked_now(questions, capsys, monkeypatch):
    monkeypatch.setattr(model, "sampler", lambda options, env: Half())
    words = ["env", "label", "calibration", "--data", str(questions), "--model", "tiny", "--samples", "4"]
    assert main(words) == 0
    rows = written()
    assert len(rows) == len(data_rows(with_data(load_env("calibration"), str(questions)), "train"))
    rates = {row["data"]["pass_rate"] for row in rows if row["data"]["answers"]}
    assert rates == {1.0, 0.25}
    assert all(row["data"]["answerable"] == (bool(row["data"]["answers"]) and knows(row["messages"])) for row in rows)
    again = with_data(load_env("calibration"), "labelled.jsonl")
    loaded = [*data_rows(again, "train"), *data_rows(again, "eval")]
    assert len(loaded) == len(rows)
    judge = load_reward("calibration").score
    assert all(judge(Response(row.gold), row.data).value == 1.0 for row in loaded)


def test_what_env_try_has_found(questions, capsys, monkeypatch):
    monkeypatch.setattr(model, "sampler", lambda options, env: Half())
    words = ["env", "try", "calibration", "--data", str(questions), "-n", "12", "--json"]
    assert main([*words, "--model", "tiny", "--samples", "4"]) == 0
    Path("tried.jsonl").write_text(capsys.readouterr().out)
    assert main(["env", "label", "calibration", "--rollouts", "tried.jsonl"]) == 0
    assert {row["data"]["answerable"] for row in written()} == {True, False}
    capsys.readouterr()
    assert main(words) == 0
    Path("golds.jsonl").write_text(capsys.readouterr().out)
    assert main(["env", "label", "calibration", "--rollouts", "golds.jsonl"]) == 2
    assert "golds.jsonl:1: these are gold answers; env try needs --model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["calibration"], "whose answers? give one of --rollouts RUN"),
        (["calibration", "--rollouts", "x", "--model", "tiny"], "whose answers?"),
        (["calibration", "--rollouts", "x", "--data", "questions.jsonl"], "--data goes with --model"),
        (["calibration", "--rollouts", "nowhere"], "nowhere is neither a run directory nor a file of rollouts"),
        (["calibration", "--rollouts", "questions.jsonl"], "questions.jsonl:1 is neither a row of rollouts"),
        (["math", "--rollouts", "questions.jsonl"], "env 'math' is not judged by the reward calibration"),
        (["calibration", "--model", "tiny", "--level", "9"], "has levels 0 to 3"),
    ],
)
def test_mistakes_are_explained(questions, capsys, words, said):
    assert main(["env", "label", *words]) in (1, 2)
    assert said in capsys.readouterr().err
    assert not Path("labelled.jsonl").exists()


def test_rollouts_that_another_reward_judged(questions, capsys):
    row = {"prompt": {"id": "1", "env": "calibration", "messages": [], "data": {"answers": [], "answerable": False}}}
    row["samples"] = [{"score": {"status": "ok", "components": {"exact": 1.0}}}]
    Path("other.jsonl").write_text(json.dumps(row) + "\n")
    assert main(["env", "label", "calibration", "--rollouts", "other.jsonl"]) == 2
    assert "other.jsonl: no rollouts judged by calibration (KeyError('calibration/correct'))" in capsys.readouterr().err
