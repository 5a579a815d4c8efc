"""Checks per CPU second of the math reward on ordinary answers, one core, beside math-verify alone.

    python bench/reward_math.py [--checks 4000]

The answers are seeded: half of them right, in other spellings than the gold; solutions of a few hundred
characters that end in a box or a sentence. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import time
from fractions import Fraction

from rlstack.api import Response
from rlstack.rewards.math import score

FILLER = "We set up the equation, collect the terms on one side and divide by the coefficient of the unknown. "


def _fraction(rng: random.Random) -> tuple[str, str, str]:
    value = Fraction(rng.randint(-90, 90), rng.choice((2, 4, 5, 8, 20)))
    sign = "-" if value < 0 else ""
    latex = rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    return (str(value), latex, str(float(value))) if value.denominator > 1 else (str(value), str(value), f"{value}.0")


def _whole(rng: random.Random) -> tuple[str, str, str]:
    value = rng.randint(-20_000, 2_000_000)
    return str(value), f"{value:,}", rf"{value}\text{{ units}}"


def _symbolic(rng: random.Random) -> tuple[str, str, str]:
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    return rng.choice(
        (
            (f"{a}x+{b}", f"{b} + {a}x", f"y = {a}x + {b}"),
            (rf"{a}\sqrt{{{b}}}", rf"\sqrt{{{a * a * b}}}", rf"\sqrt{{{b}}}\cdot {a}"),
            (f"({a}, {-b})", rf"\left({a}, -{b}\right)", f"({a},-{b})"),
            (rf"x^2-{a * a}", f"(x-{a})(x+{a})", f"-{a * a}+x^2"),
            (rf"\frac{{{a}\pi}}{{{b}}}", rf"\frac{{{a}}}{{{b}}}\pi", rf"{a}\pi/{b}"),
            (f"{a}, {b}", f"{b}, {a}", rf"x={a} \text{{ or }} x={b}"),
        )
    )


def corpus(n: int, seed: int = 0) -> list[tuple[str, str, bool]]:
    """Rows (gold, response, right): 60 % whole numbers, 20 % fractions, 20 % expressions, tuples and lists."""
    rng = random.Random(seed)
    rows = []
    while len(rows) < n:
        make = rng.choices((_whole, _fraction, _symbolic), (0.6, 0.2, 0.2))[0]
        gold, *spellings = make(rng)
        right = rng.random() < 0.5
        given = rng.choice(spellings) if right else make(rng)[0]
        if not right and given == gold:
            continue
        boxed = rf"\boxed{{{given}}}"
        ending = rng.choice((f"The answer is ${boxed}$.", rf"\[{boxed}\]", f"The answer is {given}."))
        rows.append((gold, FILLER * rng.randint(1, 6) + ending, right))
    return rows


def ours(rows: list[tuple[str, str, bool]]) -> tuple[float, float, float]:
    """Checks per second, share of right answers paid, share of wrong ones paid."""
    score(Response(r"\boxed{\sqrt{8}}"), {"answer": r"2\sqrt{2}"})  # imports what is imported late
    start = time.process_time()
    values = [score(Response(text), {"answer": gold}).value for gold, text, _ in rows]
    elapsed = time.process_time() - start
    paid = [sum(v for v, row in zip(values, rows, strict=True) if row[2] is truth) for truth in (True, False)]
    right = sum(row[2] for row in rows)
    return len(rows) / elapsed, paid[0] / right, paid[1] / (len(rows) - right)


def math_verify_alone(rows: list[tuple[str, str, bool]]) -> float:
    """Checks per second of `verify(parse(gold), parse(response))`."""
    from math_verify import parse, verify

    logging.disable(logging.CRITICAL)
    verify(parse("$2$"), parse("$2$"))
    start = time.process_time()
    for gold, text, _ in rows:
        verify(parse(f"${gold}$"), parse(text))
    return len(rows) / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=4000)
    rows = corpus(parser.parse_args().checks)
    rate, right, wrong = ours(rows)
    other = math_verify_alone(rows[:300])
    report = {
        "checks": len(rows),
        "per_s": round(rate),
        "right_paid": round(right, 4),
        "wrong_paid": round(wrong, 4),
        "math_verify_per_s": round(other),
        "ratio": round(rate / other, 1),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
