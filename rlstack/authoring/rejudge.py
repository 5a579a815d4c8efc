"""Saved rollouts judged again with today's rewards, and how the verdicts differ. Only reads the run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlstack.config.rl import ScoringConfig
from rlstack.errors import RunDirError, nearest
from rlstack.plugins import load_env
from rlstack.scoring import ScoringPool, judges
from rlstack.scoring.pool import response_of
from rlstack.stages.records import read_groups
from rlstack.types import Group, Prompt, Sample, Score

_SAME = 1e-9  # scores closer than this are equal
_JUDGING_S = 3600.0

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Change:
    """One sample whose verdict is another one now."""

    place: str  # stage and file, e.g. math/rollouts/step-000012
    prompt: Prompt
    sample: Sample
    before: Score
    after: Score

    def to_json(self) -> dict[str, Any]:
        return {
            "place": self.place,
            "env": self.prompt.env,
            "prompt_id": self.prompt.id,
            "index": self.sample.index,
            "question": self.prompt.messages[-1]["content"],
            "response": self.sample.text,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
        }


@dataclass(slots=True)
class Tally:
    """What became of one env's verdicts."""

    samples: int = 0
    higher: int = 0
    lower: int = 0
    status: int = 0  # judged then and not now, or the other way round
    components: int = 0  # of the same value, made of other components
    before: Counter[str] = field(default_factory=Counter)  # by status
    after: Counter[str] = field(default_factory=Counter)
    sum_before: float = 0.0
    sum_after: float = 0.0

    @property
    def changed(self) -> int:
        return self.higher + self.lower + self.status + self.components

    @property
    def mean_before(self) -> float:
        return self.sum_before / self.before["ok"] if self.before["ok"] else 0.0

    @property
    def mean_after(self) -> float:
        return self.sum_after / self.after["ok"] if self.after["ok"] else 0.0

    def add(self, before: Score, after: Score) -> bool:
        """Counts a pair of verdicts; True when they differ."""
        self.samples += 1
        self.before[before.status] += 1
        self.after[after.status] += 1
        self.sum_before += before.value if before.status == "ok" else 0.0
        self.sum_after += after.value if after.status == "ok" else 0.0
        if before.status != after.status:
            self.status += 1
            return True
        if before.status != "ok":
            return False
        if abs(before.value - after.value) <= _SAME:
            self.components += (differs := bool(differing(before, after)))
            return differs
        if after.value > before.value:
            self.higher += 1
        else:
            self.lower += 1
        return True

    def to_json(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "changed": self.changed,
            "higher": self.higher,
            "lower": self.lower,
            "status": self.status,
            "components": self.components,
            "before": {"mean": self.mean_before, **self.before},
            "after": {"mean": self.mean_after, **self.after},
        }


def differing(before: Score, after: Score) -> dict[str, tuple[float | None, float | None]]:
    """The components that are not the same: before and after, None where there was none."""
    names = sorted(before.components.keys() | after.components.keys()) if before.components else ()
    pairs = {name: (before.components.get(name), after.components.get(name)) for name in names}
    return {name: (a, b) for name, (a, b) in pairs.items() if a is None or b is None or abs(a - b) > _SAME}


@dataclass(frozen=True, slots=True)
class Rejudged:
    envs: Mapping[str, Tally]
    changes: tuple[Change, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "envs": {env: tally.to_json() for env, tally in self.envs.items()},
            "changes": [change.to_json() for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class SavedStage:
    """An RL stage of a run: its files of rollouts and evaluations, and what judged them."""

    name: str
    envs: Mapping[str, Mapping[str, Any]]  # as in the run's configuration
    files: tuple[Path, ...]


def saved_stages(run: Path, only: Collection[str] = ()) -> list[SavedStage]:
    """The stages of a run that hold rollouts. Raises RunDirError when there are none, or none of that name."""
    try:
        config = json.loads((run / "config.json").read_text(encoding="utf-8"))
        stages = {name: stage for name, stage in config["stages"].items() if stage.get("envs")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunDirError(f"{run} is no run directory: its config.json cannot be read ({error})") from error
    if unknown := [name for name in only if name not in stages]:
        raise RunDirError(f"{run} has no RL stage '{unknown[0]}'; {nearest(unknown[0], stages)}")
    found = []
    for name, stage in stages.items():
        files = (*sorted((run / name / "rollouts").glob("*.jsonl")), *sorted((run / name / "eval").glob("*.jsonl")))
        if files and (not only or name in only):
            found.append(SavedStage(name, stage["envs"], files))
    if not found:
        raise RunDirError(f"{run} holds no rollouts yet")
    return found


def rejudge(
    run: Path, stages: Sequence[SavedStage], envs: Collection[str], scoring: ScoringConfig, advance: Advance
) -> Rejudged:
    """Judges every sample of the `envs` (none named: of all) again; `advance` hears of each finished file.

    Raises PluginError when an env or a reward of the run does not load any more.
    """
    known = {env for stage in stages for env in stage.envs}
    if unknown := [env for env in envs if env not in known]:
        raise RunDirError(f"{run} has no rollouts of env '{unknown[0]}'; {nearest(unknown[0], known)}")
    chosen = set(envs) or known
    tallies: dict[str, Tally] = {}
    changes = []
    for stage in stages:
        shares = {env: share or {} for env, share in stage.envs.items() if env in chosen}
        if not shares:
            continue
        paths = {env: str(share["path"]) for env, share in shares.items() if share.get("path")}
        rewards = {env: share.get("rewards") or load_env(paths.get(env, env)).rewards for env, share in shares.items()}
        ruled = judges.by_rule(rewards)
        with ScoringPool(ruled, scoring, paths=paths) as pool:
            for file in stage.files:
                place = str(file.relative_to(run).with_suffix(""))
                groups = [group for group in read_groups(file) if group.prompt.env in ruled]
                for group, scores_G in _judged(pool, groups):
                    tally = tallies.setdefault(group.prompt.env, Tally())
                    weight = rewards[group.prompt.env].get(judges.NAME, 0.0)
                    for sample, before, ruling in zip(group.samples_G, group.scores_G, scores_G, strict=True):
                        after = _with_opinion(ruling, before, weight)
                        if tally.add(before, after):
                            changes.append(Change(place, group.prompt, sample, before, after))
                advance(1)
    return Rejudged(dict(sorted(tallies.items())), tuple(changes))


def _with_opinion(ruling: Score, before: Score, weight: float) -> Score:
    """With the reward model's scalar as it was then: that model is not asked again."""
    opinion = before.components.get(judges.NAME)
    return ruling if opinion is None else judges.added(ruling, opinion, weight)


def _judged(pool: ScoringPool, groups: Sequence[Group]) -> Iterator[tuple[Group, tuple[Score, ...]]]:
    waiting = []
    for group in groups:
        answers_G = [response_of(group.prompt, sample) for sample in group.samples_G]
        waiting.append(pool.submit(group.prompt.env, answers_G, group.prompt.data))
    yield from zip(groups, pool.collect(waiting, _JUDGING_S), strict=True)
