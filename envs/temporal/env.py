"""Calendar and clock: weekdays, months, times of day, spans, zones, overlaps."""

from __future__ import annotations

import random

from rlstack.api import Env, Row
from rlstack.envs.loaded import question_and_answer
from rlstack.envs.temporal import spans, steps

LEVELS = (
    (steps.weekday, steps.month, steps.hours),
    (steps.weekday_far, steps.minutes, steps.day_of_month),
    (spans.between_dates, spans.shift_date, spans.duration, spans.weekday_of_date),
    (spans.zones, spans.overlap, spans.nth_weekday, spans.flight),
)


def generate(rng: random.Random, level: int) -> Row:
    question, answer = rng.choice(LEVELS[level])(rng)
    return Row.ask(question, {"answer": answer}, answer)


def draft(row: Row, rng: random.Random) -> str:
    """The answer, two candidates, the question given back, or no answer. Clock times come out worse than days."""
    question, answer = row.messages[-1]["content"], row.data["answer"]
    worse = answer[0].isdigit()
    style = rng.choices(
        ("gold", "hedged", "restated", "unsure"), (0.3, 0.45, 0.15, 0.1) if worse else (0.5, 0.25, 0.15, 0.1)
    )
    match style[0]:
        case "hedged":
            return f"{answer} or {steps.neighbour(answer, rng)}"
        case "restated":
            return question.split(". ")[0].rstrip(".?") + "."
        case "unsure":
            return "I am not sure."
        case _:
            return row.gold


ENV = Env(
    name="temporal",
    rewards={"temporal": 1.0},
    generate=generate,
    levels=len(LEVELS),
    draft=draft,
    record=question_and_answer,
    facts={"source": "generated", "licence": "Apache-2.0", "about": "calendar and clock, proleptic Gregorian"},
)
