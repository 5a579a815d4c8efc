"""Options differ, one is right, and formulas agree with decimal arithmetic done anew."""

from __future__ import annotations

import itertools
import random
import re

import pytest

from rlstack.api import Response
from rlstack.envs.science import env, facts, laws
from rlstack.plugins import load_reward

judge = load_reward("choice").score
MAKERS = [maker for level in env.LEVELS for maker in level]


def tasks(maker, n: int = 60):
    return [maker(random.Random(f"{maker.__name__}{i}")) for i in range(n)]


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"\d+(?:\.\d+)?", text.replace("^2", "").replace("^3", ""))]


@pytest.mark.parametrize("maker", MAKERS)
def test_options_are_different(maker):
    for question, right, wrong in tasks(maker):
        assert len({right, *wrong}) == len(wrong) + 1 >= 3, question


@pytest.mark.parametrize("level", range(env.ENV.levels))
def test_the_right_letter_pays_wherever_it_stands(level):
    seen = set()
    for i in range(80):
        row = env.generate(random.Random(i), level)
        answer, options = row.data["answer"], row.data["options"]
        seen.add(answer)
        assert judge(Response(f"The answer is ({answer})."), row.data).value == 1.0
        for letter in env.LETTERS[: len(options)]:
            if letter != answer:
                assert judge(Response(f"({letter})"), row.data).value == 0.0
    assert len(seen) >= 3


def test_no_word_is_of_two_kinds():
    for a, b in itertools.combinations(facts.CLASSES.values(), 2):
        assert not set(map(str.lower, a)) & set(map(str.lower, b))
    everything = {word.lower() for kind in facts.CLASSES.values() for word in kind}
    assert "mercury" not in everything, "a planet and a metal"


def test_elements_are_in_order():
    table = list(facts.ELEMENTS.values())
    assert [number for _, number, _ in table] == sorted({number for _, number, _ in table})
    assert all(weight >= number for _, number, weight in table)


FORMULAS = {
    laws.force: lambda m, a: m * a,
    laws.speed: lambda km, minutes: km / (minutes / 60),
    laws.density: lambda mass, volume: mass / volume,
    laws.half_life: lambda start, half, days: start * 0.5 ** (days / half),
    laws.free_fall: lambda g, t: g / 2 * (t**2 - (t - 1) ** 2),
    laws.gas_law: lambda p, t1, v1, v2, t2: p * v1 / t1 * t2 / v2,
    laws.parallel: lambda a, b, c: 1 / (1 / a + 1 / b) + c,
    laws.dilution: lambda v1, c1, water: v1 * c1 / (v1 + water),
}


@pytest.mark.parametrize("maker", FORMULAS)
def test_formulas(maker):
    for question, right, wrong in tasks(maker):
        wanted = FORMULAS[maker](*numbers(question))
        assert numbers(right)[0] == pytest.approx(wanted, rel=1e-3)
        assert all(numbers(one)[0] != pytest.approx(wanted, rel=1e-3) for one in wrong)


def test_ohm():
    for question, right, _ in tasks(laws.ohm):
        first, second = numbers(question)
        ohms, volts = (first, second)
        wanted = volts / ohms if "current" in question else volts**2 / ohms
        assert numbers(right)[0] == pytest.approx(wanted, rel=1e-3)
