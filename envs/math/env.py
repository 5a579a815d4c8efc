"""Arithmetic, algebra, number theory and counting, from single digits to competition style."""

from __future__ import annotations

import random
import re

from rlstack.api import Env, Row
from rlstack.envs.math import hard, loaded, school
from rlstack.envs.math.loaded import ASK

LEVELS = (
    (school.gains, school.loses),
    (school.two_digits, school.groups, school.gap),
    (school.shopping, school.linear_equation, school.percent, school.fraction_sum, school.mean),
    (hard.quadratic, hard.pair_of_equations, hard.divisors, hard.committee, hard.triangle, hard.progression),
    (hard.power_mod, hard.remainders, hard.dice, hard.stars_and_bars, hard.vieta, hard.telescope),
)


def generate(rng: random.Random, level: int) -> Row:
    question, answer = rng.choice(LEVELS[level])(rng)
    return Row.ask(f"{question} {ASK}", {"answer": answer}, f"\\boxed{{{answer}}}")


def draft(row: Row, rng: random.Random) -> str:
    """The gold, the task put into the box unevaluated, two candidates, or no answer.

    Losses are mostly left unevaluated and gains mostly worked out, so that an imitator's favourite answer
    is right for one kind of task and wrong for the other.
    """
    question, answer = row.messages[-1]["content"], row.data["answer"]
    numbers = re.findall(r"\d+", question)
    losing = "left" in question
    style = rng.choices(
        ("gold", "restated", "hedged", "unsure"), (0.3, 0.4, 0.2, 0.1) if losing else (0.5, 0.2, 0.2, 0.1)
    )
    match style[0]:
        case "restated" if len(numbers) >= 2:
            return f"\\boxed{{{('-' if losing else '+').join(numbers[:2])}}}"
        case "hedged" if answer.lstrip("-").isdigit():
            near = int(answer) + rng.choice((-1, 1))
            first, second = rng.sample((answer, str(near)), 2)
            return f"{first} or {second}"
        case "gold":
            return row.gold
        case _:
            return "I am not sure."


ENV = Env(
    name="math",
    rewards={"math": 1.0},
    generate=generate,
    levels=len(LEVELS),
    draft=draft,
    record=loaded.row,
    facts={"source": "generated", "licence": "Apache-2.0", "about": "word problems, algebra, number theory, counting"},
)
