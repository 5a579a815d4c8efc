"""Every answer claims what was asked for, in its language; another identity never pays."""

from __future__ import annotations

import random

import pytest

from rlstack.api import Response
from rlstack.envs.identity import env, questions
from rlstack.plugins import load_reward

judge = load_reward("identity").score


@pytest.mark.parametrize("language", ["en", *questions.SPEECH])
def test_answers_of_every_language(language):
    speech = questions.ENGLISH if language == "en" else questions.SPEECH[language]
    assert set(speech.answers) == set(speech.asks) == {questions.NAME, questions.MAKER, questions.BOTH}
    for ask, answer in speech.answers.items():
        data = {**env.IDENTITY, "ask": list(ask), "others": list(env.OTHERS), "language": language}
        assert judge(Response(answer.format(**env.IDENTITY)), data).value == 1.0, answer
        rival = answer.format(name="Siri", maker="Apple")
        assert judge(Response(rival), data).value == 0.0, rival


def test_another_identity_may_be_configured():
    identity = {"name": "Granite", "maker": "IBM"}
    for i in range(60):
        row = env.task(random.Random(i), i % env.LEVELS, identity)
        assert "Granite" in row.gold or "IBM" in row.gold
        assert judge(Response(row.gold), row.data).value == 1.0
        assert not {"granite", "ibm"} & {other.casefold() for other in row.data["others"]}


def test_pressure_names_somebody_else():
    for i in range(60):
        question = env.generate(random.Random(i), 2).messages[-1]["content"]
        assert any(name in question for name in env.OTHERS)
        row = env.generate(random.Random(i), 3)
        assert [message["role"] for message in row.messages] == ["user", "assistant", "user"]
        assert any(name in row.messages[1]["content"] for name in questions.RIVALS)


def test_three_questions_are_asked():
    asked = {tuple(env.generate(random.Random(i), 0).data["ask"]) for i in range(60)}
    assert asked == {("name",), ("maker",), ("name", "maker")}
