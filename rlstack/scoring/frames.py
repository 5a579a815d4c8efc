"""Messages on a stream socket: a list of byte strings with lengths in front, and JSON inside them.

No pickle: the receiving side of a worker's socket must be able to read what hostile code wrote to it.
Layout: u32 size of the rest, u16 number of parts, u32 length of each part, the parts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

Message = list[bytes]

_HEAD = struct.Struct("<IH")


class FrameError(ValueError):
    """The bytes received are no message of ours."""


def encode(parts: Sequence[bytes]) -> bytes:
    """One message as bytes."""
    lengths = struct.pack(f"<{len(parts)}I", *map(len, parts))
    size = 2 + len(lengths) + sum(map(len, parts))
    return b"".join((_HEAD.pack(size, len(parts)), lengths, *parts))


class Decoder:
    """Cuts a stream of bytes into messages; `limit` is the largest message accepted, in bytes."""

    def __init__(self, limit: int = 2**32 - 1) -> None:
        self._buffer = bytearray()
        self._at = 0  # where the next message begins
        self._limit = limit

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take bytes and yield every message that is now complete; the caller may stop at any of them.

        Raises FrameError on a message above the limit or with lengths that do not add up.
        """
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += data
        return self._complete()

    def _complete(self) -> Iterator[Message]:
        buffer = self._buffer
        while len(buffer) - self._at >= _HEAD.size:
            size, count = _HEAD.unpack_from(buffer, self._at)
            if size > self._limit or size < 2 + 4 * count:
                raise FrameError(f"a message of {size} bytes and {count} parts")
            start, end = self._at + _HEAD.size, self._at + 4 + size
            if len(buffer) < end:
                return
            self._at = end
            yield _parts(buffer, start, count, end)


def _parts(buffer: bytearray, at: int, count: int, end: int) -> Message:
    lengths = struct.unpack_from(f"<{count}I", buffer, at)
    at += 4 * count
    if at + sum(lengths) != end:
        raise FrameError("part lengths that do not add up")
    parts = []
    for length in lengths:
        parts.append(bytes(buffer[at : at + length]))
        at += length
    return parts
