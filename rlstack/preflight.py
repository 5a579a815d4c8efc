"""Plugins tried before anything starts: environments load and give prompts, rewards load, levels and gates exist.

For `dry_run=true` and for the run itself: what is wrong with an author's module is said within a second or two, and
not after engines and learners have started.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from rlstack import faults
from rlstack.api import Env, Response, Row
from rlstack.config.rl import EnvShare, RLStage, ScoringConfig
from rlstack.config.run import RunConfig
from rlstack.config.train import TrainStage
from rlstack.data.prompts import Source, demonstration, draft, draw, load_sources
from rlstack.errors import ConfigError, PluginError, RlstackError, nearest
from rlstack.plugins import load_env, load_reward
from rlstack.scoring import ScoringPool, judges

_LONGEST_S = 30.0  # to draw a first prompt
_JUDGING_S = 30.0


def check_plugins(config: RunConfig) -> None:
    """Raises ConfigError with everything that is wrong with the environments and rewards of the stages."""
    found: list[str] = []
    for name, stage in config.stages.items():
        if isinstance(stage, RLStage):
            for env, share in sorted(stage.envs.items()):
                found += _told(f"stages.{name}.envs.{env}", _rl_problem(f"stages.{name}.envs", env, share, config))
        else:
            found += [line for source in stage.data for line in _told(f"stages.{name}.data", _data(source, stage))]
    if found := list(dict.fromkeys(found)):
        head = [f"{len(found)} problems with environments and rewards"] if len(found) > 1 else []
        raise ConfigError("\n".join([*head, *found]))


def _told(where: str, attempt: Iterator[None]) -> list[str]:
    """What stops the attempt, in one text."""
    try:
        for _ in attempt:
            pass
    except RlstackError as error:
        return [str(error) if str(error).startswith(where) else f"{where}: {error}"]
    return []


def _rl_problem(where: str, name: str, share: EnvShare, config: RunConfig) -> Iterator[None]:
    (source,) = load_sources({name: share}, where)
    yield
    for reward in share.rewards or source.env.rewards:
        load_reward(reward, share.path)
    yield
    if share.data and config.dry_run:  # a large one takes its time, and what it holds is the business of the run
        return
    row = _first(source.env, source.level)
    if any("/" in component for component in share.gates):
        _check_gates(f"{where}.{name}", source, share, row)


def _data(source: str, stage: TrainStage) -> Iterator[None]:
    if source == "text" or source.endswith(".jsonl"):
        return
    env = load_env(source)
    yield
    row = _first(env, 0)
    if stage.kind != "pretrain":
        prompt, _ = draw(env, "train", 0, 0, 0)
        demonstration(env, prompt, row, draft(env, prompt, row, 0))


def _first(env: Env, level: int) -> Row:
    """The first row of the level. Raises PluginError when there is none, or its data is not JSON."""
    with faults.limited(_LONGEST_S, f"env '{env.name}', level {level}: generating a first prompt"):
        _, row = draw(env, "train", 0, level, 0)
    try:
        json.dumps(dict(row.data))
    except (TypeError, ValueError) as error:
        raise PluginError(
            f"env '{env.name}', level {level}: data is not JSON ({error}): use texts, numbers, lists and dicts\n"
            f"  at {faults.where(env.generate or env.rows or load_env)}"
        ) from error
    return row


def _check_gates(where: str, source: Source, share: EnvShare, row: Row) -> None:
    """The parts that gates name, against the verdict on a gold answer."""
    env = source.env
    weights = {name: weight for name, weight in (share.rewards or env.rewards).items() if name != judges.NAME}
    if not weights or not row.gold:
        return
    with ScoringPool({env.name: weights}, ScoringConfig(), paths={env.name: share.path} if share.path else {}) as pool:
        (score,) = pool.judge(env.name, [Response(row.gold, messages=row.messages)], row.data, _JUDGING_S)
    if score.status != "ok":
        return  # the probe of the run says more
    for component in share.gates:
        if component not in score.components and Path(component).stem != judges.NAME:
            raise ConfigError(
                f"{where}.gates names '{component}', which the verdicts do not have; "
                f"{nearest(component, score.components)}"
            )
