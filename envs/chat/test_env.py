"""The rules of the stand-in hold for what the env writes, and each of its habits breaks the rule it should."""

from __future__ import annotations

import random

import pytest

from rlstack.api import Response
from rlstack.envs.chat import env, small_talk
from rlstack.plugins import load_reward

judge = load_reward("chat_rules").score


@pytest.mark.parametrize("level", range(env.ENV.levels))
def test_subjects_are_in_the_question_or_before_it(level):
    for i in range(60):
        row = env.generate(random.Random(i), level)
        told = " ".join(message["content"] for message in row.messages)
        assert all(word in told for word in row.data["about"])


def test_every_language_is_met():
    seen = {env.generate(random.Random(i), 1).data["language"] for i in range(200)}
    assert seen == set(small_talk.FOREIGN)
    for i in range(100):
        row = env.generate(random.Random(i), 1)
        assert judge(Response(row.gold), row.data).value == 1.0
        other = {**row.data, "language": "en"}
        assert judge(Response(row.gold), other).components["language"] == 0.0


def test_follow_ups_need_what_was_said_before():
    for i in range(40):
        row = env.generate(random.Random(i), 3)
        assert len(row.messages) == 3
        assert row.data["about"][0] not in row.messages[-1]["content"]


HABITS = {
    "I know a lot of things about": "on_topic",
    "are fine.": "unrepeated",
    "What do you think": "sentences",
}


def test_habits_break_the_rule_they_should():
    met = set()
    for i in range(300):
        rng = random.Random(i)
        row = env.generate(rng, 0)
        text = env.draft(row, rng)
        score = judge(Response(text), row.data)
        for habit, rule in HABITS.items():
            if habit in text:
                assert score.value == 0.0
                assert score.components[rule] == 0.0
                met.add(habit)
    assert met == set(HABITS)
