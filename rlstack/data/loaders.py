"""An env's own data set in place of its generator: `envs.math.data=<file, folder or hub id>`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from rlstack.api import Env, FromRecord, Message, Row
from rlstack.data.identity import prompt_id, split_of
from rlstack.data.tables import Placed, Record, read
from rlstack.errors import ConfigError
from rlstack.types import Split

_SHOWN_KEYS = 12


def with_data(env: Env, source: str) -> Env:
    """The env with the rows of `source`: its rewards and replies, no levels and no drafts.

    Records in our own form, `{"messages", "data", "gold"?}`, fit every env; others are read by `env.record`. A
    text of the eval split is never in train. A source whose files all name the same split, or none, is cut by a
    hash of its texts, as generated prompts are. Raises ConfigError when a record does not fit or a split is empty.
    """
    read(source)  # opens nothing yet, but says at once that there is no such thing

    def rows(split: Split) -> Sequence[Row]:
        return _loaded(env.record, env.name, source)[split]

    return replace(env, generate=None, rows=rows, levels=1, draft=None)


@functools.lru_cache(maxsize=16)
def _loaded(record: FromRecord | None, name: str, source: str) -> dict[Split, tuple[Row, ...]]:
    rows: list[tuple[Split | None, Row]] = []
    left_out = 0
    for placed in read(source):
        fitting = _fitting(record, name, placed)
        left_out += not fitting
        rows.extend((placed.split, row) for row in fitting)
    several = len({split for split, _ in rows}) > 1
    cuts: list[Split] = [(named if several and named else split_of(row.messages)) for named, row in rows]
    if not several and len(set(cuts)) == 1:  # rows of one split of another source, which the same hash had cut
        cuts = [split_of(row.messages, cut=1) for _, row in rows]
    found: dict[Split, dict[str, Row]] = {"train": {}, "eval": {}}
    for split, (_, row) in zip(cuts, rows, strict=True):
        found[split].setdefault(prompt_id("", row.messages), row)
    for seen in found["eval"]:
        found["train"].pop(seen, None)
    for split, kept in found.items():
        if not kept:
            without = f"; without a final answer, and so left out: {left_out} records" if left_out else ""
            raise ConfigError(
                f"envs.{name}.data={source} has no row for {split}: name a file of its folder {split}…, or add rows "
                f"(where the files name one split or none, one row in eight is kept for eval){without}"
            )
    return {split: tuple(kept.values()) for split, kept in found.items()}


def _fitting(record: FromRecord | None, name: str, placed: Placed) -> Sequence[Row]:
    """The rows in a record: a border, since data sets hold anything."""
    try:
        if {"messages", "data"} <= placed.record.keys():
            return [_own(placed.record)]
        if record is None:
            raise ValueError('this env reads rows {"messages", "data", "gold"} only')
        made = record(placed.record)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        keys = ", ".join(list(map(str, placed.record))[:_SHOWN_KEYS])
        reason = f"no key {error}" if isinstance(error, KeyError) else str(error)
        raise ConfigError(
            f"{placed.where} does not fit env '{name}': {reason} (its keys: {keys}; envs/{name}/README.md names the "
            "layouts that are known)"
        ) from error
    if made is None:
        return []
    return [made] if isinstance(made, Row) else made


def _own(record: Record) -> Row:
    messages: list[Message] = [{"role": m["role"], "content": m["content"]} for m in record["messages"]]
    if not messages or messages[-1]["role"] == "assistant":
        raise ValueError("messages end with the turn that is to be answered")
    if not isinstance(record["data"], dict):
        raise ValueError("data is an object")
    return Row(tuple(messages), record["data"], str(record.get("gold") or ""))
