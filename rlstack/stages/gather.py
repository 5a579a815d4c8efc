"""The groups of one step: drawn, sampled, judged, credited, and with dynamic sampling refilled.

Dynamic sampling (DAPO, arXiv 2503.14476, section 3.2): a group whose samples are all worth the same has no advantage,
so its place goes to a further prompt of its env, for at most `sampling.refill` rounds. Axis: `_P` prompts.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rlstack.data.stream import Position, Supply, further_prompts, observed, step_prompts
from rlstack.grpo.advantage import zero_variance
from rlstack.scoring.shaping import passes
from rlstack.stages.collect import Collected
from rlstack.types import Group, Prompt

Roll = Callable[[Sequence[Prompt]], Collected]
"""Samples and judges prompts."""

PartWeights = Mapping[str, Mapping[str, float]]
"""Env → reward → weight, where scores are normalised one by one; no env: their sum is."""

ZERO_VARIANCE = "zero variance"


@dataclass(frozen=True, slots=True)
class Gathered:
    groups_P: tuple[Group, ...]  # of the step: exact quotas, envs evenly interleaved
    made_P: tuple[Group, ...]  # all that were sampled, in the order of drawing; those replaced say so
    position: Position  # behind this step's draws
    rounds: int  # of sampling, the first included
    rollout_s: float
    judging_s: float


@dataclass(frozen=True)
class Gathering:
    """What the groups of a stage go by."""

    supply: Supply
    credit: Callable[[Group], Group]
    full: Mapping[str, float]  # env → best score
    refill: int  # most further rounds
    parts: PartWeights


def gather(roll: Roll, rules: Gathering, position: Position) -> Gathered:
    """The step that begins at `position`. What still has no preference after the last round keeps its place."""
    prompts_P, position = step_prompts(rules.supply, position)
    found = _rolled(roll, rules, prompts_P)
    made, times = list(found.groups_P), [found]
    places_P = list(range(len(made)))  # the group in each place, by its position in `made`
    while len(times) <= rules.refill:
        empty = [place for place, at in enumerate(places_P) if not has_preference(made[at], rules.parts)]
        missing = Counter(made[places_P[place]].prompt.env for place in empty)
        more, position = further_prompts(rules.supply, missing, position, {group.prompt.id for group in made})
        if not more:
            break
        found = _rolled(roll, rules, more)
        times.append(found)
        open_places = {env: deque(p for p in empty if made[places_P[p]].prompt.env == env) for env in missing}
        for group in found.groups_P:
            made.append(group)
            if has_preference(group, rules.parts):
                places_P[open_places[group.prompt.env].popleft()] = len(made) - 1
    return Gathered(
        groups_P=tuple(made[at] for at in places_P),
        made_P=_with_fates(made, places_P),
        position=observed(rules.supply, position, [_passed(group, rules.full) for group in made]),
        rounds=len(times),
        rollout_s=sum(part.rollout_s for part in times),
        judging_s=sum(part.judging_s for part in times),
    )


def remembered(gathered: Gathered) -> dict[str, Any]:
    """What the sealed rollouts of a step do not say; JSON values only."""
    order = [group.prompt.id for group in gathered.groups_P]
    return {"order": order, "position": gathered.position.to_json(), "rounds": gathered.rounds}


def recalled(made_P: Sequence[Group], state: Mapping[str, Any]) -> Gathered:
    """The step whose groups were sealed, from them and what was `remembered`."""
    by_id = {group.prompt.id: group for group in made_P}
    groups_P = tuple(by_id[name] for name in state["order"])
    return Gathered(groups_P, tuple(made_P), Position.from_json(state["position"]), state["rounds"], 0.0, 0.0)


def has_preference(group: Group, parts: PartWeights) -> bool:
    """Whether the verdicts prefer one sample to another, and some sample is learned from."""
    return any(credit.trains for credit in group.credits_G) and not agrees(group, parts)


def agrees(group: Group, parts: PartWeights) -> bool:
    """Whether the samples that count are all worth the same, so that verdicts give no advantage.

    By verdicts after gates and the rule for truncated samples, without the terms that compare a group: lengths
    nearly always differ a little. With `advantage.combine=after` all rewards of a weight other than 0 must agree.
    """
    rows = [[credit.base for credit in group.credits_G]]
    if weights := parts.get(group.prompt.env):
        used = [name for name, weight in weights.items() if weight]
        rows = [[score.components.get(name, 0.0) for score in group.scores_G] for name in used]
    counts_G = [credit.counts for credit in group.credits_G]
    return all(zero_variance(values_G, counts_G) for values_G in rows)


def _rolled(roll: Roll, rules: Gathering, prompts: Sequence[Prompt]) -> Collected:
    collected = roll(prompts)
    return replace(collected, groups_P=tuple(map(rules.credit, collected.groups_P)))


def _with_fates(made: Sequence[Group], places_P: Sequence[int]) -> tuple[Group, ...]:
    kept = set(places_P)
    return tuple(g if i in kept else replace(g, dropped=ZERO_VARIANCE) for i, g in enumerate(made))


def _passed(group: Group, full: Mapping[str, float]) -> tuple[Prompt, int, int]:
    judged = [score for score in group.scores_G if score.status == "ok"]
    return group.prompt, sum(passes(score, full[group.prompt.env]) for score in judged), len(judged)
