"""`rlstack score REWARD FILE`: judge answers in a JSONL file, one verdict per line, in order."""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import IO, Any

from rlstack.api import Response
from rlstack.cli.quantities import seconds, whole
from rlstack.config.rl import ScoringConfig
from rlstack.plugins import find_reward
from rlstack.scoring import ScoringPool
from rlstack.types import Score

_ENV = "file"
_LINES_PER_WORKER = 128  # in flight: enough to keep a worker busy, and all that is held of a long file
_SHOW_S = 0.2
_ANSWER_FIELDS = frozenset({"text", "finish_reason", "n_tokens", "messages"})

Verdict = Future[tuple[Score, ...]] | Score


class LineError(ValueError):
    """A line of the input that holds no answer."""


def main(argv: list[str]) -> int:
    """Run the command; returns the exit status. Raises RlstackError for a reward that does not load."""
    options = _parser().parse_intermixed_args(argv)
    find_reward(options.reward, options.env)
    config = ScoringConfig(workers=options.workers, deadline=options.deadline, memory_mb=options.memory_mb)
    with ExitStack() as stack:
        lines = _open(options.file)  # never closed here: the thread that reads it may be waiting in it
        paths = {_ENV: options.env} if options.env else {}
        pool = stack.enter_context(ScoringPool({_ENV: {options.reward: 1.0}}, config, paths=paths))
        tally = _Tally(total=os.fstat(lines.fileno()).st_size)
        try:
            for score in _judge(pool, lines, config.workers * _LINES_PER_WORKER, tally):
                sys.stdout.buffer.write(json.dumps(score.to_json()).encode() + b"\n")
                if tally.idle:
                    sys.stdout.buffer.flush()
                tally.count(score)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at its end
            return 141
        except KeyboardInterrupt:
            return 130
        tally.finish()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rlstack score",
        description="Judge answers: one {'data': …, 'response': …} per line in, one "
        "{'value', 'status', 'components', 'detail', 'ms'} per line out, in the same order.",
    )
    parser.add_argument("reward", help="name of a reward, or the path of its file or folder")
    parser.add_argument("file", nargs="?", default="-", help="JSONL file; - is standard input (default)")
    parser.add_argument("--workers", type=whole, default=_cores(), help="processes (default: %(default)s)")
    parser.add_argument("--deadline", type=seconds, default=ScoringConfig().deadline, metavar="S")
    parser.add_argument("--memory-mb", type=whole, default=ScoringConfig().memory_mb, metavar="MB")
    parser.add_argument("--env", metavar="FOLDER", help="environment plugin whose folder holds the reward")
    return parser


def _judge(pool: ScoringPool, lines: IO[bytes], window: int, tally: _Tally) -> Iterator[Score]:
    """Verdicts in the order of the lines, while another thread reads ahead by at most `window` of them.

    Reading is the daemon, so that a closed output or Ctrl-C ends the command even while input is awaited.
    """
    waiting: queue.Queue[Verdict | BaseException | None] = queue.Queue(window)

    def read() -> None:
        try:
            for verdict in _submitted(pool, lines, tally):
                waiting.put(verdict)
            waiting.put(None)
        except BaseException as error:  # raised again below, in the thread that can report it
            waiting.put(error)

    threading.Thread(target=read, name="rlstack-score-reader", daemon=True).start()
    while (verdict := waiting.get()) is not None:
        if isinstance(verdict, BaseException):
            raise verdict
        score = verdict if isinstance(verdict, Score) else _bare(verdict.result()[0])
        tally.idle = waiting.empty()
        yield score


def _submitted(pool: ScoringPool, lines: IO[bytes], tally: _Tally) -> Iterator[Verdict]:
    """A verdict to come for every line; blank lines at the end of the file are none."""
    blank: list[int] = []
    for number, line in enumerate(lines, 1):
        tally.read += len(line)
        if not line.strip():
            blank.append(number)
            continue
        for skipped in blank:
            yield _unread(skipped, "blank")
        blank.clear()
        try:
            response, data = _parse(line)
            yield pool.submit(_ENV, [response], data)
        except LineError as error:
            yield _unread(number, str(error))


def _parse(line: bytes) -> tuple[Response, Mapping[str, Any]]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LineError(f"not JSON: {error}") from error
    if not isinstance(row, dict) or not {"data", "response"} <= row.keys():
        raise LineError('needs the form {"data": …, "response": …}')
    data, answer = row["data"], row["response"]
    if not isinstance(data, dict):
        raise LineError(f"data must be an object, not {_named(data)}")
    if isinstance(answer, str):
        return Response(answer), data
    if not isinstance(answer, dict) or not isinstance(answer.get("text"), str) or not answer.keys() <= _ANSWER_FIELDS:
        allowed = ", ".join(sorted(_ANSWER_FIELDS))
        raise LineError(f"response must be a string, or an object with text and none but {allowed}")
    return Response(**{**answer, "messages": tuple(answer.get("messages", ()))}), data


def _bare(score: Score) -> Score:
    """Components as the reward named them: the pool puts the reward's name before each."""
    own = {name.partition("/")[2]: value for name, value in score.components.items() if "/" in name}
    return Score(score.value, score.status, own, score.detail, score.ms)


def _unread(number: int, problem: str) -> Score:
    return Score(0.0, "error", {}, f"line {number}: {problem}")


@dataclass
class _Tally:
    """What the progress line and the closing line say."""

    total: int  # bytes of the input, 0 when unknown
    read: int = 0
    idle: bool = False
    values: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=monotonic)
    shown: float = 0.0

    def count(self, score: Score) -> None:
        self.statuses[score.status] += 1
        if score.status == "ok":
            self.values += score.value
        now = monotonic()
        if sys.stderr.isatty() and now - self.shown > _SHOW_S:
            self.shown = now
            share = f" {self.read / self.total:4.0%}" if self.total else ""
            print(f"\r{self._line()}{share} \x1b[K", end="", file=sys.stderr, flush=True)

    def finish(self) -> None:
        ok = self.statuses["ok"]
        mean = f", mean value {self.values / ok:.4f}" if ok else ""
        others = "".join(f", {self.statuses[name]} {name}" for name in ("invalid", "error", "timeout"))
        start = "\r\x1b[K" if sys.stderr.isatty() else ""
        print(f"{start}{self._line()}{mean}{others}", file=sys.stderr)

    def _line(self) -> str:
        count = self.statuses.total()
        return f"{count:,} judged, {count / max(1e-9, monotonic() - self.started):,.0f}/s"


def _open(name: str) -> IO[bytes]:
    if name == "-":
        return open(sys.stdin.fileno(), "rb", closefd=False)
    try:
        return open(name, "rb")
    except OSError as error:
        _parser().error(f"cannot read {name}: {error.strerror}")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _named(value: Any) -> str:
    return {list: "an array", str: "a string", type(None): "null"}.get(type(value), f"{value!r:.40}")
