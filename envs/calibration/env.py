"""Answer what is known and say so when it is not: half of every batch can be answered, half cannot."""

from __future__ import annotations

import random

from rlstack.api import Env, Row
from rlstack.envs.calibration import knowledge, loaded, stated
from rlstack.envs.calibration.loaded import ABSTAIN, LAMBDA

LEVELS = (stated.two_people, stated.notes, knowledge.capitals, knowledge.numbered)


def generate(rng: random.Random, level: int) -> Row:
    answerable = rng.random() < 0.5
    question, answers = LEVELS[level](rng, answerable)
    data = {"answers": list(answers), "answerable": answerable, "lambda": LAMBDA}
    return Row.ask(question, data, answers[0] if answers else ABSTAIN)


def kind(row: Row) -> str:
    """Every step holds both kinds, since over one kind alone always answering (or never) is best."""
    return "answerable" if row.data["answerable"] else "unanswerable"


def draft(row: Row, rng: random.Random) -> str:
    """Rightly answered or abstained, made up, hedged, or abstained where the answer is known."""
    answers = row.data["answers"]
    style = rng.choices(("gold", "other", "hedged"), (0.5, 0.3, 0.2) if answers else (0.3, 0.5, 0.2))[0]
    if style == "gold":
        return row.gold
    made_up = rng.choice(stated.DRINKS + stated.PETS)
    if style == "hedged":
        return f"I don't know, maybe {made_up}."
    return ABSTAIN if answers else made_up


ENV = Env(
    name="calibration",
    rewards={"calibration": 1.0},
    generate=generate,
    kind=kind,
    kinds=("answerable", "unanswerable"),
    levels=len(LEVELS),
    draft=draft,
    record=loaded.rows,
    facts={"source": "generated", "licence": "Apache-2.0", "about": "answerable and unanswerable questions"},
)
