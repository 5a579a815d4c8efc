"""Verdicts of the scoring pool and of a scalar model as one: what a stage talks to.

A network neither forks nor is killed cheaply, so it does not run in the pool's workers: a process of its own
scores whole groups beside them (`rlstack/cluster/reward.py`), and the two verdicts of an answer are added up.
Without a reward model this is the pool.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Protocol

from rlstack.api import Response
from rlstack.errors import ScoringError
from rlstack.scoring.pool import Pool, Scores
from rlstack.types import Message, Score

NAME = "reward_model"  # of the reward, in recipes and components

Rewards = Mapping[str, Mapping[str, float]]


class ScalarModel(Protocol):
    """Scores conversations that end with the turn to be judged; larger is better."""

    def submit(self, conversations: Sequence[Sequence[Message]]) -> Future[list[float]]: ...


def by_rule(rewards: Rewards) -> dict[str, dict[str, float]]:
    """The part of env → reward → weight that the pool judges; envs without one are left out."""
    kept = {env: {name: w for name, w in weights.items() if name != NAME} for env, weights in rewards.items()}
    return {env: weights for env, weights in kept.items() if weights}


class Judges:
    """The pool, and the scalar model of those envs that name one."""

    def __init__(self, pool: Pool, rewards: Rewards, model: ScalarModel | None = None) -> None:
        self._pool, self._model = pool, model
        self._weights = {env: weights[NAME] for env, weights in rewards.items() if NAME in weights}
        self._ruled = by_rule(rewards).keys()
        if self._weights and model is None:
            raise ScoringError(
                f"env '{min(self._weights)}' names the reward {NAME}, but no model: say scoring.reward_model=<folder>"
            )

    def submit(self, env: str, answers_G: Sequence[Response], data: Mapping[str, Any]) -> Future[Scores]:
        """Queue the answers to one prompt, as `ScoringPool.submit` does. Raises ScoringError for an unknown env."""
        if env not in self._weights:
            return self._pool.submit(env, answers_G, data)
        assert self._model is not None
        scalars = self._model.submit([_conversation(answer) for answer in answers_G])
        verdicts = self._pool.submit(env, answers_G, data) if env in self._ruled else None
        return _joined(verdicts, scalars, self._weights[env])

    def collect(self, futures: Sequence[Future[Scores]], timeout_s: float) -> list[Scores]:
        """The scores of all groups, in order. Raises DeadlineError after `timeout_s` seconds."""
        return self._pool.collect(futures, timeout_s)


def _conversation(answer: Response) -> list[Message]:
    return [*answer.messages, {"role": "assistant", "content": answer.answer}]


def added(verdict: Score, scalar: float, weight: float) -> Score:
    """A verdict with the model's scalar as one more weighted reward; a scalar that is not finite is an error."""
    if not math.isfinite(scalar):
        return Score(0.0, "error", verdict.components, f"{NAME}: the scalar is {scalar}", verdict.ms)
    components = {**verdict.components, NAME: scalar}
    if verdict.status != "ok":
        return replace(verdict, components=components)
    return replace(verdict, value=verdict.value + weight * scalar, components=components)


def _joined(verdicts: Future[Scores] | None, scalars: Future[list[float]], weight: float) -> Future[Scores]:
    """Resolves when both have: with the sums, or with the first error."""
    joined: Future[Scores] = Future()

    def finish(_: Future[Any]) -> None:
        if error := scalars.exception():
            joined.set_exception(ScoringError(f"the reward model failed: {error}"))
        elif verdicts and (error := verdicts.exception()):
            joined.set_exception(error)
        else:
            values = scalars.result()
            scores = verdicts.result() if verdicts else (Score(),) * len(values)
            joined.set_result(tuple(added(s, v, weight) for s, v in zip(scores, values, strict=True)))

    if verdicts is None:
        scalars.add_done_callback(finish)
    else:
        verdicts.add_done_callback(lambda _: scalars.add_done_callback(finish))
    return joined
