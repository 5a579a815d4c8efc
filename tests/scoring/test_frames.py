from __future__ import annotations

import random
import struct

import pytest

from rlstack.scoring.frames import Decoder, FrameError, encode

MESSAGES = [[b"a", b"", b"bcd"], [], [b"x" * 70_000], [b"\x00" * 3]]


@pytest.mark.parametrize("seed", range(5))
def test_messages_survive_any_cutting_of_the_stream(seed: int) -> None:
    rng = random.Random(seed)
    stream = b"".join(map(encode, MESSAGES * 3))
    decoder, received, at = Decoder(), [], 0
    while at < len(stream):
        step = rng.choice((1, 2, 5, 1000, 100_000))
        received += decoder.feed(stream[at : at + step])
        at += step
    assert received == MESSAGES * 3


def test_a_reader_that_stops_early_goes_on_where_it_stopped() -> None:
    decoder = Decoder()
    assert next(decoder.feed(encode([b"1"]) + encode([b"2"]))) == [b"1"]
    assert list(decoder.feed(encode([b"3"]))) == [[b"2"], [b"3"]]


@pytest.mark.parametrize(
    "bad",
    [
        b"\xff" * 100,
        struct.pack("<IH", 1, 0),
        struct.pack("<IHI", 6, 1, 5),
        struct.pack("<IHI", 7, 1, 0) + b"x",
        struct.pack("<IH", 3, 65535) + b"xxx",
        encode([b"x" * 2000]),
    ],
)
def test_nonsense_is_refused(bad: bytes) -> None:
    good = encode([b"fine"])
    messages = Decoder(limit=1000).feed(good + bad)
    assert next(messages) == [b"fine"]
    with pytest.raises(FrameError):
        next(messages)
