"""Every constraint can be kept, alone and with all that it may meet, and breaking it shows."""

from __future__ import annotations

import itertools
import random

import pytest

from rlstack.api import Response
from rlstack.authoring.hostile import stuffer
from rlstack.envs.instruction import env, prose
from rlstack.envs.instruction.constraints import CONSTRAINTS, compatible
from rlstack.plugins import load_reward

judge = load_reward("ifeval").score
OWN = [name for name in CONSTRAINTS if name != "language:response_language"]


def paid(text: str, row) -> float:
    verdict = judge(Response(text), row.data)
    assert verdict.status == "ok", verdict.detail
    return verdict.value


@pytest.mark.parametrize("name", OWN)
def test_kept_pays_and_forgotten_does_not(name):
    for i in range(25):
        rng = random.Random(f"{name}{i}")
        chosen = [(name, CONSTRAINTS[name].pick(rng, i % 4))]
        row = env._row(rng, chosen)
        assert paid(row.gold, row) == 1.0, row
        topic = next(topic for topic in prose.TOPICS if f" {topic} " in row.data["prompt"])
        text = CONSTRAINTS[name].violate(prose.sentence(rng, topic), chosen[0][1], rng)
        assert paid(text, row) == 0.0, (text, chosen)


@pytest.mark.parametrize("pair", [p for p in itertools.combinations(OWN, 2) if compatible(p[0], [p[1]])])
def test_compatible_pairs_can_be_kept_together(pair):
    for i in range(6):
        rng = random.Random(f"{pair}{i}")
        row = env._row(rng, [(name, CONSTRAINTS[name].pick(rng, i % 4)) for name in pair])
        assert paid(row.gold, row) == 1.0, row


@pytest.mark.parametrize("language", sorted(prose.LANGUAGES))
def test_languages(language):
    for i in range(6):
        rng = random.Random(i)
        row = env._row(rng, [("language:response_language", {"language": language})])
        assert paid(row.gold, row) == 1.0, row
        assert paid(prose.sentence(rng, "house"), row) == 0.0


@pytest.mark.parametrize("level", range(env.LEVELS))
def test_number_of_constraints(level):
    for i in range(60):
        row = env.generate(random.Random(i), level)
        ids = row.data["instruction_id_list"]
        foreign = ids[0] == "language:response_language"
        assert len(ids) == len(set(ids)) == (3 if foreign else level + 1)


def test_an_answer_to_nothing_pays_nothing():
    for i in range(60):
        row = env.generate(random.Random(i), 0)
        for text in ("I am not sure.", "I don't know", "yes", '"ok ok ok"', "<<A>> B C D", row.data["prompt"]):
            assert paid(text, row) == 0.0, (text, row.data)


@pytest.mark.parametrize("level", range(env.LEVELS))
def test_a_stuffer_pays_nothing(level):
    met = 0
    for i in range(100):
        row = env.generate(random.Random(f"stuffer {i}"), level)
        text = stuffer(row.data)
        assert paid(text, row) == 0.0, (text, row.data)
        met += judge(Response(text), row.data).components["strict"] == 1.0
    assert met >= 50  # else the text would be none
