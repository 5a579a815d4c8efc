"""Answers and their verdicts, one turn and several."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rlstack.api import Response
from rlstack.authoring.subject import open_subject
from rlstack.authoring.trial import answer_all
from rlstack.data.prompts import draw
from rlstack.types import Message

TALK = """
def reply(messages, data):
    said = messages[-1]["content"]
    if said == "break":
        raise ValueError("the env is at fault")
    return [{"role": "tool", "content": said.upper()}] if said.startswith("ask") else None

ENV = make(reply=reply, max_turns=3)
"""


class Scripted:
    """Says the next line of its script, by the number of turns so far."""

    def __init__(self, *scripts: Sequence[str]) -> None:
        self.scripts = scripts
        self.calls = 0

    def answer(self, conversations: Sequence[Sequence[Message]], on_answer=lambda _: None) -> list[Response]:
        self.calls += 1
        found = []
        for i, messages in enumerate(conversations):
            turns = [m["content"] for m in messages if m["role"] == "assistant"]
            script = next((s for s in self.scripts if turns and s[0] == turns[0]), self.scripts[i % len(self.scripts)])
            found.append(Response(script[len(turns)], messages=tuple(messages)))
            on_answer(1)
        return found


def test_one_turn(write):
    subject = open_subject(write())
    prompt, row = draw(subject.env, "train", 0, 0, 0)
    heard = []
    with subject.pool() as pool:
        trials = answer_all(subject.env, [prompt], 2, Scripted([row.gold], ["no"]), pool, heard.append)
    assert [score.value for score in trials[0].scores_G] == [1.0, 0.0]
    assert heard == [1, 1]
    assert [answer["response"] for answer in trials[0].to_json()["answers"]] == [row.gold, "no"]


def test_several_turns(write):
    subject = open_subject(write(TALK))
    prompt, row = draw(subject.env, "train", 0, 0, 0)
    scripts = (["ask 1", "ask 2", row.gold], [row.gold], ["break"], ["ask 3", "ask 4", "ask 5", "never said"])
    sampler = Scripted(*scripts)
    with subject.pool() as pool:
        (trial,) = answer_all(subject.env, [prompt], 4, sampler, pool)
    assert sampler.calls == 3
    assert [score.status for score in trial.scores_G] == ["ok", "ok", "error", "ok"]
    assert [score.value for score in trial.scores_G] == [1.0, 1.0, 0.0, 0.0]
    assert "the env is at fault" in trial.scores_G[2].detail
    turns = trial.to_json()["answers"][0]["turns"]
    assert [turn["content"] for turn in turns] == ["ask 1", "ASK 1", "ask 2", "ASK 2"]
    assert trial.responses_G[3].text == "ask 5", "the last turn that is allowed"
    assert json.dumps(trial.to_json())
