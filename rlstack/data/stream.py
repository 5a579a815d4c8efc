"""Which prompts a step meets: the position of a stage in the streams of its envs, and draws from there.

A draw is a pure function of (seed, stage, position): what it drew and the position behind it. The position is saved
with every checkpoint, so a run that was killed goes on with the prompts that it would have met. Axis: `_P` prompts.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rlstack.api import Env, Row
from rlstack.config.rl import DifficultyConfig, RLStage
from rlstack.data.difficulty import UNSEEN, Passes, level_of, ranking
from rlstack.data.identity import EVAL_ONE_IN, digest, prompt_id
from rlstack.data.prompts import Source, data_rows, draw_new, prompt_of, quotas
from rlstack.errors import PluginError
from rlstack.types import Prompt

_MISSES = 16  # positions of a generator without a new text, where levels are chosen
Seen = Mapping[str, Mapping[str, Passes]]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stage is: before its first step nowhere."""

    next: Mapping[str, int] = field(default_factory=dict)  # env → index of the next prompt of its stream
    seen: Seen = field(default_factory=dict)  # env → level of a generator, or prompt id of a data set → pass counts

    def to_json(self) -> dict[str, Any]:
        seen = {env: {k: [p.passed, p.judged] for k, p in own.items()} for env, own in self.seen.items()}
        return {"next": dict(self.next), "seen": seen}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Position:
        return cls(row["next"], {env: {k: Passes(*p) for k, p in own.items()} for env, own in row["seen"].items()})


@dataclass(frozen=True)
class Supply:
    """The streams of a stage."""

    sources: Sequence[Source]
    quotas: Mapping[str, int]  # env → prompts of a step
    seed: int  # of run and stage
    difficulty: DifficultyConfig = field(default_factory=DifficultyConfig)

    @classmethod
    def of_stage(cls, sources: Sequence[Source], stage: RLStage, seed: int, name: str) -> Supply:
        counts = quotas({source.env.name: source.weight for source in sources}, stage.prompts_per_step)
        return cls(sources, counts, stage_seed(seed, name), stage.difficulty)

    @property
    def learnable(self) -> bool:
        return self.difficulty.kind == "learnable"


def stage_seed(seed: int, stage: str) -> int:
    return int.from_bytes(digest([seed, stage])[:6])


def step_prompts(supply: Supply, position: Position) -> tuple[tuple[Prompt, ...], Position]:
    """The prompts_P of one step and the position behind them: exact quotas, all distinct, envs evenly interleaved.

    Interleaved: cut into equal parts, no more than the smallest quota, every part holds every env.
    A step begins in an epoch of a data set that has enough rows left for it: a smaller rest waits for another order.
    Raises PluginError when an env has too few distinct texts for its quota.
    """
    begins = {source.env.name: _step_begin(source, supply, position) for source in supply.sources}
    prompts_P, after = further_prompts(supply, supply.quotas, replace(position, next=begins))
    for source in supply.sources:
        name, found = source.env.name, sum(prompt.env == source.env.name for prompt in prompts_P)
        if found < supply.quotas[name]:
            raise PluginError(
                f"env '{name}': only {found} distinct prompts for the {supply.quotas[name]} of a step. Its generator "
                f"makes too few distinct texts (one in {EVAL_ONE_IN} is kept for eval): vary its wording or numbers"
            )
    return prompts_P, after


def further_prompts(
    supply: Supply, counts: Mapping[str, int], position: Position, taken: Collection[str] = frozenset()
) -> tuple[tuple[Prompt, ...], Position]:
    """As many further prompts of each env, none of them `taken` (ids); fewer where an env has no more texts."""
    placed, behind = [], dict(position.next)
    for source in supply.sources:
        name = source.env.name
        if not (count := counts.get(name, 0)):
            continue
        own = _learnable(source, count, supply, position, taken) if supply.learnable else None
        if own is None:
            own = _in_order(source, count, supply, position, taken)
        prompts, behind[name] = own
        placed += [((k + 0.5) / count, name, prompt) for k, prompt in enumerate(prompts)]
    prompts_P = tuple(prompt for *_, prompt in sorted(placed, key=lambda item: item[:2]))
    return prompts_P, replace(position, next=behind)


def observed(supply: Supply, position: Position, found: Sequence[tuple[Prompt, int, int]]) -> Position:
    """The position with the pass counts of a step: (prompt, passed, judged) of each of its groups."""
    if not supply.learnable:
        return position
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    by_row = {source.env.name: source.env.generate is None for source in supply.sources}
    for prompt, passed, judged in found:
        key = prompt.env, prompt.id if by_row[prompt.env] else str(prompt.level)
        before = sums.get(key, (0, 0))
        sums[key] = before[0] + passed, before[1] + judged
    seen = {env: dict(own) for env, own in position.seen.items()}
    for (env, key), (passed, judged) in sums.items():
        own = seen.setdefault(env, {})
        own[key] = own.get(key, UNSEEN).then(passed, judged, supply.difficulty.memory)
    return replace(position, seen=seen)


# ---- one env ------------------------------------------------------------------------------------------


def _step_begin(source: Source, supply: Supply, position: Position) -> int:
    index, count = position.next.get(source.env.name, 0), supply.quotas[source.env.name]
    if source.env.generate is not None:
        return index
    n = len(data_rows(source.env, "train"))
    if n < count:
        raise PluginError(f"env '{source.env.name}': {n} train rows are too few for {count} prompts of a step")
    rest = n - index % n
    return index + rest if rest < count and not supply.learnable else index


def _in_order(
    source: Source, count: int, supply: Supply, position: Position, taken: Collection[str]
) -> tuple[list[Prompt], int]:
    """The next prompts of a stream. Past the end of an epoch the next begins; rows that are taken are passed over."""
    env, index = source.env, position.next.get(source.env.name, 0)
    found: dict[str, Prompt] = {}
    misses, allowed = 0, _MISSES if supply.learnable else 0  # another level may have further texts
    for level in _levels(source, index, supply, position):
        if len(found) == count or _exhausted(env, len(found), taken):
            break
        prompt = draw_new(env, "train", index, level, supply.seed, {*taken, *found})
        if prompt is not None:
            found[prompt.id] = prompt
        elif env.generate is not None and (misses := misses + 1) > allowed:
            break
        index += 1
    return list(found.values()), index


def _levels(source: Source, index: int, supply: Supply, position: Position) -> Iterator[int]:
    """The level of each position of a stream from `index` on."""
    env = source.env
    seen = position.seen.get(env.name, {})
    while True:
        if supply.learnable and env.generate is not None:
            yield level_of(
                env.levels, seen, supply.difficulty, random.Random(f"{supply.seed}/{env.name}/level/{index}")
            )
        else:
            yield source.level
        index += 1


def _exhausted(env: Env, found: int, taken: Collection[str]) -> bool:
    """Whether a data set has no row that is not among those found or taken."""
    if env.generate is not None:
        return False
    assert env.rows is not None
    free = sum(row not in taken for row in _ids(env.rows, env.name)) if taken else len(data_rows(env, "train"))
    return found >= free


def _learnable(
    source: Source, count: int, supply: Supply, position: Position, taken: Collection[str]
) -> tuple[list[Prompt], int] | None:
    """Rows of a data set by their learnability; kinds take turns. None for a generator, whose levels are chosen."""
    env, index = source.env, position.next.get(source.env.name, 0)
    if env.rows is None:
        return None
    rows, ids = data_rows(env, "train"), _ids(env.rows, env.name)
    rng = random.Random(f"{supply.seed}/{env.name}/rows/{index}")
    ranked = [i for i in ranking(ids, position.seen.get(env.name, {}), supply.difficulty, rng) if ids[i] not in taken]
    chosen = _in_turns(env, rows, ranked, index)[:count]
    return [prompt_of(env, index + k, source.level, rows[i]) for k, i in enumerate(chosen)], index + len(chosen)


def _in_turns(env: Env, rows: Sequence[Row], ranked: Sequence[int], index: int) -> list[int]:
    """The ranking with the kinds of an env taking turns, for as long as there are rows of each."""
    if env.kind is None:
        return list(ranked)
    queues: dict[str, list[int]] = {kind: [] for kind in env.kinds}
    for i in ranked:
        queues.setdefault(env.kind(rows[i]), []).append(i)
    turns = [queue[::-1] for queue in queues.values()]
    found: list[int] = []
    while any(turns):
        queue = turns[(index + len(found)) % len(turns)] or max(turns, key=len)
        found.append(queue.pop())
    return found


@functools.lru_cache(maxsize=64)
def _ids(rows: Callable[..., Sequence[Row]], env: str) -> tuple[str, ...]:
    """Prompt ids of a data set's train rows, in the order of `data_rows`."""
    found = Env(name=env, rewards={"none": 1.0}, rows=rows)
    return tuple(prompt_id(env, row.messages) for row in data_rows(found, "train"))
