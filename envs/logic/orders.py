"""Orderings and small tribes of liars: each maker returns (question, the one name that answers it)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

from rlstack.envs.words import NAMES

Task = tuple[str, str]

NAMED = frozenset(NAMES)
SHORT = tuple(name for name in NAMES if len(name) <= 4)
SCALES = (("taller", "tallest", "shortest"), ("older", "oldest", "youngest"), ("faster", "fastest", "slowest"))


# ---- orderings ----------------------------------------------------------------------------------------


def chain(rng: random.Random) -> Task:
    """Level 0: two premises in order."""
    a, b, c = rng.sample(SHORT, 3)
    more, most, least = rng.choice(SCALES)
    asked, answer = rng.choice(((most, a), (least, c)))
    return f"{a} is {more} than {b}. {b} is {more} than {c}. Who is {asked}?", answer


def shuffled_chain(rng: random.Random) -> Task:
    """Level 1: four people, premises in any order."""
    people = rng.sample(NAMES, 4)
    more, most, least = rng.choice(SCALES)
    asked, answer = rng.choice(((most, people[0]), (least, people[-1])))
    return f"{_premises(rng, people, more)} Who is {asked}?", answer


def middle_of_many(rng: random.Random) -> Task:
    """Level 2: seven people, asked for a place in the middle."""
    people = rng.sample(NAMES, 7)
    more, most, _ = rng.choice(SCALES)
    place = rng.randint(1, 5)
    ordinal = ("second", "third", "fourth", "fifth", "sixth")[place - 1]
    return f"{_premises(rng, people, more)} Who is the {ordinal} {most}?", people[place]


def _premises(rng: random.Random, people: Sequence[str], more: str) -> str:
    pairs = list(itertools.pairwise(people))
    rng.shuffle(pairs)
    return " ".join(f"{a} is {more} than {b}." for a, b in pairs)


# ---- liars and truth-tellers --------------------------------------------------------------------------

World = tuple[bool, ...]  # per person: tells the truth


def liars_of_two(rng: random.Random) -> Task:
    return liars(rng, 2)


def liars_of_three(rng: random.Random) -> Task:
    return liars(rng, 3)


def liars(rng: random.Random, n: int) -> Task:
    """Statements that leave exactly one world, in which exactly one person tells the truth (or lies)."""
    people = rng.sample(NAMES, n)
    while True:
        spoken = [_statement(rng, people, speaker) for speaker in range(n)]
        worlds = [w for w in itertools.product((True, False), repeat=n) if _holds(w, spoken)]
        if len(worlds) != 1:
            continue
        kinds = [kind for kind in (True, False) if worlds[0].count(kind) == 1]
        if kinds:
            break
    kind = rng.choice(kinds)
    told = " ".join(f'{name} says: "{text}"' for name, (text, _) in zip(people, spoken, strict=True))
    asked = "Who tells the truth?" if kind else "Who lies?"
    return (
        f"Each of {', '.join(people[:-1])} and {people[-1]} always lies or always tells the truth. {told} {asked}",
        people[worlds[0].index(kind)],
    )


def _holds(world: World, spoken: Sequence[tuple[str, Callable[[World], bool]]]) -> bool:
    return all(claim(world) == honest for honest, (_, claim) in zip(world, spoken, strict=True))


def _statement(rng: random.Random, people: Sequence[str], speaker: int) -> tuple[str, Callable[[World], bool]]:
    """A sentence, and whether it is true in a world."""
    other = rng.choice([i for i in range(len(people)) if i != speaker])
    count = rng.randint(1, len(people) - 1)
    third = rng.choice([i for i in range(len(people)) if i != other])
    us = "We are" if third == speaker else f"{people[third]} and {people[other]} are"
    return rng.choice(
        (
            (f"{people[other]} lies.", lambda world: not world[other]),
            (f"{people[other]} tells the truth.", lambda world: world[other]),
            (f"{us} of the same kind.", lambda world: world[third] == world[other]),
            (f"{us} of different kinds.", lambda world: world[third] != world[other]),
            (f"Exactly {count} of us {'lies' if count == 1 else 'lie'}.", lambda world: world.count(False) == count),
        )
    )
