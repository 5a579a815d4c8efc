"""Levels 2 and 3: spans, zones and overlaps. Makers return (question, answer)."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta

from rlstack.envs.temporal.steps import EVENTS, Task, clock
from rlstack.envs.words import MONTHS, NAMES, WEEKDAYS, words

PORTS = words("Arden Belmora Corvale Dunmark Elvast Farholm Gildon Harrowby")  # invented, since the offsets are


def _day(rng: random.Random) -> date:
    return date(1996, 1, 1) + timedelta(days=rng.randrange(14_000))


def _told(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


# ---- level 2 ------------------------------------------------------------------------------------------


def between_dates(rng: random.Random) -> Task:
    start = _day(rng)
    n = rng.randint(20, 900)
    return f"How many days are there from {_told(start)} to {_told(start + timedelta(days=n))}?", f"{n} days"


def shift_date(rng: random.Random) -> Task:
    day, n = _day(rng), rng.randint(30, 400)
    if rng.random() < 0.5:
        return f"Which date is {n} days before {_told(day)} (YYYY-MM-DD)?", (day - timedelta(days=n)).isoformat()
    return f"Which date is {n} days after {_told(day)} (YYYY-MM-DD)?", (day + timedelta(days=n)).isoformat()


def duration(rng: random.Random) -> Task:
    parts = [rng.randint(10, 170) for _ in range(3)]
    told = ", ".join(f"{n // 60} h {n % 60} min" for n in parts)
    return f"{rng.choice(NAMES)} worked {told}. How many minutes in all?", f"{sum(parts)} minutes"


def weekday_of_date(rng: random.Random) -> Task:
    known, n = _day(rng), rng.randint(30, 700)
    day = known + timedelta(days=n)
    return (
        f"{_told(known)} is a {WEEKDAYS[known.weekday()]}. Which weekday is {_told(day)}?",
        WEEKDAYS[day.weekday()],
    )


# ---- level 3 ------------------------------------------------------------------------------------------


def zones(rng: random.Random) -> Task:
    """A call between two people whose offsets are given."""
    here, there = rng.sample(NAMES, 2)
    a, b = rng.sample(range(-10, 13), 2)
    start = datetime(2001, 1, 1) + timedelta(days=rng.randrange(9000), minutes=15 * rng.randrange(96))
    end = start + timedelta(minutes=rng.randint(20, 300))
    answer = end - timedelta(hours=a) + timedelta(hours=b)
    return (
        f"{here}'s clock is at UTC{a:+d}, {there}'s at UTC{b:+d}. They call at {start:%H:%M} of {here}'s time on "
        f"{_told(start.date())} for {int((end - start).total_seconds()) // 60} minutes. What are {there}'s date and "
        "time at the end (YYYY-MM-DD HH:MM)?",
        f"{answer:%Y-%m-%d %H:%M}",
    )


def overlap(rng: random.Random) -> Task:
    """For how long three people are all free."""
    start = rng.randint(9 * 60, 13 * 60)
    end = start + rng.randint(20, 200)
    people = rng.sample(NAMES, 3)
    starts = [start, start - rng.randint(0, 90), start - rng.randint(0, 90)]
    ends = [end + rng.randint(0, 90), end, end + rng.randint(0, 90)]
    told = ", ".join(f"{n} from {clock(s)} to {clock(e)}" for n, s, e in zip(people, starts, ends, strict=True))
    return f"Free today: {told}. For how many minutes are all three free?", f"{end - start} minutes"


def nth_weekday(rng: random.Random) -> Task:
    year, month, weekday, n = rng.randint(1998, 2035), rng.randint(1, 12), rng.randrange(7), rng.randint(1, 4)
    first = date(year, month, 1)
    answer = first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))
    ordinal = ("first", "second", "third", "fourth")[n - 1]
    return (
        f"The {rng.choice(EVENTS)} is on the {ordinal} {WEEKDAYS[weekday]} of {MONTHS[month - 1]} {year}. Which date "
        "is that (YYYY-MM-DD)?",
        answer.isoformat(),
    )


def flight(rng: random.Random) -> Task:
    """Duration from local departure and arrival."""
    here, there = rng.sample(PORTS, 2)
    a, b = rng.sample(range(-10, 13), 2)
    leave = datetime(2024, 5, 6, rng.randrange(24), 5 * rng.randrange(12))
    minutes = 5 * rng.randint(15, 190)
    land = leave + timedelta(minutes=minutes, hours=b - a)
    days = (land.date() - leave.date()).days
    when = {-1: "the day before", 0: "the same day", 1: "the next day", 2: "two days later"}[days]
    return (
        f"{here} is at UTC{a:+d}, {there} at UTC{b:+d}. A flight leaves {here} at {leave:%H:%M} and lands in {there} "
        f"at {land:%H:%M} {when}, both local times. How many minutes does it take?",
        f"{minutes} minutes",
    )
