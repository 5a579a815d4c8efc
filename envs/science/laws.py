"""Levels 2 and 3: what follows from a law. Makers return (question, right option, wrong options).

Wrong options come from wrong formulas (a factor forgotten, a division for a product), so guessing by size fails.
"""

from __future__ import annotations

import random
from fractions import Fraction

from rlstack.envs.science.facts import ELEMENTS, Task

Value = Fraction | int


def _options(rng: random.Random, unit: str, right: Value, slips: list[Value]) -> tuple[str, list[str]]:
    """The right value and three different wrong ones, slips first, as text with the unit."""
    shown = _text(right)
    wrong: list[str] = []
    more = [right * Fraction(n, d) for n, d in ((3, 2), (2, 1), (1, 2), (3, 1), (5, 4), (1, 4))]
    rng.shuffle(more)
    for slip in [*slips, *more]:
        text = _text(slip)
        if slip > 0 and text != shown and text not in wrong:
            wrong.append(text)
    return f"{shown} {unit}", [f"{text} {unit}" for text in wrong[:3]]


def _text(value: Value) -> str:
    return f"{float(value):.4g}" if value < 10_000 else f"{round(value)}"


# ---- level 2: one formula -----------------------------------------------------------------------------


def force(rng: random.Random) -> Task:
    m, a = rng.randint(2, 40), rng.randint(2, 12)
    return f"Which net force gives {m} kg an acceleration of {a} m/s^2?", *_options(
        rng, "N", m * a, [Fraction(m, a), m + a]
    )


def speed(rng: random.Random) -> Task:
    km, minutes = rng.randint(2, 60) * 3, rng.choice((20, 30, 40, 45, 50, 90, 100))
    return f"A train covers {km} km in {minutes} minutes. What is its mean speed?", *_options(
        rng, "km/h", Fraction(km * 60, minutes), [Fraction(km, minutes), Fraction(km * minutes, 60)]
    )


def density(rng: random.Random) -> Task:
    volume, rho = rng.randint(2, 60), rng.randint(2, 21)
    mass = volume * rho
    return f"A body of {mass} g displaces {volume} cm^3 of water. What is its density?", *_options(
        rng, "g/cm^3", rho, [Fraction(volume, mass), mass + volume]
    )


def ohm(rng: random.Random) -> Task:
    volts, ohms = rng.randint(2, 60) * 4, rng.randint(2, 24)
    asked = rng.choice(("current", "power"))
    if asked == "current":
        return f"Which current flows through {ohms} ohm at {volts} V?", *_options(
            rng, "A", Fraction(volts, ohms), [volts * ohms, Fraction(ohms, volts)]
        )
    return f"Which power does a resistor of {ohms} ohm take up at {volts} V?", *_options(
        rng, "W", Fraction(volts * volts, ohms), [volts * ohms, Fraction(volts, ohms)]
    )


def molar_mass(rng: random.Random) -> Task:
    names = rng.sample(sorted(ELEMENTS), 3)
    counts = [rng.randint(1, 4) for _ in names]
    formula = "".join(f"{ELEMENTS[name][0]}{n if n > 1 else ''}" for name, n in zip(names, counts, strict=True))
    mass = sum(ELEMENTS[name][2] * n for name, n in zip(names, counts, strict=True))
    once = sum(ELEMENTS[name][2] for name in names)
    protons = sum(ELEMENTS[name][1] * n for name, n in zip(names, counts, strict=True))
    given = ", ".join(f"{ELEMENTS[name][0]} {ELEMENTS[name][2]}" for name in names)
    return f"Atomic weights: {given}. What is the molar mass of a compound {formula}?", *_options(
        rng, "g/mol", mass, [once, protons]
    )


# ---- level 3: two steps -------------------------------------------------------------------------------


def half_life(rng: random.Random) -> Task:
    half, n, start = rng.randint(2, 30), rng.randint(2, 6), rng.randint(1, 12) * 64
    return (
        f"A sample of {start} mg has a half-life of {half} days. How much is left after {half * n} days?",
        *_options(
            rng,
            "mg",
            Fraction(start, 2**n),
            [Fraction(start, n), Fraction(start, 2 * n), Fraction(start, 2 ** (n - 1))],
        ),
    )


def free_fall(rng: random.Random) -> Task:
    t = rng.randint(2, 30)
    return (
        f"With g = 10 m/s^2 and no air, a stone falls for {t} s from rest. How far does it fall in the last second?",
        *_options(rng, "m", 10 * t - 5, [10 * t, 5 * t * t, 5]),
    )


def gas_law(rng: random.Random) -> Task:
    p, v = rng.randint(1, 9) * 12, rng.randint(1, 9) * 6
    t1, t2, factor = rng.choice((200, 250, 300)), rng.choice((400, 450, 500)), rng.choice((2, 3))
    pressure = Fraction(p * t2 * factor, t1)
    return (
        f"A gas at {p} kPa and {t1} K fills {v} L. It is pressed into {Fraction(v, factor)} L and heated to {t2} K. "
        "What is its pressure?",
        *_options(rng, "kPa", pressure, [p * factor, Fraction(p * t2, t1), Fraction(p * t2, t1 * factor)]),
    )


def parallel(rng: random.Random) -> Task:
    a, b, c = (rng.randint(2, 30) for _ in range(3))
    together = Fraction(a * b, a + b)
    return (
        f"Resistors of {a} and {b} ohm in parallel stand in series with one of {c} ohm. What is the total resistance?",
        *_options(
            rng, "ohm", together + c, [a + b + c, 1 / (Fraction(1, a) + Fraction(1, b) + Fraction(1, c)), together]
        ),
    )


def dilution(rng: random.Random) -> Task:
    v1, c1, water = rng.randint(2, 20) * 10, rng.randint(1, 12), rng.randint(2, 30) * 10
    return (
        f"{v1} mL of a solution of {c1} mol/L get {water} mL of water. What is the new concentration?",
        *_options(
            rng, "mol/L", Fraction(v1 * c1, v1 + water), [Fraction(v1 * c1, water), Fraction(water * c1, v1 + water)]
        ),
    )
