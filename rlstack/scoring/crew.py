"""The server's side of its workers: forking them, talking to them, ending them."""

from __future__ import annotations

import os
import signal
import socket
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rlstack.scoring import sandbox, worker
from rlstack.scoring.frames import Decoder, encode
from rlstack.scoring.jobs import Item

_MESSAGE_BYTES = 1 << 18  # the longest message accepted from a worker: a reply of LONGEST_DETAIL, escaped, fits
_READ_BYTES = 1 << 18


@dataclass(slots=True, eq=False)
class Worker:
    """One worker process as the server sees it; `batch[0]` is what it judges."""

    pid: int
    stream: socket.socket
    decoder: Decoder = field(default_factory=lambda: Decoder(_MESSAGE_BYTES))
    outbox: bytearray = field(default_factory=bytearray)
    batch: deque[tuple[bytes, Item]] = field(default_factory=deque)  # ticket, item
    ready: bool = False
    begun: float | None = None  # monotonic seconds at which the running call began
    deadline: float = 0.0  # monotonic seconds; of the running call, or of its beginning
    judged: int = 0
    retire: bool = False

    def add(self, items: Iterable[Item]) -> None:
        """Address the next batch to an idle worker; a ticket per item guards against replies made up blindly."""
        first = worker.FIRST
        for item in items:
            ticket = os.urandom(8)
            group = item.group
            self.outbox += encode((ticket, first, group.env.encode(), group.shared, item.answer))
            self.batch.append((ticket, item))
            first = b""

    def flush(self) -> bool:
        """Write what the socket takes; True when nothing is left to write."""
        try:
            while self.outbox:
                del self.outbox[: self.stream.send(self.outbox)]
        except BlockingIOError:
            return False
        except OSError:  # the worker is gone: reading will say so
            self.outbox.clear()
        return True

    def read(self) -> bytes | None:
        """Bytes that the worker has written: b"" at the end of the stream, None when there are none now."""
        try:
            return self.stream.recv(_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def end(self) -> str:
        """Kill the process, reap it, and say how it ended."""
        self.stream.close()
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code >= 0:
            return f"exited with code {code}"
        name = signal.Signals(-code).name
        return f"was killed by {name}" + (
            " (out of memory, or it closed its socket)" if code == -signal.SIGKILL else ""
        )


def hire(rewards: worker.Rewards, limits: sandbox.Limits, seconds_per_item: float) -> Worker:
    """Fork a worker that is confined before it reads its first item."""
    ours, theirs = socket.socketpair()
    server = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _work(theirs, server, rewards, limits, seconds_per_item)
        finally:
            os._exit(0)
    theirs.close()
    ours.setblocking(False)
    return Worker(pid, ours)


def _work(
    stream: socket.socket, server: int, rewards: worker.Rewards, limits: sandbox.Limits, seconds_per_item: float
) -> None:
    sandbox.die_with_parent(server)
    try:
        filtered = sandbox.confine(stream.fileno(), limits)
    except Exception as error:
        stream.sendall(encode((worker.FAILED, worker.describe(error).encode())))
        return
    confined = socket.socket(fileno=sandbox.SOCKET_FD)
    confined.sendall(encode((worker.READY, b"1" if filtered else b"0")))
    worker.serve(confined, rewards, seconds_per_item)


def end_strays(known: set[int]) -> None:
    """Kill and reap every child of this process that is not known: what a worker may have left behind.

    Only needed where the system-call filter is missing, since it lets no worker fork.
    """
    try:
        children = Path("/proc/thread-self/children").read_text().split()
    except OSError:  # not Linux
        return
    for pid in map(int, children):
        if pid not in known:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
