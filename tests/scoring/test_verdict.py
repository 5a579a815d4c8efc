from __future__ import annotations

import json

import pytest

from rlstack.scoring.frames import FrameError
from rlstack.scoring.verdict import one_line, read_verdict


def test_an_honest_verdict() -> None:
    score, stained = read_verdict(json.dumps([0.5, "ok", {"part": 1}, "half", 1.25, False]).encode())
    assert score.to_json() == {"value": 0.5, "status": "ok", "components": {"part": 1.0}, "detail": "half", "ms": 1.25}
    assert not stained


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"{}",
        b"[1,2]",
        b'[NaN, "ok", {}, "", 0, false]',
        b'[1e999, "ok", {}, "", 0, false]',
        b'["1", "ok", {}, "", 0, false]',
        b'[1, "fine", {}, "", 0, false]',
        b'[1, ["ok"], {}, "", 0, false]',
        b'[1, "ok", [], "", 0, false]',
        b'[1, "ok", {"a": null}, "", 0, false]',
        b'[1, "ok", {}, 7, 0, false]',
        b'[1, "ok", {}, "", "fast", false]',
        b"[1" + b"0" * 400 + b', "ok", {}, "", 0, false]',
    ],
)
def test_a_made_up_verdict_is_refused(text: bytes) -> None:
    with pytest.raises(FrameError):
        read_verdict(text)


def test_one_line_is_safe_to_print() -> None:
    assert one_line("plain, ünï 日本") == "plain, ünï 日本"
    assert one_line("a\nb\x1b[31m\ud800\u202e") == "a\\nb\\x1b[31m\\ud800\\u202e"
    assert len(one_line("\x00" * 10_000)) == 2000
