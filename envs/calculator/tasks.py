"""Tasks that want a tool. Makers return (question, answer, catalogue); the catalogue is not shown to the policy."""

from __future__ import annotations

import random
from typing import Any

from rlstack.envs.words import CITIES, NAMES, words

Task = tuple[str, str, dict[str, Any]]

GOODS = words("lamp chair desk shelf mirror rug clock vase basket curtain stool bench")
PLURAL = {"shelf": "shelves", "bench": "benches"}


def _several(item: str) -> str:
    return PLURAL.get(item, f"{item}s")


def one_step(rng: random.Random) -> Task:
    """Level 0: two numbers of two digits."""
    a, b, sign = rng.randint(11, 99), rng.randint(11, 99), rng.choice("*+-")
    value = {"*": a * b, "+": a + b, "-": a - b}[sign]
    return f"{a}{sign}{b}?", str(value), {}


def long_sum(rng: random.Random) -> Task:
    """Level 1: a story of four large numbers."""
    boxes, each, broken, price = rng.randint(120, 980), rng.randint(24, 96), rng.randint(100, 999), rng.randint(3, 39)
    question = (
        f"A depot holds {boxes} boxes of {each} bulbs. {broken} bulbs are broken; the rest is sold at {price} coins "
        "each. How many coins does that bring?"
    )
    return question, str((boxes * each - broken) * price), {}


def shopping(rng: random.Random) -> Task:
    """Level 2: prices stand in the catalogue only."""
    table = {item: {"price": rng.randint(11, 480)} for item in GOODS}
    chosen = [(item, rng.randint(3, 60)) for item in rng.sample(GOODS, 2)]
    told = " and ".join(f"{count} {_several(item)}" for item, count in chosen)
    total = sum(table[item]["price"] * count for item, count in chosen)
    return f"What do {told} cost together? Look up the price of each kind (by its singular).", str(total), table


def budgets(rng: random.Random) -> Task:
    """Level 3: one entry leads to the next, and a sum has to be worked out."""
    people, cities = rng.sample(NAMES, 4), rng.sample(CITIES, 4)
    table: dict[str, Any] = {
        f"office {city}": {"rent": rng.randint(900, 9800), "months": rng.randint(5, 36)} for city in cities
    }
    table |= {f"person {name}": {"office": city} for name, city in zip(people, rng.sample(cities, 4), strict=True)}
    first, second = rng.sample(people, 2)
    costs = []
    for name in (first, second):
        office = table[f"office {table[f'person {name}']['office']}"]
        costs.append(office["rent"] * office["months"])
    question = (
        f"By how many coins do the offices of {first} and {second} differ in what they cost over all their months? "
        'Entries are named like "person Ann" and "office Oslo". Give the difference without a sign.'
    )
    return question, str(abs(costs[0] - costs[1])), table
