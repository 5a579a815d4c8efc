"""Levels 0 and 1: what things are. Makers return (question, right option, wrong options)."""

from __future__ import annotations

import random

from rlstack.envs.words import words

Task = tuple[str, str, list[str]]

CLASSES = {
    "metal": words("iron copper zinc silver nickel tin lead cobalt gold chromium"),
    "gas": words("oxygen helium neon argon methane hydrogen krypton nitrogen ozone ammonia"),
    "planet": words("Mars Venus Saturn Jupiter Uranus Neptune Earth"),
    "bird": words("robin heron falcon pigeon parrot swan finch stork penguin raven"),
    "fish": words("salmon trout shark carp tuna cod herring eel pike sturgeon"),
    "insect": words("wasp beetle moth ant cricket termite ladybird aphid louse mantis"),
    "organ": words("liver kidney heart lung brain stomach spleen bladder pancreas"),
    "tree": words("oak birch maple willow spruce cedar beech poplar elm larch"),
}
KINDS = tuple(CLASSES)

ELEMENTS = {  # name: (symbol, atomic number, standard atomic weight, rounded)
    "hydrogen": ("H", 1, 1),
    "helium": ("He", 2, 4),
    "carbon": ("C", 6, 12),
    "nitrogen": ("N", 7, 14),
    "oxygen": ("O", 8, 16),
    "neon": ("Ne", 10, 20),
    "sodium": ("Na", 11, 23),
    "magnesium": ("Mg", 12, 24),
    "silicon": ("Si", 14, 28),
    "sulfur": ("S", 16, 32),
    "potassium": ("K", 19, 39),
    "calcium": ("Ca", 20, 40),
    "iron": ("Fe", 26, 56),
    "silver": ("Ag", 47, 108),
    "tin": ("Sn", 50, 119),
    "gold": ("Au", 79, 197),
    "lead": ("Pb", 82, 207),
}

UNITS = {
    "force": "newton",
    "energy": "joule",
    "power": "watt",
    "pressure": "pascal",
    "electric charge": "coulomb",
    "voltage": "volt",
    "electric resistance": "ohm",
    "frequency": "hertz",
    "electric current": "ampere",
    "temperature": "kelvin",
    "capacitance": "farad",
    "magnetic flux": "weber",
}


def member(rng: random.Random) -> Task:
    """Level 0: one of three is of a kind, or one of three is not."""
    kind, other = rng.sample(KINDS, 2)
    if rng.random() < 0.5:
        article = "an" if kind[0] in "aeiou" else "a"
        return f"Which is {article} {kind}?", *_one(rng, kind, other)
    return f"Which is no {kind}?", *_one(rng, other, kind)


def _one(rng: random.Random, right: str, wrong: str) -> tuple[str, list[str]]:
    return rng.choice(CLASSES[right]), rng.sample(CLASSES[wrong], 2)


def odd_one_out(rng: random.Random) -> Task:
    """Level 1: the kind is not named."""
    kind, other = rng.sample(KINDS, 2)
    right, wrong = rng.choice(CLASSES[other]), rng.sample(CLASSES[kind], 4)
    return "Which one does not belong with the others?", right, wrong


def symbol(rng: random.Random) -> Task:
    name, *others = rng.sample(sorted(ELEMENTS), 5)
    if rng.random() < 0.5:
        return f"What is the chemical symbol of {name}?", ELEMENTS[name][0], [ELEMENTS[one][0] for one in others]
    number = ELEMENTS[name][1]
    return f"Which element has atomic number {number}?", name, others


def unit(rng: random.Random) -> Task:
    quantity, *others = rng.sample(sorted(UNITS), rng.randint(4, 6))
    if rng.random() < 0.5:
        return f"What is the SI unit of {quantity}?", UNITS[quantity], [UNITS[one] for one in others]
    return f"What does the {UNITS[quantity]} measure?", quantity, others


def heavier(rng: random.Random) -> Task:
    names = rng.sample(sorted(ELEMENTS), rng.randint(3, 5))
    by_number = sorted(names, key=lambda name: ELEMENTS[name][1])
    if rng.random() < 0.5:
        return "Which element has the most protons in its nucleus?", by_number[-1], by_number[:-1]
    return "Which element has the fewest protons in its nucleus?", by_number[0], by_number[1:]
