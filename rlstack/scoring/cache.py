"""Verdicts already given, by the content of what was judged."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from rlstack.types import Score


def content_key(env: str, data: bytes, answer: bytes) -> bytes:
    """A digest of one judged item; the rewards of an env are fixed for the life of a pool."""
    digest = hashlib.blake2b(env.encode(), digest_size=16)
    for part in (data, answer):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()


class VerdictCache:
    """The latest `size` verdicts, least recently used first out; 0 keeps none.

    Only `ok` and `invalid` are kept: an error or a timeout may be the machine's fault and is judged anew.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._scores: OrderedDict[bytes, Score] = OrderedDict()

    def __len__(self) -> int:
        return len(self._scores)

    def get(self, key: bytes) -> Score | None:
        score = self._scores.get(key)
        if score is not None:
            self._scores.move_to_end(key)
        return score

    def put(self, key: bytes, score: Score) -> None:
        if self._size == 0 or score.status not in ("ok", "invalid"):
            return
        self._scores[key] = score
        self._scores.move_to_end(key)
        if len(self._scores) > self._size:
            self._scores.popitem(last=False)
