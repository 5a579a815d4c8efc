"""Deduction with one certain answer: orderings, liars and truth-tellers, rows of seats, grids of attributes."""

from __future__ import annotations

import random

from rlstack.api import Env, Row
from rlstack.envs.loaded import question_and_answer
from rlstack.envs.logic import grids, orders

ASK = "Name only."

LEVELS = (
    (orders.chain,),
    (orders.shuffled_chain, orders.liars_of_two),
    (orders.middle_of_many, orders.liars_of_three, grids.seats),
    (grids.zebra, grids.liars_of_many, grids.last_one_out),
)


def generate(rng: random.Random, level: int) -> Row:
    question, answer = rng.choice(LEVELS[level])(rng)
    return Row.ask(f"{question} {ASK}", {"answer": answer}, answer)


def draft(row: Row, rng: random.Random) -> str:
    """The name, two names, a premise told again, or no answer. Superlatives of the lower end come out worse."""
    question, answer = row.messages[-1]["content"], row.data["answer"]
    worse = any(word in question for word in ("shortest", "youngest", "slowest"))
    style = rng.choices(
        ("gold", "hedged", "restated", "unsure"), (0.3, 0.45, 0.15, 0.1) if worse else (0.5, 0.25, 0.15, 0.1)
    )
    match style[0]:
        case "hedged":
            others = [word for word in _names(question) if word != answer]
            return f"{answer} or {rng.choice(others)}" if others else "I am not sure."
        case "restated":
            return question.split(". ")[0] + "."
        case "unsure":
            return "I am not sure."
        case _:
            return row.gold


def _names(question: str) -> list[str]:
    words = question.replace(".", " ").replace(",", " ").replace(":", " ").replace('"', " ").split()
    return sorted({word for word in words if word in orders.NAMED})


ENV = Env(
    name="logic",
    rewards={"logic": 1.0},
    generate=generate,
    levels=len(LEVELS),
    draft=draft,
    record=question_and_answer,
    facts={"source": "generated", "licence": "Apache-2.0", "about": "puzzles with exactly one solution"},
)
