"""The answers of the generator, found again by other means."""

from __future__ import annotations

import itertools
import random
import re
from fractions import Fraction

import pytest

from rlstack.api import Response
from rlstack.envs.math import hard, school
from rlstack.envs.math.env import ENV, LEVELS
from rlstack.plugins import load_reward

judge = load_reward("math").score


def tasks(maker, n: int = 60):
    return [maker(random.Random(f"{maker.__name__}{i}")) for i in range(n)]


def numbers(text: str) -> list[int]:
    return [int(n) for n in re.findall(r"-?\d+", text)]


def value(answer: str) -> Fraction:
    sign = -1 if answer.startswith("-") else 1
    parts = re.findall(r"\d+", answer)
    return sign * Fraction(int(parts[0]), int(parts[1]) if len(parts) > 1 else 1)


def test_level_0_by_counting():
    for maker, sign in ((school.gains, 1), (school.loses, -1)):
        for question, answer in tasks(maker):
            a, b = numbers(question)
            assert int(answer) == a + sign * b >= 1
            assert max(a, b) <= 9


def test_linear_equation_by_insertion():
    for question, answer in tasks(school.linear_equation):
        left, right = question.removeprefix("Solve for x: ").rstrip(".").split(" = ")
        sides = [eval(re.sub(r"(\d)x", r"\1*x", side), {"x": int(answer)}) for side in (left, right)]
        assert sides[0] == sides[1]


def test_quadratic_by_insertion():
    for question, answer in tasks(hard.quadratic):
        b, c = numbers(question.replace("x^2", "").replace("0?", ""))[:2]
        roots = [x for x in range(-20, 21) if x * x + b * x + c == 0]
        assert int(answer) == max(roots)


def test_pair_of_equations_by_search():
    for question, answer in tasks(hard.pair_of_equations):
        a, b, e, c, d, f = numbers(question)
        found = [
            x * y for x, y in itertools.product(range(-9, 10), repeat=2) if a * x + b * y == e and c * x + d * y == f
        ]
        assert found == [int(answer)]


def test_divisors_by_trial():
    for question, answer in tasks(hard.divisors):
        n = numbers(question)[0]
        if n > 200_000:
            continue
        found = [d for d in range(1, n + 1) if n % d == 0]
        assert int(answer) == (len(found) if "How many" in question else sum(found))


def test_remainders_by_search():
    for question, answer in tasks(hard.remainders):
        r1, p, r2, q, r3, r = numbers(question)
        assert int(answer) == next(n for n in itertools.count(1) if (n % p, n % q, n % r) == (r1, r2, r3))


def test_triples_by_search():
    for question, answer in tasks(hard.stars_and_bars, 10):
        low, total = numbers(question)
        found = sum(total - x - y >= low for x in range(low, total + 1) for y in range(low, total + 1))
        assert int(answer) == found


def test_sums_of_series_term_by_term():
    for question, answer in tasks(hard.telescope, 30):
        term = re.search(r"sum of (.*) over i", question)
        assert term is not None
        denominator = re.sub(r"(\d)i", r"\1*i", term[1][2:]).replace("i(", "i*(").replace(")(", ")*(")
        n = numbers(question)[-1]
        assert value(answer) == sum(Fraction(1, eval(denominator, {"i": i})) for i in range(1, n + 1))


def test_vieta_by_roots():
    for question, answer in tasks(hard.vieta, 30):
        p, q = re.findall(r"x\^2 - (\d+)x ([+-]\d+)", question)[0]
        disc = complex(int(p) ** 2 - 4 * int(q)) ** 0.5
        a, b = (int(p) + disc) / 2, (int(p) - disc) / 2
        assert abs(a**3 + b**3 - int(answer)) < 1e-6


@pytest.mark.parametrize("maker", [maker for level in LEVELS for maker in level])
def test_every_maker_pays_gold_and_no_draft_but_it(maker):
    for question, answer in tasks(maker, 12):
        data = {"answer": answer}
        assert judge(Response(f"So \\boxed{{{answer}}}."), data).value == 1.0, (question, answer)
        assert judge(Response(f"\\boxed{{{answer}}} or \\boxed{{{answer}1}}"), data).value == 0.0


def test_restating_the_task_pays_nothing():
    assert ENV.generate is not None
    for i in range(50):
        row = ENV.generate(random.Random(i), 0)
        a, b = numbers(row.messages[0]["content"])[:2]
        for text in (f"\\boxed{{{a}+{b}}}", f"\\boxed{{{a}-{b}}}", f"{row.data['answer']} or {a + b + 1}"):
            assert judge(Response(text), row.data).value == 0.0, text
