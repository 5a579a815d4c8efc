"""The loop of a worker process: read a call, judge, reply; until the socket closes or a signal ends it.

Server → worker: (ticket, FIRST or b"", env, data JSON, response JSON). Worker → server: (READY, b"1" if the
system-call filter holds) once; (BEGIN, ticket) when it takes the first item of a batch; (ticket, verdict JSON)
for every reward of the item's env in order. A verdict is `[value, status, components, detail, ms, stained]`;
stained asks for this worker to be retired. A ticket is eight random bytes.
"""

from __future__ import annotations

import _thread
import json
import math
import signal
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from time import perf_counter
from types import TracebackType
from typing import Any

from rlstack.api import Response, Score
from rlstack.plugins import ScoreFunction
from rlstack.scoring.frames import Decoder, encode
from rlstack.scoring.sandbox import allow_cpu

READY, FAILED, BEGIN, FIRST = b"ready", b"failed", b"begin", b"1"
MOST_ITEMS = 64  # of one batch
DETAIL_CHARS = 2000  # of a reward; the server cuts there
LONGEST_DETAIL = 32_000  # of an env's reply, which travels as the detail of a verdict
_READ_BYTES = 1 << 18
_SHOWN_FRAMES = 3

Rewards = Mapping[str, Sequence[tuple[str, ScoreFunction]]]  # env → its rewards in order


def serve(stream: socket.socket, rewards: Rewards, seconds_per_item: float) -> None:
    """Judge items from the stream until it ends. `seconds_per_item` bounds the CPU time (a backstop)."""
    decoder = Decoder()
    recursion_limit = sys.getrecursionlimit()
    while data := stream.recv(_READ_BYTES):
        for ticket, first, env, shared, answer in decoder.feed(data):
            if first:
                allow_cpu(seconds_per_item * MOST_ITEMS)
                stream.sendall(encode((BEGIN, ticket)))
            for _, function in rewards[env.decode()]:
                verdict = judge(function, answer, shared)
                stream.sendall(encode((ticket, verdict)))
                _restore(recursion_limit)


def judge(function: ScoreFunction, answer: bytes, shared: bytes) -> bytes:
    """Call one reward; whatever it does, the result is a verdict in JSON.

    Both arguments are parsed for every call, so that no reward can change what the next one sees.
    """
    threads = _thread._count()
    started = perf_counter()
    try:
        verdict = _checked(function(_response(json.loads(answer)), json.loads(shared)))
        ms, stained = (perf_counter() - started) * 1000, False
        return json.dumps([*verdict, ms, _thread._count() > threads]).encode()
    except BaseException as error:  # a reward may raise anything, also SystemExit
        ms = (perf_counter() - started) * 1000
        detail, stained = describe(error), isinstance(error, MemoryError)
    return json.dumps([0.0, "error", {}, detail, ms, stained or _thread._count() > threads]).encode()


def _checked(score: Any) -> list[Any]:
    if not isinstance(score, Score):
        raise TypeError(f"score() returned a {type(score).__name__}, not a Score: use judged(value, detail)")
    value = float(score.value)
    components = {str(name): float(number) for name, number in score.components.items()}
    if not all(map(math.isfinite, (value, *components.values()))):
        raise ValueError(f"score() returned a value that is not finite: {value}, {components}")
    return [value, score.status, components, str(score.detail)[:LONGEST_DETAIL]]


def describe(error: BaseException) -> str:
    """An exception and where it came from, on one line: `ValueError: bad at a.py:3 score < b.py:7 parse`."""
    try:
        what = traceback.format_exception_only(error)[-1].strip()
    except BaseException:  # its __str__ raises
        what = type(error).__name__
    frames = _frames(error.__traceback__)
    return f"{what[:500]} at {frames}" if frames else what[:500]


def _frames(trace: TracebackType | None) -> str:
    rows = traceback.extract_tb(trace)[1:]  # the first is `judge` itself
    shown = rows[-_SHOWN_FRAMES:]
    return " < ".join(f"{row.filename}:{row.lineno} {row.name}" for row in reversed(shown))


def _response(row: dict[str, Any]) -> Response:
    return Response(row["text"], row["finish_reason"], row["n_tokens"], tuple(row["messages"]))


def _restore(recursion_limit: int) -> None:
    """Undo what a reward may have left behind that would hurt the next call."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    if sys.getrecursionlimit() != recursion_limit:
        sys.setrecursionlimit(recursion_limit)
