"""What the server is asked for: groups, and the items in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rlstack.plugins import ScoreFunction
from rlstack.scoring.compose import combine
from rlstack.scoring.worker import DETAIL_CHARS
from rlstack.types import Score


@dataclass(frozen=True, slots=True)
class Judge:
    """One reward of an env."""

    name: str
    weight: float
    score: ScoreFunction
    deadline_s: float
    fresh_worker: bool  # judge every answer in a worker of its own, because the reward runs what it is given
    verifiable: bool
    detail_chars: int = DETAIL_CHARS  # a verdict's detail is cut here


@dataclass(slots=True, eq=False)
class GroupJob:
    """The answers to one prompt, until each has its score."""

    ident: bytes
    env: str
    judges: Sequence[Judge]
    shared: bytes  # the prompt's data, JSON
    scores_G: list[Score | None]

    @property
    def done(self) -> bool:
        return all(score is not None for score in self.scores_G)


@dataclass(slots=True, eq=False)
class Item:
    """One answer on its way; `parts` grows by one score per reward."""

    group: GroupJob
    index: int
    answer: bytes  # the response, JSON
    parts: list[Score] = field(default_factory=list)
    attempts: int = 0
    alone: bool = False  # only in a worker that has judged nothing yet

    @property
    def judge(self) -> Judge:
        """The reward whose verdict is awaited."""
        return self.group.judges[len(self.parts)]

    def add(self, score: Score) -> bool:
        """Take the awaited verdict; True when it was the last one."""
        self.parts.append(score)
        if len(self.parts) < len(self.group.judges):
            return False
        judges = self.group.judges
        parts = {judge.name: part for judge, part in zip(judges, self.parts, strict=True)}
        self.group.scores_G[self.index] = combine({judge.name: judge.weight for judge in judges}, parts)
        return True

    def give_up(self, score: Score) -> None:
        """Charge the awaited reward with a score that is not ok; rewards after it stay unasked."""
        judges = self.group.judges[: len(self.parts) + 1]
        parts = {judge.name: part for judge, part in zip(judges, [*self.parts, score], strict=True)}
        self.group.scores_G[self.index] = combine({judge.name: judge.weight for judge in judges}, parts)
