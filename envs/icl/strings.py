"""Rewriting of letter strings. Makers return (examples, query, answer)."""

from __future__ import annotations

import random
from collections.abc import Callable

from rlstack.envs.icl.labels import Task

Rule = Callable[[str], str]

RULES: dict[str, Rule] = {
    "backwards": lambda s: s[::-1],
    "twice": lambda s: s + s,
    "letters doubled": lambda s: "".join(2 * letter for letter in s),
    "first to the end": lambda s: s[1:] + s[0],
    "last to the front": lambda s: s[-1] + s[:-1],
    "ends dropped": lambda s: s[1:-1],
    "sorted": lambda s: "".join(sorted(s)),
    "next letters": lambda s: "".join(chr((ord(letter) - 96) % 26 + 97) for letter in s),
    "mirrored": lambda s: s + s[::-1],
    "every second": lambda s: s[::2],
}


def one_rule(rng: random.Random) -> Task:
    """Level 1."""
    return rewritten(rng, [(rule,) for rule in RULES.values()])


def two_rules(rng: random.Random) -> Task:
    """Level 2: one rule after another."""
    return rewritten(rng, [(a, b) for a in RULES.values() for b in RULES.values() if a is not b])


def rewritten(rng: random.Random, chains: list[tuple[Rule, ...]]) -> Task:
    """Examples under which every chain that explains them gives the query the same answer."""
    while True:
        chain = rng.choice(chains)
        given = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(4, 6))) for _ in range(4)]
        *shown, query = given
        fitting = [one for one in chains if all(_run(one, s) == _run(chain, s) for s in shown)]
        answer = _run(chain, query)
        if len(set(given)) == 4 and answer and {_run(one, query) for one in fitting} == {answer}:
            return [(s, _run(chain, s)) for s in shown], query, answer


def _run(chain: tuple[Rule, ...], text: str) -> str:
    for rule in chain:
        text = rule(text) if text else text
    return text
