"""Tasks of levels 0 to 2: each maker returns (question, exact answer as text)."""

from __future__ import annotations

import random
from fractions import Fraction
from math import gcd

from rlstack.envs.words import NAMES, THINGS

Task = tuple[str, str]


def text(value: Fraction | int) -> str:
    """An exact value as LaTeX: `7`, `\\frac{3}{4}`, `-\\frac{1}{2}`."""
    value = Fraction(value)
    if value.denominator == 1:
        return str(value.numerator)
    return f"{'-' if value < 0 else ''}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"


# ---- level 0: one step, single digits -----------------------------------------------------------------


def gains(rng: random.Random) -> Task:
    a, b = rng.randint(1, 9), rng.randint(1, 9)
    return f"{rng.choice(NAMES)} has {a} {rng.choice(THINGS)} and gets {b} more. How many now?", str(a + b)


def loses(rng: random.Random) -> Task:
    a = rng.randint(2, 9)
    b = rng.randint(1, a - 1)
    return f"{rng.choice(NAMES)} has {a} {rng.choice(THINGS)} and loses {b}. How many are left?", str(a - b)


# ---- level 1: two digits, or two single-digit steps ---------------------------------------------------


def two_digits(rng: random.Random) -> Task:
    a, b = rng.randint(10, 99), rng.randint(10, 99)
    name, thing = rng.choice(NAMES), rng.choice(THINGS)
    if rng.random() < 0.5:
        return f"{name} has {a} {thing} and gets {b} more. How many now?", str(a + b)
    a, b = max(a, b) + 1, min(a, b)
    return f"{name} has {a} {thing} and loses {b}. How many are left?", str(a - b)


def groups(rng: random.Random) -> Task:
    boxes, each, extra = rng.randint(2, 9), rng.randint(2, 9), rng.randint(1, 9)
    name, thing = rng.choice(NAMES), rng.choice(THINGS)
    return (
        f"{name} has {boxes} boxes of {each} {thing} and {extra} {thing} more. How many {thing} in all?",
        str(boxes * each + extra),
    )


def gap(rng: random.Random) -> Task:
    a, b = rng.randint(1, 20), rng.randint(21, 60)
    return f"Which number must be added to {a} to make {b}?", str(b - a)


# ---- level 2: several steps ---------------------------------------------------------------------------


def shopping(rng: random.Random) -> Task:
    first, second = rng.sample(THINGS, 2)
    n, m, p, q = (rng.randint(2, 12) for _ in range(4))
    cost = n * p + m * q
    paid = (cost // 50 + rng.randint(1, 2)) * 50
    return (
        f"{rng.choice(NAMES)} buys {n} {first} at ${p} each and {m} {second} at ${q} each and pays with ${paid}. "
        "How many dollars of change?",
        str(paid - cost),
    )


def linear_equation(rng: random.Random) -> Task:
    x, a, c = rng.randint(-12, 12), rng.randint(2, 9), rng.randint(2, 9)
    while c == a:
        c = rng.randint(2, 9)
    b = rng.randint(-20, 20)
    return f"Solve for x: {a}x {b:+d} = {c}x {(a - c) * x + b:+d}.", str(x)


def percent(rng: random.Random) -> Task:
    rate, base = rng.choice((5, 10, 15, 20, 25, 30, 40, 60, 75)), 20 * rng.randint(3, 60)
    word, sign = rng.choice((("rises", 1), ("falls", -1)))
    return f"A price of ${base} {word} by {rate} %. What is the new price in dollars?", text(
        Fraction(base * (100 + sign * rate), 100)
    )


def fraction_sum(rng: random.Random) -> Task:
    b, d = rng.sample(range(2, 13), 2)
    a, c = rng.randint(1, b - 1), rng.randint(1, d - 1)
    return f"What is {a}/{b} + {c}/{d} as a fraction in lowest terms?", text(Fraction(a, b) + Fraction(c, d))


def mean(rng: random.Random) -> Task:
    n = rng.randint(4, 6)
    numbers = [rng.randint(1, 40) for _ in range(n - 1)]
    numbers.append((-sum(numbers)) % n + n * rng.randint(1, 6))
    listed = ", ".join(map(str, numbers))
    if rng.random() < 0.5:
        return f"What is the mean of {listed}?", str(sum(numbers) // n)
    a, b = numbers[0] * numbers[1], numbers[1] * rng.randint(2, 12)
    return f"What is the greatest common divisor of {a} and {b}?", str(gcd(a, b))
