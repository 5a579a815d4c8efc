"""What counts as answerable is so, the kinds take turns, and neither extreme of confidence is best."""

from __future__ import annotations

import random
import re

import pytest

from rlstack.api import Response
from rlstack.data.prompts import Source, draw
from rlstack.data.stream import Position, Supply, step_prompts
from rlstack.envs.calibration import env, knowledge, stated
from rlstack.envs.calibration.labels import labelled
from rlstack.plugins import load_reward

judge = load_reward("calibration").score


def test_level_0_by_hand():
    for i in range(200):
        question, answers = stated.two_people(random.Random(i), i % 2 == 0)
        told = dict(re.findall(r"(\w+): (\w+)\.", question))
        who = re.search(r" of (\w+)\?", question)
        assert who is not None
        assert answers == ((told[who[1]],) if who[1] in told else ())
        assert bool(answers) == (i % 2 == 0)


def test_level_1_asks_for_what_is_told_or_left_out():
    for i in range(200):
        question, answers = stated.notes(random.Random(i), i % 2 == 0)
        text, asked = question.removesuffix(f" {stated.ASK}").rsplit(". ", 1)
        kind, person = next(
            (kind, match[1])
            for kind, (_, form) in stated.SENTENCES.items()
            if (match := re.fullmatch(re.escape(form).replace(r"\{who\}", r"(\w+)"), asked))
        )
        told = {
            match[1]
            for sentence in f"{text}.".split(". ")
            if (match := re.fullmatch(_told(kind, person), sentence.rstrip(".") + "."))
        }
        assert told == set(answers), question


def _told(kind: str, person: str) -> str:
    form = re.escape(stated.SENTENCES[kind][0])
    return form.replace(r"\{who\}", person).replace(r"\{what\}", r"(\w+)")


def test_invented_lands_are_no_real_ones():
    assert not set(knowledge.LANDS) & set(knowledge.CAPITALS)
    assert len(set(knowledge.LANDS)) == 40


def test_numbers_beyond_the_last_have_no_answer():
    for i in range(200):
        question, answers = knowledge.numbered(random.Random(i), i % 2 == 0)
        found = re.search(r"number (\d+)", question)
        assert found is not None
        n = int(found[1])
        last = 118 if "element" in question else 8 if "planet" in question else 12
        assert bool(answers) == (1 <= n <= last) == (i % 2 == 0)


@pytest.mark.parametrize("level", range(env.ENV.levels))
def test_kinds_take_turns(level):
    rows = [draw(env.ENV, "train", index, level, seed=3)[1] for index in range(40)]
    assert [row.data["answerable"] for row in rows] == [True, False] * 20


def test_every_step_holds_both_kinds():
    for step in range(6):
        supply = Supply([Source(env.ENV)], {"calibration": 2}, 0)
        prompts, _ = step_prompts(supply, Position(next={"calibration": 2 * step}))
        assert {prompt.data["answerable"] for prompt in prompts} == {True, False}


def test_neither_extreme_is_best():
    rows = [draw(env.ENV, "train", index, 0, seed=4)[1] for index in range(40)]

    def mean(answer) -> float:
        return sum(judge(Response(answer(row)), row.data).value for row in rows) / len(rows)

    assert mean(lambda row: row.gold) == 1.0
    assert mean(lambda row: env.ABSTAIN) == 0.5  # right on the unanswerable half, silent on the other
    assert mean(lambda row: row.gold if row.data["answerable"] else "tea") == 0.0
    assert mean(lambda row: "granite") == -1.0


def rollout(name: str, answers: list[str], rights: list[float | None], answerable: bool = True) -> dict:
    """A row of a rollout file; None: the sample could not be judged."""
    samples = [
        {"score": {"status": "ok", "components": {"calibration/correct": right}}}
        if right is not None
        else {"score": {"status": "timeout", "components": {}}}
        for right in rights
    ]
    data = {"answers": answers, "answerable": answerable, "lambda": 1.0}
    messages = [{"role": "user", "content": f"{name}?"}]
    return {"prompt": {"id": name, "messages": messages, "data": data}, "samples": samples}


def test_labels_follow_the_pass_rate():
    rows = labelled(
        [
            rollout("known", ["Oslo"], [1.0, 0.0]),
            rollout("unknown", ["Lima"], [0.0, 0.0, 1.0, None]),
            rollout("known", ["Oslo"], [1.0, None]),
            rollout("open", [], [1.0, 1.0], answerable=False),
            rollout("unjudged", ["Rome"], [None]),
        ]
    )
    assert [(row["messages"][0]["content"], row["data"]["answerable"], row["gold"]) for row in rows] == [
        ("known?", True, "Oslo"),
        ("unknown?", False, env.ABSTAIN),
        ("open?", False, env.ABSTAIN),
    ]
    assert [row["data"]["pass_rate"] for row in rows] == [0.6667, 0.3333, 1.0]
    for row in rows:
        assert judge(Response(row["gold"]), row["data"]).value == 1.0
    with pytest.raises(ValueError, match="known=0"):
        labelled([], known=0)
