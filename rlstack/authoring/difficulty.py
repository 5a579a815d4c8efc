"""How hard an environment's levels are for a model, and which one to train on. Axis: `_G` samples of a prompt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from rlstack.api import Env
from rlstack.authoring.trial import Advance, Sampler, Trial, answer_all
from rlstack.data.prompts import eval_prompts
from rlstack.scoring import ScoringPool
from rlstack.scoring.shaping import PASSED
from rlstack.stages.evaluate import PassRate

_SAME = 1e-9  # scores closer than this carry no advantage
_USABLE = 0.2  # share of mixed groups below which a step learns from few of its prompts
_EASY = 0.9


@dataclass(frozen=True, slots=True)
class Level:
    """One level, over prompts that could be judged."""

    level: int
    prompts: int
    samples: int
    pass_rate: float  # answers with the full score
    low: float  # 95 % interval of the pass rate; samples of one prompt count as one observation
    high: float
    mixed: float  # share of prompts whose samples do not all score the same: those that RL learns from
    mean_score: float
    cut_off: float  # share of answers that ran into the token limit
    unjudged: float

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Difficulty:
    levels: tuple[Level, ...]
    suggested: int | None
    advice: str

    @property
    def is_hard(self) -> bool:
        """Whether hardly any answer passes at any level."""
        return max(row.pass_rate for row in self.levels) < 1 - _EASY

    def to_json(self) -> dict[str, Any]:
        rows = [level.to_json() for level in self.levels]
        return {"levels": rows, "suggested_level": self.suggested, "advice": self.advice}


def measure(
    env: Env, levels: Sequence[int], prompts: int, samples: int, sampler: Sampler, pool: ScoringPool, advance: Advance
) -> Difficulty:
    """Asks held-out prompts of each level `samples` times."""
    best = sum(weight for weight in env.rewards.values() if weight > 0)
    rows = []
    for level in levels:
        trials = answer_all(env, eval_prompts(env, prompts, level), samples, sampler, pool, advance)
        rows.append(level_of(level, trials, best))
    suggested, advice = suggest(rows)
    return Difficulty(tuple(rows), suggested, advice)


def level_of(level: int, trials: Sequence[Trial], best: float) -> Level:
    """The figures of one level from its judged answers; `best` is the full score."""
    groups = [[score.value for score in trial.judged_G] for trial in trials]
    groups = [values for values in groups if values]
    answers = [response for trial in trials for response in trial.responses_G]
    judged = sum(map(len, groups))
    passed = [sum(value >= PASSED * best for value in values) / len(values) for values in groups]
    rate = fmean(passed) if passed else math.nan
    low, high = PassRate(round(sum(passed)), len(passed)).interval
    return Level(
        level=level,
        prompts=len(trials),
        samples=len(answers),
        pass_rate=rate,
        low=min(low, rate) if passed else 0.0,
        high=max(high, rate) if passed else 1.0,
        mixed=fmean(max(values) - min(values) > _SAME for values in groups) if groups else 0.0,
        mean_score=fmean(value for values in groups for value in values) if judged else math.nan,
        cut_off=fmean(response.finish_reason == "length" for response in answers) if answers else 0.0,
        unjudged=1 - judged / len(answers) if answers else 0.0,
    )


def suggest(levels: Sequence[Level]) -> tuple[int | None, str]:
    """The level with the most mixed groups, and a sentence that says why, or what to do when there is none."""
    chosen = max(levels, key=lambda row: (row.mixed, -row.level))
    if chosen.mixed >= _USABLE:
        return chosen.level, f"level {chosen.level}: {chosen.mixed:.0%} of its groups hold better and worse answers"
    if min(row.pass_rate for row in levels) > _EASY:
        return None, "too easy: this model passes every level, so there is little to learn; add a harder one"
    if max(row.pass_rate for row in levels) < 1 - _EASY:
        return None, (
            "too hard: hardly any answer passes, so there is nothing to reinforce; fine-tune on the env's drafts "
            "first (recipe=sft_rl), add an easier level, or reward parts of the way"
        )
    return None, (
        "the answers to each prompt agree with each other; raise the temperature, or ask for levels in between"
    )
