from __future__ import annotations

from rlstack.scoring.cache import VerdictCache, content_key
from rlstack.types import Score


def test_the_least_recently_used_goes_first() -> None:
    cache = VerdictCache(2)
    cache.put(b"a", Score(1.0))
    cache.put(b"b", Score(2.0))
    assert cache.get(b"a") == Score(1.0)
    cache.put(b"c", Score(3.0))
    assert cache.get(b"b") is None
    assert (cache.get(b"a"), cache.get(b"c")) == (Score(1.0), Score(3.0))


def test_only_verdicts_are_kept() -> None:
    cache = VerdictCache(9)
    for status in ("ok", "invalid", "error", "timeout"):
        cache.put(status.encode(), Score(0.0, status))
    assert [cache.get(status) is None for status in (b"ok", b"invalid", b"error", b"timeout")] == [
        False,
        False,
        True,
        True,
    ]


def test_size_zero_keeps_none() -> None:
    cache = VerdictCache(0)
    cache.put(b"a", Score(1.0))
    assert len(cache) == 0


def test_keys_differ_wherever_the_content_does() -> None:
    keys = {
        content_key(env, data, answer)
        for env, data, answer in [
            ("math", b"1", b"23"),
            ("math", b"12", b"3"),
            ("mat", b"h1", b"23"),
            ("math", b"1", b"24"),
        ]
    }
    assert len(keys) == 4
