"""Tasks of levels 3 and 4: each maker returns (question, exact answer as text)."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from math import comb, prod

from rlstack.envs.math.school import Task, text

# ---- level 3: secondary school ------------------------------------------------------------------------


def quadratic(rng: random.Random) -> Task:
    p, q = rng.sample([n for n in range(-12, 13) if n], 2)
    return f"What is the larger root of x^2 {-(p + q):+d}x {p * q:+d} = 0?", str(max(p, q))


def pair_of_equations(rng: random.Random) -> Task:
    x, y = rng.randint(-9, 9), rng.randint(-9, 9)
    a, b, c, d = (rng.randint(1, 7) for _ in range(4))
    if a * d == b * c:
        d += 1 if a * (d + 1) != b * c else 2
    return (
        f"Given {a}x + {b}y = {a * x + b * y} and {c}x + {d}y = {c * x + d * y}, what is x * y?",
        str(x * y),
    )


def divisors(rng: random.Random) -> Task:
    powers = {p: rng.randint(0, 3) for p in (2, 3, 5, 7)} | {rng.choice((11, 13)): rng.randint(0, 1)}
    if sum(powers.values()) < 2:
        powers[2] += 3
    n = prod(p**k for p, k in powers.items())
    if n > 5000 or rng.random() < 0.5:
        return f"How many positive divisors does {n} have?", str(prod(k + 1 for k in powers.values()))
    total = prod((p ** (k + 1) - 1) // (p - 1) for p, k in powers.items())
    return f"What is the sum of the positive divisors of {n}?", str(total)


def committee(rng: random.Random) -> Task:
    women, men = rng.randint(4, 9), rng.randint(4, 9)
    w, m = rng.randint(1, 3), rng.randint(1, 3)
    return (
        f"A committee of {w} women and {m} men is chosen from {women} women and {men} men. In how many ways?",
        str(comb(women, w) * comb(men, m)),
    )


def triangle(rng: random.Random) -> Task:
    a, b, c = rng.choice(((3, 4, 5), (5, 12, 13), (8, 15, 17), (7, 24, 25), (20, 21, 29), (9, 40, 41)))
    k = rng.randint(1, 9)
    a, b, c = a * k, b * k, c * k
    asked = rng.randrange(3)
    start = f"A right triangle has legs {a} and {b}."
    if asked == 0:
        return f"{start} What is the radius of its inscribed circle?", str((a + b - c) // 2)
    if asked == 1:
        return f"{start} What is the height on its hypotenuse?", text(Fraction(a * b, c))
    return f"A right triangle has hypotenuse {c} and one leg {a}. What is its area?", text(Fraction(a * b, 2))


def progression(rng: random.Random) -> Task:
    first, step, n = rng.randint(-20, 20), rng.randint(2, 9), rng.randint(8, 40)
    shown = ", ".join(str(first + i * step) for i in range(3))
    return f"What is the sum of the first {n} terms of {shown}, …?", str(n * (2 * first + (n - 1) * step) // 2)


# ---- level 4: competition style -----------------------------------------------------------------------


def power_mod(rng: random.Random) -> Task:
    base, exponent, modulus = rng.randint(2, 30), rng.randint(50, 2000), rng.randint(7, 101)
    return f"What is the remainder of {base}^{exponent} divided by {modulus}?", str(pow(base, exponent, modulus))


def remainders(rng: random.Random) -> Task:
    p, q, r = rng.choice(((3, 5, 7), (5, 7, 9), (4, 7, 11), (5, 8, 13), (7, 9, 11), (8, 9, 11)))
    n = rng.randint(p * q, p * q * r - 1)
    return (
        f"What is the smallest positive integer that leaves remainder {n % p} on division by {p}, {n % q} by {q} "
        f"and {n % r} by {r}?",
        str(n),
    )


def dice(rng: random.Random) -> Task:
    n = rng.choice((2, 3, 3))
    total = rng.randint(n + 1, 6 * n - 1)
    hits = sum(sum(roll) == total for roll in itertools.product(range(1, 7), repeat=n))
    return f"{n} fair dice are rolled. What is the probability that they sum to {total}?", text(Fraction(hits, 6**n))


def stars_and_bars(rng: random.Random) -> Task:
    total, at_least = rng.randint(10, 30), rng.randint(0, 2)
    free = total - 3 * at_least
    return (
        f"How many triples (x, y, z) of integers, each at least {at_least}, have x + y + z = {total}?",
        str(comb(free + 2, 2)),
    )


def vieta(rng: random.Random) -> Task:
    p, q = rng.randint(3, 15), rng.choice([n for n in range(-9, 10) if n])
    return (
        f"Let a and b be the roots of x^2 - {p}x {q:+d} = 0. What is a^3 + b^3?",
        str(p**3 - 3 * p * q),
    )


def telescope(rng: random.Random) -> Task:
    k, n = rng.randint(1, 6), rng.randint(10, 90)
    if rng.random() < 0.5:
        term, n = f"1/(i(i+{k}))", min(n, 20)
        total = sum((Fraction(1, i * (i + k)) for i in range(1, n + 1)), Fraction(0))
    else:
        term, total = f"1/(({k + 1}i-{k})({k + 1}i+1))", Fraction(n, (k + 1) * n + 1)
    return f"What is the sum of {term} over i = 1 to {n}, as a fraction in lowest terms?", text(total)
