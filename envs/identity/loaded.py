"""An identity of your own: `{"name", "maker", "others"?}` gives prompts of every level to it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from rlstack.api import Row
from rlstack.envs.loaded import Record

Make = Callable[[random.Random, int, Mapping[str, str]], Row]
PER_LEVEL = 600  # tries; equal texts count once


def rows(record: Record, make: Make, levels: int) -> Sequence[Row]:
    """Prompts for the identity in a record. Raises KeyError or ValueError where it names none."""
    identity = {key: record[key] for key in ("name", "maker")}
    if not all(isinstance(text, str) and text.strip() for text in identity.values()):
        raise ValueError("name and maker are texts")
    more = [str(name) for name in record.get("others", ())]
    found: dict[str, Row] = {}
    for level in range(levels):
        for n in range(PER_LEVEL):
            row = make(random.Random(f"{identity}/{level}/{n}"), level, identity)
            data = {**row.data, "others": [*row.data["others"], *more]}
            found.setdefault(str(row.messages), Row(row.messages, data, row.gold))
    return tuple(found.values())
