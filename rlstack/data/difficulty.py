"""How much is to be learned from a level or a row, by the policy's own pass rate there. Pure functions.

The weight of what is passed with probability p is its *learnability* p(1 - p), the variance of success: what is
always or never solved teaches nothing, an even chance most. Source: Rutherford et al., arXiv 2408.15099; for language
models Foster et al., arXiv 2502.12272.

    p = (passed + 1) / (judged + 2)               (Laplace's rule: unseen is 1/2, hence tried first)
    weight = floor + (1 - floor) * 4 p (1 - p)    (in [floor, 1])

Counts fade by `memory` whenever new ones arrive, since the policy that made the old ones is gone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rlstack.config.rl import DifficultyConfig


@dataclass(frozen=True, slots=True)
class Passes:
    """Faded counts of one level or row."""

    passed: float = 0.0
    judged: float = 0.0

    def then(self, passed: int, judged: int, memory: float) -> Passes:
        """With what a step has seen; unchanged where nothing could be judged."""
        if not judged:
            return self
        return Passes(memory * self.passed + passed, memory * self.judged + judged)


UNSEEN = Passes()


def weight(passes: Passes, cfg: DifficultyConfig) -> float:
    """How often it is drawn, relative to others; in [floor, 1]."""
    p = (passes.passed + 1) / (passes.judged + 2)
    return cfg.floor + (1 - cfg.floor) * 4 * p * (1 - p)


def level_of(levels: int, seen: Mapping[str, Passes], cfg: DifficultyConfig, rng: random.Random) -> int:
    """One of 0..levels-1, by weight."""
    return rng.choices(range(levels), [weight(seen.get(str(level), UNSEEN), cfg) for level in range(levels)])[0]


def ranking(ids: Sequence[str], seen: Mapping[str, Passes], cfg: DifficultyConfig, rng: random.Random) -> list[int]:
    """Positions in `ids`, drawn one after another by weight without replacement.

    Source: Efraimidis and Spirakis (2006): sorting by u^(1/weight), u uniform, is such a draw.
    """
    keys = [math.log(1.0 - rng.random()) / weight(seen.get(row, UNSEEN), cfg) for row in ids]
    return sorted(range(len(ids)), key=lambda i: (-keys[i], i))
