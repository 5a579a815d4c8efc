"""Levels 0 and 1: steps along the week, the year and the clock. Makers return (question, answer)."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

from rlstack.envs.words import MONTHS, NAMES, WEEKDAYS, words

Task = tuple[str, str]

EVENTS = words("party trip match exam concert wedding race fair visit lunch play parade picnic lesson sale show")


def weekday(rng: random.Random) -> Task:
    """Level 0: up to three days on."""
    day, n = rng.randrange(7), rng.randint(1, 3)
    ahead = _days(n)
    return f"Today is {WEEKDAYS[day]}. The {rng.choice(EVENTS)} is in {ahead}. Which day?", WEEKDAYS[(day + n) % 7]


def month(rng: random.Random) -> Task:
    """Level 0: up to two months on."""
    at, n = rng.randrange(12), rng.randint(1, 2)
    ahead = "1 month" if n == 1 else f"{n} months"
    return f"It is {MONTHS[at]}. The {rng.choice(EVENTS)} is in {ahead}. Which month?", MONTHS[(at + n) % 12]


def hours(rng: random.Random) -> Task:
    """Level 0: whole hours within a day."""
    start, n = rng.randint(8, 17), rng.randint(1, 4)
    return f"The {rng.choice(EVENTS)} starts at {clock(start * 60)} and lasts {_hours(n)}. When does it end?", clock(
        (start + n) * 60
    )


def weekday_far(rng: random.Random) -> Task:
    """Level 1: weeks ahead or back."""
    day, n = rng.randrange(7), rng.randint(4, 40)
    if rng.random() < 0.5:
        return f"Today is {WEEKDAYS[day]}. Which weekday was it {n} days ago?", WEEKDAYS[(day - n) % 7]
    return f"Today is {WEEKDAYS[day]}. Which weekday is it in {n} days?", WEEKDAYS[(day + n) % 7]


def minutes(rng: random.Random) -> Task:
    """Level 1: past the full hour, maybe past midnight."""
    start, n = rng.randrange(24 * 60), rng.randint(15, 400)
    return (
        f"The {rng.choice(EVENTS)} starts at {clock(start)} and lasts {_hours(n // 60, ' and ')}{n % 60} minutes. "
        "When does it end (HH:MM)?",
        clock(start + n),
    )


def day_of_month(rng: random.Random) -> Task:
    """Level 1: from one date to another in the same year."""
    start = date(rng.randint(2001, 2030), 1, 1) + timedelta(days=rng.randrange(300))
    n = rng.randint(5, 45)
    told = f"{start.day} {MONTHS[start.month - 1]} {start.year}"
    return f"{rng.choice(NAMES)} leaves on {told} for {n} days. Which date is {n} days later (YYYY-MM-DD)?", (
        start + timedelta(days=n)
    ).isoformat()


def _days(n: int) -> str:
    return "1 day" if n == 1 else f"{n} days"


def _hours(n: int, then: str = "") -> str:
    if n == 0:
        return ""
    return ("1 hour" if n == 1 else f"{n} hours") + then


def clock(minute: int) -> str:
    """Minutes since midnight as HH:MM, past midnight starting anew."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def neighbour(answer: str, rng: random.Random) -> str:
    """A wrong answer of the same kind, one step away."""
    step = rng.choice((-1, 1))
    for cycle in (WEEKDAYS, MONTHS):
        if answer in cycle:
            return cycle[(cycle.index(answer) + step) % len(cycle)]
    if ":" in answer and len(answer) == 5:
        return clock((int(answer[:2]) + step) * 60 + int(answer[3:]))
    if answer.count("-") == 2 and " " in answer:
        return (datetime.fromisoformat(answer) + timedelta(hours=step)).isoformat(" ", "minutes")
    if answer.count("-") == 2:
        return (date.fromisoformat(answer) + timedelta(days=step)).isoformat()
    number, _, unit = answer.partition(" ")
    return f"{int(number) + step} {unit}".strip() if number.isdigit() else "later"
