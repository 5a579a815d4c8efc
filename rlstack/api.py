"""What authors of environments and rewards write against. Standard library only.

An environment is a folder `envs/<name>/` whose `env.py` defines `ENV = Env(...)`: it owns prompts and
facts about them. A reward is a file `rewards/<name>.py` (or a package of that name, or `reward.py` inside
an env's folder, which is then named like the env) that defines

    def score(response: Response, data: Mapping[str, Any]) -> Score

a pure function of one finished response and the prompt's data: no clock, no randomness, no files, no
network. Beside it, `DEADLINE_S = 2.0` may set how long one call may take before its process is killed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rlstack.types import FinishReason, Message, Score, Split

__all__ = ["Env", "Message", "Response", "Row", "Score", "invalid", "judged"]


@dataclass(frozen=True, slots=True)
class Response:
    """One finished answer of the policy, as a reward sees it."""

    text: str  # the last assistant turn, special tokens removed
    finish_reason: FinishReason = "stop"  # "length": cut off by the token limit
    n_tokens: int = 0
    messages: tuple[Message, ...] = ()  # the conversation that led to it, earlier turns of the policy included

    @property
    def answer(self) -> str:
        """The text after the reasoning part; "" while the reasoning is not closed."""
        _, closed, tail = self.text.rpartition("</think>")
        if closed:
            return tail
        return "" if "<think>" in tail else tail


def judged(value: float, detail: str = "", **components: float) -> Score:
    """A verdict: `judged(1.0, "equal")`, `judged(0.5, syntax=1.0, content=0.0)`."""
    return Score(float(value), "ok", components, detail)


def invalid(detail: str) -> Score:
    """The task cannot be judged (broken gold): the sample leaves its group instead of scoring 0."""
    return Score(0.0, "invalid", {}, detail)


@dataclass(frozen=True, slots=True)
class Row:
    """One task before it gets its identity.

    `gold` is a response that must score at least 0.99 with the env's rewards; the scoring pool is probed
    with it, and it is what supervised fine-tuning imitates. "": none is known (only in loaded data sets).
    """

    messages: tuple[Message, ...]
    data: Mapping[str, Any]
    gold: str

    @classmethod
    def ask(cls, question: str, data: Mapping[str, Any], gold: str, system: str | None = None) -> Row:
        """A single user question, with an optional system prompt."""
        turns: list[Message] = [{"role": "system", "content": system}] if system else []
        turns.append({"role": "user", "content": question})
        return cls(tuple(turns), data, gold)


FromRecord = Callable[[Mapping[str, Any]], Row | Sequence[Row] | None]
"""One record of a data set → its row or rows; None leaves it out, KeyError or ValueError says that it does not fit."""


@dataclass(frozen=True)
class Env:
    """A source of prompts and the rewards that judge the answers.

    Give either `generate` (an endless stream made from a random generator and a level, 0 the easiest) or
    `rows` (a finite data set per split). Generated prompts are split into train and eval by a hash of
    their text, so no prompt is ever in both; `generate` need not care.
    """

    name: str
    rewards: Mapping[str, float]  # reward name → weight; the sum of weights is the best score
    generate: Callable[[random.Random, int], Row] | None = None
    rows: Callable[[Split], Sequence[Row]] | None = None
    levels: int = 1  # `generate` accepts 0..levels-1
    draft: Callable[[Row, random.Random], str] | None = None
    """How a writer who was never aligned answers: sometimes the gold, sometimes a habit that the rewards
    do not pay. The tiny base is fine-tuned on drafts, which leaves choices open for RL to settle."""
    kind: Callable[[Row], str] | None = None
    kinds: tuple[str, ...] = ()
    """Kinds of tasks that take turns, so that a step which holds as many prompts of the env holds every kind.
    `kind` names a row's; for an env whose best answer to one kind alone would be a habit."""
    reply: Callable[[Sequence[Message], Mapping[str, Any]], Sequence[Message] | None] | None = None
    """What the env says to a conversation (which ends with the policy's turn) and the prompt's data, in the
    role "tool" or "user"; None ends it. Pure, and called in a process that may be killed, like a reward: a
    call that fails on the policy's account is answered with words, an exception is a fault of the env."""
    max_turns: int = 4  # of the policy in one conversation; `reply` is not asked after the last
    record: FromRecord | None = None  # reads the records of public data sets, for `stages.<stage>.envs.<name>.data=…`
    facts: Mapping[str, str] = field(default_factory=dict)  # licence, source, … shown by `rlstack env list`

    def __post_init__(self) -> None:
        if (self.generate is None) == (self.rows is None):
            raise ValueError(f"env '{self.name}': give exactly one of generate= and rows=")
        if not self.rewards:
            raise ValueError(f"env '{self.name}': rewards= names no reward")
        for reward, weight in self.rewards.items():
            if not isinstance(weight, int | float) or not math.isfinite(weight):
                raise ValueError(f"env '{self.name}': rewards['{reward}'] is {weight!r}, but a weight is a number")
        if not isinstance(self.levels, int) or self.levels < 1:
            raise ValueError(f"env '{self.name}': levels is {self.levels!r}, but must be a whole number above 0")
        if (self.kind is None) != (not self.kinds):
            raise ValueError(f"env '{self.name}': give both of kind= and kinds=, or neither")
