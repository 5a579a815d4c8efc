"""Functions of lists of numbers. Makers return (examples, query, answer)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from rlstack.envs.icl.labels import Task

Function = Callable[[list[int]], list[int]]


def _functions() -> list[Function]:
    fixed: list[Function] = [
        lambda v: v[::-1],
        sorted,
        lambda v: sorted(v, reverse=True),
        lambda v: [sum(v)],
        lambda v: [max(v)] if v else v,
        lambda v: [min(v)] if v else v,
        lambda v: [len(v)],
        lambda v: list(dict.fromkeys(v)),
        lambda v: v[1:],
        lambda v: v[:-1],
        lambda v: v[::2],
        lambda v: [x for x in v if x % 2 == 0],
        lambda v: [x for x in v if x % 2],
        lambda v: [sum(v[: i + 1]) for i in range(len(v))],
        lambda v: [b - a for a, b in itertools.pairwise(v)],
    ]
    added: list[Function] = [lambda v, k=k: [x + k for x in v] for k in range(1, 6)]
    scaled: list[Function] = [lambda v, k=k: [x * k for x in v] for k in range(2, 5)]
    larger: list[Function] = [lambda v, k=k: [x for x in v if x > k] for k in range(3, 8)]
    return [*fixed, *added, *scaled, *larger]


FUNCTIONS = _functions()


def one_function(rng: random.Random) -> Task:
    """Level 2."""
    return explained(rng, [(function,) for function in FUNCTIONS], 4)


def two_functions(rng: random.Random) -> Task:
    """Level 3: one after another, not what one alone could do."""
    chains = [(a, b) for a in FUNCTIONS for b in FUNCTIONS if a is not b]
    return explained(rng, chains, 5)


def explained(rng: random.Random, chains: list[tuple[Function, ...]], n: int) -> Task:
    """`n` examples under which every chain that explains them gives the query the same answer."""
    while True:
        chain = rng.choice(chains)
        *shown, query = [[rng.randint(0, 9) for _ in range(rng.randint(4, 6))] for _ in range(n + 1)]
        wanted = [_run(chain, v) for v in shown]
        fitting = [one for one in chains if all(_run(one, v) == w for v, w in zip(shown, wanted, strict=True))]
        answer = _run(chain, query)
        alone = len(chain) > 1 and any(all(f(v) == w for v, w in zip(shown, wanted, strict=True)) for f in FUNCTIONS)
        if answer and not alone and all(_run(one, query) == answer for one in fitting):
            return [(str(v), str(w)) for v, w in zip(shown, wanted, strict=True)], str(query), str(answer)


def _run(chain: tuple[Function, ...], values: list[int]) -> list[int]:
    for function in chain:
        values = function(values)
    return values
