"""Levels 0 and 1: what the prompt states of a small invented world can be answered, what it leaves out cannot.

Makers return (question, accepted answers); none where the prompt does not tell.
"""

from __future__ import annotations

import random

from rlstack.envs.words import CITIES, NAMES, words

Task = tuple[str, tuple[str, ...]]

DRINKS = words("tea milk water juice cocoa coffee cider soup")
PETS = words("cat dog hen goat frog mouse parrot snail pony crab")
COLOURS = words("red blue green white black brown pink grey")
JOBS = words("cook nurse pilot baker judge clerk guard tailor miner farmer")
KINDS = {"drink": DRINKS, "pet": PETS, "colour": COLOURS, "job": JOBS}
ASK = "If not told, say so."


def two_people(rng: random.Random, answerable: bool) -> Task:
    """Level 0: two people with one thing each; asked for one of them, or for a third."""
    first, second, third = rng.sample(NAMES, 3)
    kind = rng.choice(sorted(KINDS))
    things = rng.sample(KINDS[kind], 2)
    who, answer = rng.choice(list(zip((first, second), things, strict=True))) if answerable else (third, "")
    question = f"{first}: {things[0]}. {second}: {things[1]}. {kind.capitalize()} of {who}? {ASK}"
    return question, (answer,) if answerable else ()


SENTENCES = {
    "drink": ("{who} drinks {what}.", "What does {who} drink?"),
    "pet": ("{who} owns a {what}.", "Which animal does {who} own?"),
    "colour": ("{who}'s favourite colour is {what}.", "What is {who}'s favourite colour?"),
    "job": ("{who} works as a {what}.", "What does {who} work as?"),
    "town": ("{who} lives in {what}.", "Where does {who} live?"),
}


def notes(rng: random.Random, answerable: bool) -> Task:
    """Level 1: six notes on four people. The unanswerable question names a known person and a known matter."""
    people = rng.sample(NAMES, 4)
    cells = [(who, kind) for who in people for kind in SENTENCES]
    told = rng.sample(cells, 6)
    world = {cell: rng.choice(CITIES if cell[1] == "town" else KINDS[cell[1]]) for cell in cells}
    text = " ".join(SENTENCES[kind][0].format(who=who, what=world[who, kind]) for who, kind in told)
    known = {who for who, _ in told}, {kind for _, kind in told}
    left_out = [cell for cell in cells if cell not in told and cell[0] in known[0] and cell[1] in known[1]]
    cell = rng.choice(told if answerable or not left_out else left_out)
    if not answerable and not left_out:
        return notes(rng, answerable)
    question = f"{text} {SENTENCES[cell[1]][1].format(who=cell[0])} {ASK}"
    return question, (world[cell],) if answerable else ()
