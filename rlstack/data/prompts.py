"""Identity of prompts, the endless stream of an env, and which prompts an evaluation sees.

Everything here is a pure function of its arguments: no state, so that a resumed run, another number of workers
or another order of arrival meets the same prompts. Which positions a step draws: `rlstack/data/stream.py`.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlstack import faults
from rlstack.api import Env, Row
from rlstack.config.rl import EnvShare
from rlstack.data.identity import EVAL_ONE_IN, prompt_id, split_of
from rlstack.data.loaders import with_data
from rlstack.errors import ConfigError, PluginError, nearest
from rlstack.plugins import load_env
from rlstack.types import Message, Prompt, Split

EVAL_SEED = 0  # evaluation prompts are the same for every seed of a run
_SHOWN = 120
MAX_ATTEMPTS = 400  # (7/8)^400 < 1e-23: only a generator that repeats itself fails so often


@dataclass(frozen=True, slots=True)
class Source:
    """One env of a mixture, with its share of every step."""

    env: Env
    weight: float = 1.0
    level: int = 0


def load_sources(shares: Mapping[str, EnvShare], where: str = "envs") -> tuple[Source, ...]:
    """The envs of an RL stage, loaded and checked: names agree, levels exist. `where` is their key, for errors."""
    return tuple(_source(name, share, where) for name, share in sorted(shares.items()))


def _source(name: str, share: EnvShare, where: str) -> Source:
    env = load_env(share.path or name)
    if share.data:
        env = with_data(env, share.data)
    if env.name != name:
        raise ConfigError(
            f"{where}.{name}.path={share.path} holds the env '{env.name}': write {where}.{env.name}.path=…"
        )
    if share.level >= env.levels:
        raise ConfigError(f"{where}.{name}.level={share.level}: '{name}' has levels 0 to {env.levels - 1}")
    judging = {Path(reward).stem for reward in share.rewards or env.rewards}  # a reward may be named by its file
    for component in share.gates:
        if component.split("/")[0] not in judging:
            raise ConfigError(
                f"{where}.{name}.gates names '{component}': a component is <reward> or <reward>/<part>; "
                f"{_nearest_component(component, judging)}"
            )
    return Source(env, share.weight, share.level)


def _nearest_component(component: str, rewards: Collection[str]) -> str:
    """The nearest component by the name of its reward, its part kept."""
    reward, slash, part = component.partition("/")
    hint = nearest(reward, rewards)
    return hint.replace("'?", f"{slash}{part}'?") if slash and hint.endswith("'?") else hint


def prompt_of(env: Env, index: int, level: int, row: Row) -> Prompt:
    """A row with its identity."""
    return Prompt(prompt_id(env.name, row.messages), env.name, index, tuple(row.messages), row.data, level)


# ---- one prompt ---------------------------------------------------------------------------------------


def draw(env: Env, split: Split, index: int, level: int, seed: int) -> tuple[Prompt, Row]:
    """The prompt at `index` of an env's endless stream, with the row (and its gold answer) behind it.

    A data set is walked in epochs, each in a new order. Raises PluginError when a generator has no text
    in this split, or a data set no row.
    """
    drawn = _draw(env, split, index, level, seed, frozenset())
    if drawn is None:
        raise PluginError(
            f"env '{env.name}', level {level}: no further {split} prompt in {MAX_ATTEMPTS} attempts. Its generator "
            f"makes too few distinct texts (one in {EVAL_ONE_IN} is kept for eval): vary its wording or numbers"
        )
    return drawn


def draw_new(env: Env, split: Split, index: int, level: int, seed: int, taken: Collection[str]) -> Prompt | None:
    """As `draw`, but none of the `taken` (ids): a generator tries again, the row of a data set is passed over."""
    drawn = _draw(env, split, index, level, seed, taken)
    return drawn[0] if drawn and drawn[0].id not in taken else None


def _draw(
    env: Env, split: Split, index: int, level: int, seed: int, taken: Collection[str]
) -> tuple[Prompt, Row] | None:
    if env.generate is None:
        return _from_rows(env, split, index, level, seed)
    kind = env.kinds[index % len(env.kinds)] if env.kind else None
    for attempt in range(MAX_ATTEMPTS):
        rng = random.Random(f"{seed}/{env.name}/{level}/{split}/{index}/{attempt}")
        row = generated(env, rng, level)
        if split_of(row.messages) != split or (env.kind and faults.called(env.name, "kind", env.kind, row) != kind):
            continue
        prompt = prompt_of(env, index, level, row)
        if prompt.id not in taken:
            return prompt, row
    return None


def generated(env: Env, rng: random.Random, level: int) -> Row:
    """A row of the env's generator. Raises PluginError for whatever it raises, and for what is no row."""
    assert env.generate is not None
    row = faults.called(env.name, f"generate at level {level}", env.generate, rng, level)
    if problem := row_problem(row):
        raise PluginError(f"env '{env.name}': generate at level {level}: {problem}\n  at {faults.where(env.generate)}")
    return row


def row_problem(row: Any) -> str:
    """Why this is no task; "" when it is one."""
    if not isinstance(row, Row):
        return f"gave {'nothing' if row is None else f'a {type(row).__name__}'}, not a Row"
    if not row.messages or any(not isinstance(m.get("content"), str) for m in row.messages):
        return f"a message without text: {str(row.messages)[:_SHOWN]}"
    if row.messages[-1].get("role") != "user":
        return f"the last message must be the user's: {str(row.messages)[:_SHOWN]}"
    if not isinstance(row.gold, str):
        return f"gold is {'missing' if row.gold is None else f'a {type(row.gold).__name__}'}, not a text"
    return ""


def _from_rows(env: Env, split: Split, index: int, level: int, seed: int) -> tuple[Prompt, Row]:
    rows = data_rows(env, split)
    epoch, position = divmod(index, len(rows))
    assert env.rows is not None
    row = rows[_order(env.rows, env.kind, split, f"{seed}/{env.name}/{split}/{epoch}")[position]]
    return prompt_of(env, index, level, row), row


def data_rows(env: Env, split: Split) -> tuple[Row, ...]:
    """All rows of a data set's split, the first of each text. Raises PluginError when there is none."""
    assert env.rows is not None
    rows = faults.called(env.name, f'rows("{split}")', _distinct, env.rows, split)
    if not rows:
        raise PluginError(f"env '{env.name}': rows(\"{split}\") is empty")
    return rows


@functools.lru_cache(maxsize=64)
def _distinct(rows: Callable[[Split], Sequence[Row]], split: Split) -> tuple[Row, ...]:
    found = rows(split)
    for row in found:
        if not isinstance(row, Row):
            raise PluginError(f'rows("{split}") holds a {type(row).__name__}, not a Row\n  at {faults.where(rows)}')
    return tuple({prompt_id("", row.messages): row for row in reversed(found)}.values())[::-1]


@functools.lru_cache(maxsize=64)
def _order(
    rows: Callable[[Split], Sequence[Row]], kind: Callable[[Row], str] | None, split: Split, key: str
) -> tuple[int, ...]:
    """An epoch's order of a data set: by chance, and the kinds of an env that has some evenly interleaved."""
    distinct = _distinct(rows, split)
    order = list(range(len(distinct)))
    random.Random(key).shuffle(order)
    if kind is None:
        return tuple(order)
    of_kind: dict[str, list[int]] = {}
    for i in order:
        of_kind.setdefault(kind(distinct[i]), []).append(i)
    placed = [((k + 0.5) / len(own), name, i) for name, own in of_kind.items() for k, i in enumerate(own)]
    return tuple(i for *_, i in sorted(placed))


def draft(env: Env, prompt: Prompt, row: Row, seed: int) -> str:
    """What an unaligned writer answers to `prompt`; the gold where the env has no drafts."""
    if env.draft is None:
        return row.gold
    rng = random.Random(f"{seed}/draft/{prompt.id}/{prompt.index}")
    written = faults.called(env.name, "draft", env.draft, row, rng)
    if not isinstance(written, str):
        what = "nothing" if written is None else f"a {type(written).__name__}"
        raise PluginError(f"env '{env.name}': draft gave {what}, not a text\n  at {faults.where(env.draft)}")
    return written


def demonstration(env: Env, prompt: Prompt, row: Row, text: str) -> tuple[Message, ...]:
    """The turns that follow a prompt when `text` is said: of an env that replies to it, its reply and the gold."""
    said: Message = {"role": "assistant", "content": text}
    heard = None
    if env.reply and env.max_turns > 1:
        heard = faults.called(env.name, "reply", env.reply, [*prompt.messages, said], prompt.data)
    return (said, *heard, {"role": "assistant", "content": row.gold}) if heard else (said,)


# ---- an evaluation, quotas ----------------------------------------------------------------------------


def eval_prompts(env: Env, n: int, level: int = 0) -> tuple[Prompt, ...]:
    """`n` distinct held-out prompts, the same in every run; fewer where the env has no more.

    Raises PluginError when there is none at all.
    """
    if env.generate is None:
        n = min(n, len(data_rows(env, "eval")))
    found: dict[str, Prompt] = {}
    for index in range(20 * n + 100):
        prompt, _ = draw(env, "eval", index, level, EVAL_SEED)
        found.setdefault(prompt.id, prompt)
        if len(found) >= n:
            break
    return tuple(found.values())


def quotas(weights: Mapping[str, float], prompts_per_step: int) -> dict[str, int]:
    """Prompts of each env in every step, by the method of largest remainders (ties: by name).

    Raises ConfigError when an env would get none, since every update must hold every env.
    """
    total = sum(weights.values())
    exact = {name: prompts_per_step * weight / total for name, weight in weights.items()}
    counts = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (counts[name] - exact[name], name))
    for name in by_remainder[: prompts_per_step - sum(counts.values())]:
        counts[name] += 1
    empty = sorted(name for name, count in counts.items() if count == 0)
    if empty:
        raise ConfigError(
            f"prompts_per_step={prompts_per_step} leaves no prompt for {', '.join(empty)}: every update must hold "
            f"every env, so raise prompts_per_step (with these weights {_enough(weights)} is enough) or the weight"
        )
    return counts


def _enough(weights: Mapping[str, float]) -> int:
    """A number of prompts at which every env has at least one whole share."""
    return -int(-sum(weights.values()) // min(weights.values()))
