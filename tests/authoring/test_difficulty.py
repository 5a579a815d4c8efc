"""Pass rates, mixed groups and the suggested level, from a sampler whose skill is known."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from rlstack.api import Response
from rlstack.authoring.difficulty import Level, level_of, measure, suggest
from rlstack.authoring.subject import open_subject
from rlstack.authoring.trial import Trial
from rlstack.data.prompts import eval_prompts
from rlstack.types import Message, Prompt, Score

PROMPT = Prompt("p", "sizes", 0, ({"role": "user", "content": "?"},), {})


def trial(*values: float | None, cut: int = 0) -> Trial:
    responses = tuple(Response("x", "length" if i < cut else "stop") for i in range(len(values)))
    scores = tuple(Score(0.0, "error") if value is None else Score(value) for value in values)
    return Trial(PROMPT, responses, scores)


def test_the_figures_of_a_level():
    row = level_of(2, [trial(0.5, 0.5, 0.0, 0.0), trial(0.0, 0.0, 0.0, 0.0, cut=2), trial(0.5, None, None, 0.5)], 0.5)
    assert (row.level, row.prompts, row.samples) == (2, 3, 12)
    assert row.pass_rate == pytest.approx((0.5 + 0 + 1) / 3), "each prompt counts once"
    assert row.mixed == pytest.approx(1 / 3)
    assert row.mean_score == pytest.approx(2.0 / 10)
    assert row.cut_off == pytest.approx(2 / 12)
    assert row.unjudged == pytest.approx(2 / 12)
    assert row.low < row.pass_rate < row.high


def test_equal_partial_scores_are_no_mixed_outcome():
    assert level_of(0, [trial(0.1 + 0.2, 0.3)], 1.0).mixed == 0.0
    assert level_of(0, [trial(0.1, 0.3)], 1.0).mixed == 1.0


def test_a_level_that_could_not_be_judged():
    row = level_of(0, [trial(None, None)], 1.0)
    assert math.isnan(row.pass_rate)
    assert (row.low, row.high, row.mixed, row.unjudged) == (0.0, 1.0, 0.0, 1.0)
    assert suggest([row])[0] is None


def level(number: int, rate: float, mixed: float) -> Level:
    return Level(number, 16, 128, rate, 0.0, 1.0, mixed, rate, 0.0, 0.0)


@pytest.mark.parametrize(
    ("levels", "suggested", "word"),
    [
        ([level(0, 0.9, 0.3), level(1, 0.5, 0.8), level(2, 0.1, 0.4)], 1, "level 1: 80%"),
        ([level(0, 0.5, 0.5), level(1, 0.5, 0.5)], 0, "level 0"),
        ([level(0, 0.0, 0.0), level(1, 0.01, 0.06)], None, "too hard"),
        ([level(0, 1.0, 0.0), level(1, 0.98, 0.1)], None, "too easy"),
        ([level(0, 0.5, 0.0)], None, "temperature"),
    ],
)
def test_the_level_to_train_on(levels, suggested, word):
    found, advice = suggest(levels)
    assert found == suggested
    assert word in advice


class Knowing:
    """Answers rightly with a chance that falls with the level."""

    def __init__(self, chances: Sequence[float]) -> None:
        self.rng, self.chances = random.Random(3), chances

    def answer(self, conversations: Sequence[Sequence[Message]], on_answer=lambda _: None) -> list[Response]:
        found = []
        for messages in conversations:
            question = messages[-1]["content"]
            level = int(question[-2])
            larger = max(word.strip(",") for word in question.split()[3:6:2])
            right = self.rng.random() < self.chances[level]
            found.append(Response(larger if right else "none", messages=tuple(messages)))
            on_answer(1)
        return found


def test_measured_with_a_live_pool(write):
    subject = open_subject(write())
    heard = []
    with subject.pool() as pool:
        found = measure(subject.env, [0, 1], 12, 8, Knowing([0.98, 0.5]), pool, heard.append)
    easy, fair = found.levels
    assert sum(heard) == easy.samples + fair.samples == 2 * 12 * 8
    assert easy.pass_rate > 0.85
    assert 0.3 < fair.pass_rate < 0.7
    assert fair.mixed > easy.mixed
    assert found.suggested == 1
    assert len({prompt.id for prompt in eval_prompts(subject.env, 12, 1)}) == 12
