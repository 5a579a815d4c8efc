"""Generated English for the tiny base: short true-to-itself stories, so that a small model learns to read.

Every story follows a small world (who is where and has what), so later sentences can be predicted only by
keeping track of earlier ones. An endless stream; a story is a pure function of the generator passed in.
"""

from __future__ import annotations

import random


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAMES = _words(
    "Anna Ben Clara David Emma Frank Grace Henry Irene James Kate Liam Maria Noah Olivia Paul Rose Simon Tara"
)
PLACES = _words("garden kitchen school market park library station harbour forest museum office barn")
OBJECTS = _words("ball book lamp letter basket kite coat drum ticket mirror spoon map box cup ring clock")
COLOURS = _words("red blue green yellow white black brown grey")
WEATHER = _words("sunny rainy windy cloudy cold warm snowy foggy")
DAYS = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = _words("January February March April May June July August September October November December")
FEELINGS = _words("happy sad tired proud angry hungry quiet busy")
ANIMALS = _words("dog cat horse bird rabbit fox cow sheep duck goat")


def story(rng: random.Random) -> str:
    """One short text of 3 to 8 sentences, e.g. "On Monday it was cold. Anna had a red ball. …"."""
    return " ".join(rng.choice((_errand, _gift, _calendar, _animals, _shopping, _counting))(rng))


def _errand(rng: random.Random) -> list[str]:
    name, other = rng.sample(NAMES, 2)
    first, second = rng.sample(PLACES, 2)
    colour, thing = rng.choice(COLOURS), rng.choice(OBJECTS)
    lines = [
        f"{name} was in the {first}.",
        f"{name} found a {colour} {thing} there and took it to the {second}.",
        f"{other} came to the {second} too and asked: what is that?",
        f"It is a {colour} {thing}, said {name}, I found it in the {first}.",
    ]
    if rng.random() < 0.5:
        lines.append(f"So the {thing} is now in the {second}.")
    return lines


def _gift(rng: random.Random) -> list[str]:
    giver, taker, asker = rng.sample(NAMES, 3)
    thing, colour = rng.choice(OBJECTS), rng.choice(COLOURS)
    feeling = rng.choice(FEELINGS)
    return [
        f"{giver} had a {colour} {thing}.",
        f"{taker} was {feeling} that day, so {giver} gave the {thing} to {taker}.",
        f"Later {asker} wanted to know who has the {thing}.",
        f"{taker} has it now, and {giver} has nothing.",
    ]


def _calendar(rng: random.Random) -> list[str]:
    day, month, name = rng.randrange(7), rng.randrange(12), rng.choice(NAMES)
    weather = rng.choice(WEATHER)
    return [
        f"It was a {weather} {DAYS[day]} in {MONTHS[month]}.",
        f"The day after was {DAYS[(day + 1) % 7]}, and the day before was {DAYS[day - 1]}.",
        f"{name} waited two days, until {DAYS[(day + 2) % 7]}.",
        f"The next month is {MONTHS[(month + 1) % 12]}.",
    ]


def _animals(rng: random.Random) -> list[str]:
    big, middle, small = rng.sample(ANIMALS, 3)
    trait = rng.choice(("older", "faster", "taller", "heavier"))
    most = {"older": "oldest", "faster": "fastest", "taller": "tallest", "heavier": "heaviest"}[trait]
    facts = [f"The {big} is {trait} than the {middle}.", f"The {middle} is {trait} than the {small}."]
    rng.shuffle(facts)
    return [*facts, f"So the {big} is the {most} of the three.", f"The {big} is also {trait} than the {small}."]


def _shopping(rng: random.Random) -> list[str]:
    name, thing = rng.choice(NAMES), rng.choice(OBJECTS)
    had, more = rng.randint(1, 9), rng.randint(1, 9)
    lines = [f"{name} had {had} coins.", f"Then {name} got {more} more coins and had {had + more} coins."]
    price = rng.randint(1, had + more)
    return [*lines, f"A {thing} cost {price} coins, so after buying it {had + more - price} coins were left."]


def _counting(rng: random.Random) -> list[str]:
    things = rng.sample(OBJECTS, rng.randint(2, 5))
    place = rng.choice(PLACES)
    listed = ", ".join(things[:-1]) + " and " + things[-1]
    ordered = ", ".join(sorted(things))
    return [
        f"In the {place} there were {listed}.",
        f"That makes {len(things)} things.",
        f"The first was the {things[0]} and the last was the {things[-1]}.",
        f"In order of the alphabet: {ordered}.",
    ]
