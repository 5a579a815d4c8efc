"""Puzzles over whole arrangements, cut down to clues that leave one solution."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

from rlstack.envs.logic.orders import Task, liars
from rlstack.envs.words import NAMES

DRINKS = ("tea", "milk", "juice", "water")
PETS = ("cat", "dog", "fish", "bird")

Clue = tuple[str, Callable[..., bool]]


def liars_of_many(rng: random.Random) -> Task:
    """Level 3: four or five people."""
    return liars(rng, rng.randint(4, 5))


def seats(rng: random.Random) -> Task:
    """Level 2: five people in a row."""
    people = rng.sample(NAMES, 5)
    row = rng.sample(people, 5)
    clues = []
    for a, b in itertools.combinations(people, 2):
        gap = row.index(b) - row.index(a)
        if abs(gap) == 1:
            clues.append((f"{a} sits next to {b}.", lambda r, a=a, b=b: abs(r.index(a) - r.index(b)) == 1))
        else:
            clues.append((f"{a} does not sit next to {b}.", lambda r, a=a, b=b: abs(r.index(a) - r.index(b)) != 1))
        left, right = (a, b) if gap > 0 else (b, a)
        clues.append((f"{left} sits left of {right}.", lambda r, x=left, y=right: r.index(x) < r.index(y)))
    chosen = _fewest(rng, clues, list(itertools.permutations(people)))
    place = rng.randrange(5)
    where = ("on the far left", "second from the left", "in the middle", "fourth from the left", "on the far right")
    return f"{', '.join(people)} sit in a row. {' '.join(chosen)} Who sits {where[place]}?", row[place]


def zebra(rng: random.Random) -> Task:
    """Level 3: four people, each with one drink and one pet; houses in a row."""
    people = rng.sample(NAMES, 4)
    row, drinks, pets = rng.sample(people, 4), rng.sample(DRINKS, 4), rng.sample(PETS, 4)
    worlds = [
        (r, d, p)
        for r in itertools.permutations(people)
        for d in itertools.permutations(DRINKS)
        for p in itertools.permutations(PETS)
    ]
    clues = _zebra_clues(row, drinks, pets)
    chosen = _fewest(rng, clues, worlds)
    house = rng.randrange(4)
    asked = rng.choice((f"drinks {drinks[house]}", f"has the {pets[house]}"))
    return (
        f"{', '.join(people)} live in houses 1 to 4, one in each. Each has another drink ({', '.join(DRINKS)}) and "
        f"another pet ({', '.join(PETS)}). {' '.join(chosen)} Who {asked}?",
        row[house],
    )


def _zebra_clues(row: Sequence[str], drinks: Sequence[str], pets: Sequence[str]) -> list[Clue]:
    """True sentences about a world; a world is (people, drinks, pets), each by house."""
    clues: list[Clue] = []
    for i, (name, drink, pet) in enumerate(zip(row, drinks, pets, strict=True)):
        clues += [
            (f"{name} drinks {drink}.", lambda w, n=name, d=drink: w[0].index(n) == w[1].index(d)),
            (f"{name} has the {pet}.", lambda w, n=name, p=pet: w[0].index(n) == w[2].index(p)),
            (f"Who drinks {drink} has the {pet}.", lambda w, d=drink, p=pet: w[1].index(d) == w[2].index(p)),
            (f"{name} lives in house {i + 1}.", lambda w, n=name, i=i: w[0][i] == n),
            (f"The {pet} is in house {i + 1}.", lambda w, p=pet, i=i: w[2][i] == p),
        ]
        if i < 3:
            clues += [
                (
                    f"{name} lives just left of whoever drinks {drinks[i + 1]}.",
                    lambda w, n=name, d=drinks[i + 1]: w[0].index(n) + 1 == w[1].index(d),
                ),
                (
                    f"The {pet} is just left of {row[i + 1]}'s house.",
                    lambda w, p=pet, n=row[i + 1]: w[2].index(p) + 1 == w[0].index(n),
                ),
            ]
    return clues


def _fewest(rng: random.Random, clues: Sequence[Clue], worlds: list) -> list[str]:
    """A random chain of clues that leaves one world, each of which rules something out."""
    shuffled = list(clues)
    rng.shuffle(shuffled)
    chosen = []
    for text, holds in shuffled:
        left = [world for world in worlds if holds(world)]
        if len(left) < len(worlds):
            chosen.append(text)
            worlds = left
        if len(worlds) == 1:
            break
    rng.shuffle(chosen)
    return chosen


def last_one_out(rng: random.Random) -> Task:
    """Level 3: people in a circle, every k-th goes out (Josephus)."""
    people = rng.sample(NAMES, rng.randint(6, 10))
    k, circle, at = rng.randint(2, 5), list(people), 0
    while len(circle) > 1:
        at = (at + k - 1) % len(circle)
        circle.pop(at)
    return (
        f"{', '.join(people)} stand in a circle in this order. Counting from {people[0]}, every {_nth(k)} person "
        f"goes out and counting goes on with the next. Who is left?",
        circle[0],
    )


def _nth(k: int) -> str:
    return ("second", "third", "fourth", "fifth")[k - 2]
