"""Levels 2 and 3: questions about the world, and about things that are invented or cannot be.

Makers return (question, accepted answers); none where no answer exists.
"""

from __future__ import annotations

import random

from rlstack.envs.words import words

Task = tuple[str, tuple[str, ...]]

CAPITALS = {
    "Peru": ("Lima",), "Norway": ("Oslo",), "Egypt": ("Cairo",), "Japan": ("Tokyo",), "Kenya": ("Nairobi",),
    "Cuba": ("Havana",), "Chile": ("Santiago", "Santiago de Chile"), "Ecuador": ("Quito",), "Poland": ("Warsaw",),
    "Portugal": ("Lisbon",), "Austria": ("Vienna",), "Hungary": ("Budapest",), "Greece": ("Athens",),
    "Ireland": ("Dublin",), "Finland": ("Helsinki",), "Iceland": ("Reykjavik", "Reykjavík"), "Thailand": ("Bangkok",),
    "Vietnam": ("Hanoi", "Ha Noi"), "Canada": ("Ottawa",), "Australia": ("Canberra",), "Uruguay": ("Montevideo",),
    "Colombia": ("Bogota", "Bogotá"), "Venezuela": ("Caracas",), "Ghana": ("Accra",), "Senegal": ("Dakar",),
    "Ethiopia": ("Addis Ababa",), "Mongolia": ("Ulaanbaatar", "Ulan Bator"), "Nepal": ("Kathmandu",),
    "Romania": ("Bucharest",), "Bulgaria": ("Sofia",), "Serbia": ("Belgrade",), "Croatia": ("Zagreb",),
    "Latvia": ("Riga",), "Estonia": ("Tallinn",), "Lithuania": ("Vilnius",), "Slovenia": ("Ljubljana",),
    "Denmark": ("Copenhagen",), "Sweden": ("Stockholm",), "Spain": ("Madrid",), "Italy": ("Rome",),
}  # fmt: skip
LANDS = words(
    "Velmoria Tarkheim Oskandia Brundavia Lestonia Quarzania Miravelle Hollgard Zentaria Pelluria Drovania Isembria "
    "Castovar Norwenia Ulmaria Fendolia Gravenia Sorrentia Tymbaria Wexonia Jolandia Kephoria Rhovinia Altmeria "
    "Bolsania Corvania Dunmaria Eskovia Falkoria Grestonia Hespovia Illmaria Jarkovia Kolvenia Lundavia Morvania "
    "Nestovia Orlmaria Pravonia Rastovia"
)
PHRASES = (
    "What is the capital of {land}?",
    "Name the capital of {land}.",
    "Which city is the capital of {land}?",
    "{land}: capital?",
    "I am off to {land}. What is its capital called?",
    "For a quiz: the capital of {land}?",
    "A friend moved to the capital of {land}. Which city is that?",
    "Do you know the capital of {land}?",
    "Give me the capital city of {land}, please.",
    "The seat of government of {land} is in its capital. What is that city?",
)
ASK = "Answer briefly. If you do not know, say so."


def capitals(rng: random.Random, answerable: bool) -> Task:
    """Level 2: capitals of countries that exist, or of invented ones."""
    land = rng.choice(sorted(CAPITALS) if answerable else LANDS)
    return f"{rng.choice(PHRASES).format(land=land)} {ASK}", CAPITALS.get(land, ())


ELEMENTS = words(
    "hydrogen helium lithium beryllium boron carbon nitrogen oxygen fluorine neon sodium magnesium aluminium silicon "
    "phosphorus sulfur chlorine argon potassium calcium"
)
PLANETS = words("Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune")
MONTHS = words("January February March April May June July August September October November December")
SPELT = {"aluminium": ("aluminium", "aluminum"), "sulfur": ("sulfur", "sulphur")}
OPENINGS = (
    "", "Quick question:", "For my homework:", "For a quiz:", "My son asks:", "Just to be sure:", "One more:",
    "In a book I read about this.", "Help me with this one:", "An exam question:", "We have a bet.", "Honestly now:",
    "My neighbour asks:", "For a crossword:",
)  # fmt: skip


def numbered(rng: random.Random, answerable: bool) -> Task:
    """Level 3: the n-th of a series. The unanswerable question presupposes a member that does not exist."""
    what, series = rng.choice(
        (
            ("Which chemical element has atomic number {n}?", ELEMENTS),
            ("Which is planet number {n} of the solar system, counted from the Sun?", PLANETS),
            ("What is the name of month number {n} of the year?", MONTHS),
        )
    )
    real = range(1, len(series) + 1)
    beyond = range(130, 200) if series is ELEMENTS else range(len(series) + 1, len(series) + 40)
    n = rng.choice(real if answerable else beyond)
    opening = rng.choice(OPENINGS)
    question = f"{opening} {what.format(n=n)} {ASK}".strip()
    if not answerable:
        return question, ()
    name = series[n - 1]
    return question, SPELT.get(name, (name,))
