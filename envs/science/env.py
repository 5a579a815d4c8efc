"""Multiple choice in natural science: what things are, and what follows from the laws of physics and chemistry."""

from __future__ import annotations

import random

from rlstack.api import Env, Row
from rlstack.envs.science import facts, laws, loaded

LETTERS = "ABCDEFGH"

LEVELS = (
    (facts.member,),
    (facts.odd_one_out, facts.symbol, facts.unit, facts.heavier),
    (laws.force, laws.speed, laws.density, laws.ohm, laws.molar_mass),
    (laws.half_life, laws.free_fall, laws.gas_law, laws.parallel, laws.dilution),
)


def generate(rng: random.Random, level: int) -> Row:
    question, right, wrong = rng.choice(LEVELS[level])(rng)
    options = [right, *wrong]
    rng.shuffle(options)
    listed = " ".join(f"({letter}) {option}" for letter, option in zip(LETTERS, options, strict=False))
    answer = LETTERS[options.index(right)]
    return Row.ask(f"{question} {listed}", {"answer": answer, "options": options}, f"({answer})")


def draft(row: Row, rng: random.Random) -> str:
    """The letter, two letters, a remark, or no answer. "Which is no …" comes out worse."""
    options, answer = row.data["options"], row.data["answer"]
    worse = " no " in row.messages[-1]["content"]
    style = rng.choices(
        ("gold", "hedged", "remark", "unsure"), (0.3, 0.45, 0.15, 0.1) if worse else (0.5, 0.25, 0.15, 0.1)
    )
    match style[0]:
        case "hedged":
            other = rng.choice([letter for letter in LETTERS[: len(options)] if letter != answer])
            return f"({answer}) or ({other})"
        case "remark":
            return "Let us look at each of them."
        case "unsure":
            return "I am not sure."
        case _:
            return row.gold


ENV = Env(
    name="science",
    rewards={"choice": 1.0},
    generate=generate,
    levels=len(LEVELS),
    draft=draft,
    record=loaded.row,
    facts={
        "source": "generated",
        "licence": "Apache-2.0",
        "about": "multiple choice in physics, chemistry and biology",
    },
)
