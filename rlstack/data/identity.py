"""What makes two prompts one: their env and messages; and the split that a text belongs to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from rlstack.types import Message, Split

EVAL_ONE_IN = 8  # of all texts that are split by chance, this share is kept for evaluation


def prompt_id(env: str, messages: Sequence[Message]) -> str:
    """16 hex digits of the SHA-256 of env name and messages."""
    return digest([env, list(messages)]).hex()[:16]


def split_of(messages: Sequence[Message], cut: int = 0) -> Split:
    """The split that a text belongs to: decided by the text alone, so never both. Cuts 0 to 3 are independent."""
    part = digest(list(messages))[8 * cut : 8 * cut + 8]
    return "eval" if int.from_bytes(part) % EVAL_ONE_IN == 0 else "train"


def digest(value: object) -> bytes:
    """SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")).digest()
