"""Invented labels. Makers return (examples, query, answer)."""

from __future__ import annotations

import random
from collections.abc import Sequence

from rlstack.envs.words import words

Task = tuple[Sequence[tuple[str, str]], str, str]

WORDS = words(
    "red blue sun moon tea milk cat dog pen cup oak elm sea hill rain snow gold iron king ship bell lamp rose fern "
    "wolf bear north west desk door salt rice nut fig"
)
LABELS = words("zup mik lof tam ruv beq dax nol pib wug kem fip gor sut vex jat")


def two_words(rng: random.Random) -> Task:
    """Level 0: two words, each with its label; one of them again."""
    given, made = rng.sample(WORDS, 2), rng.sample(LABELS, 2)
    examples = list(zip(given, made, strict=True))
    query, answer = rng.choice(examples)
    return examples, query, answer


def parity_of_length(rng: random.Random) -> Task:
    """Level 1: the label tells whether the word has an even number of letters; the query is new."""
    even = [word for word in WORDS if len(word) % 2 == 0]
    odd = [word for word in WORDS if len(word) % 2]
    first, second = rng.sample(LABELS, 2)
    examples = [(word, first) for word in rng.sample(even, 3)] + [(word, second) for word in rng.sample(odd, 3)]
    shown = {word for word, _ in examples}
    query = rng.choice([word for word in WORDS if word not in shown])
    return examples, query, first if len(query) % 2 == 0 else second
