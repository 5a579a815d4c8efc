"""The process that workers are forked from: `python -m rlstack.scoring FD DRIVER_PID EMPTY_DIR`.

It starts clean (no torch, no Ray, no threads, an environment without secrets), loads the rewards once, and
forks from that warm state. Driver → server: (SETTINGS, JSON), then (GROUP, ident, env, data JSON, response
JSON…). Server → driver: (READY, JSON), then (SCORES, ident, JSON list), or (FATAL, JSON) before it ends. It
ends when the driver does.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import Any

from rlstack.errors import PluginError, RlstackError, ScoringError
from rlstack.plugins import RewardPlugin, load_env, load_reward
from rlstack.scoring import crew, reply, sandbox
from rlstack.scoring.dispatch import Crew, Dispatcher, PoolFailure
from rlstack.scoring.frames import Decoder, Message, encode
from rlstack.scoring.jobs import GroupJob, Item, Judge

SETTINGS, GROUP, READY, SCORES, FATAL = b"settings", b"group", b"ready", b"scores", b"fatal"
_READ_BYTES = 1 << 20
_LOOK_S = 1.0  # how often to look whether the driver still lives
_STALL_S = 0.1
_HEADROOM_MB = 64  # address space that a worker needs beyond what the rewards take


def main() -> None:
    """Serve the driver, whose end of the socket, process id and folder for the workers are the arguments."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sandbox.hide_memory()
    sandbox.adopt_orphans()
    stream = socket.socket(fileno=int(sys.argv[1]))
    empty_dir = sys.argv[3]
    os.chmod(empty_dir, 0o500)
    server = None
    try:
        server = Server(stream, int(sys.argv[2]), empty_dir)
        server.run()
    except RlstackError as error:
        _say(stream, (FATAL, json.dumps([type(error).__name__, str(error)]).encode()))
    except PoolFailure as error:
        _say(stream, (FATAL, json.dumps([ScoringError.__name__, str(error)]).encode()))
    finally:
        if server is not None:
            server.close()
        with contextlib.suppress(OSError):
            os.rmdir(empty_dir)


class Server:
    """The event loop: one driver, some workers, the nearest deadline."""

    def __init__(self, stream: socket.socket, driver: int, empty_dir: str) -> None:
        self._stream = stream
        self._driver = driver
        self._decoder = Decoder()
        self._messages = self._read_blocking()
        kind, text = next(self._messages)
        if kind != SETTINGS:
            raise ScoringError(f"the scoring server was greeted with {kind!r}")
        settings = json.loads(text)
        self._judges = load_judges(settings)
        self._limits = sandbox.Limits(settings["memory_mb"], empty_dir)
        self._check_memory()
        self._outbox = bytearray()
        self._selector = selectors.DefaultSelector()
        self._dispatcher = Dispatcher(
            Crew(settings["workers"], self._hire, self._hand_over, self._end), settings["recycle_after"], self._answer
        )

    def run(self) -> None:
        """Serve until the driver closes its end or dies."""
        gc.collect()
        gc.freeze()  # what is loaded now stays shared with every worker
        self._dispatcher.assign()
        self._stream.setblocking(False)
        self._selector.register(self._stream, selectors.EVENT_READ, None)
        greeted = False
        while os.getppid() == self._driver:
            self._wait()
            if not greeted and any(worker.ready for worker in self._dispatcher.workers):
                greeted = True
                self._send((READY, json.dumps(self._facts()).encode()))
            self._dispatcher.expire()
            self._dispatcher.assign()
            if self._stream.fileno() < 0:
                return

    def close(self) -> None:
        """End every worker."""
        for worker in list(self._dispatcher.workers):
            self._dispatcher.workers.discard(worker)
            worker.end()

    def _wait(self) -> None:
        """Handle what arrives until the nearest deadline. A stall of this process extends all deadlines."""
        started = monotonic()
        deadline = self._dispatcher.next_deadline()
        timeout = _LOOK_S if deadline is None else min(_LOOK_S, max(0.0, deadline - started))
        events = self._selector.select(timeout)
        late = monotonic() - started - timeout
        if late > _STALL_S:
            self._dispatcher.delay(late)
        for key, mask in events:
            if key.data is None:
                self._serve_driver(mask)
            elif key.data in self._dispatcher.workers:  # not ended by an event before this one
                self._serve_worker(key.data, mask)

    # ---- the driver -----------------------------------------------------------------------------------

    def _read_blocking(self) -> Iterator[Message]:
        while data := self._stream.recv(_READ_BYTES):
            yield from self._decoder.feed(data)
        sys.exit(0)

    def _serve_driver(self, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            self._flush()
        if mask & selectors.EVENT_READ and self._stream.fileno() >= 0:
            try:
                data = self._stream.recv(_READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._hang_up()
                return
            for _, ident, env, shared, *answers in self._decoder.feed(data):
                name = env.decode()
                group = GroupJob(ident, name, self._judges[name], shared, [None] * len(answers))
                self._dispatcher.add(group, answers)

    def _answer(self, group: GroupJob) -> None:
        rows = [[s.value, s.status, dict(s.components), s.detail, s.ms] for s in group.scores_G if s is not None]
        self._send((SCORES, group.ident, json.dumps(rows).encode()))

    def _send(self, message: tuple[bytes, ...]) -> None:
        self._outbox += encode(message)
        self._flush()

    def _flush(self) -> None:
        try:
            while self._outbox:
                del self._outbox[: self._stream.send(self._outbox)]
            wanted = selectors.EVENT_READ
        except BlockingIOError:
            wanted = selectors.EVENT_READ | selectors.EVENT_WRITE
        except OSError:
            self._hang_up()
            return
        if self._selector.get_key(self._stream).events != wanted:
            self._selector.modify(self._stream, wanted, None)

    def _hang_up(self) -> None:
        if self._stream.fileno() >= 0:
            self._selector.unregister(self._stream)
            self._stream.close()

    def _facts(self) -> dict[str, Any]:
        return {
            "verifiable": {
                env: {judge.name: judge.weight for judge in judges if judge.verifiable}
                for env, judges in self._judges.items()
            },
            "filtered": self._dispatcher.filtered,
        }

    # ---- the workers ----------------------------------------------------------------------------------

    def _hire(self) -> crew.Worker:
        rewards = {env: [(judge.name, judge.score) for judge in judges] for env, judges in self._judges.items()}
        seconds = max((sum(judge.deadline_s for judge in judges) for judges in self._judges.values()), default=0.0)
        worker = crew.hire(rewards, self._limits, seconds)
        self._selector.register(worker.stream, selectors.EVENT_READ, worker)
        return worker

    def _end(self, worker: crew.Worker) -> str:
        self._selector.unregister(worker.stream)
        ending = worker.end()
        if not self._dispatcher.filtered:
            crew.end_strays({other.pid for other in self._dispatcher.workers})
        return ending

    def _serve_worker(self, worker: crew.Worker, mask: int) -> None:
        if mask & selectors.EVENT_READ:
            data = worker.read()
            if data is not None:
                self._dispatcher.receive(worker, data)
        if mask & selectors.EVENT_WRITE and worker in self._dispatcher.workers:
            self._write(worker)

    def _hand_over(self, worker: crew.Worker, items: list[Item]) -> None:
        worker.add(items)
        self._write(worker)

    def _write(self, worker: crew.Worker) -> None:
        wanted = selectors.EVENT_READ if worker.flush() else selectors.EVENT_READ | selectors.EVENT_WRITE
        if self._selector.get_key(worker.stream).events != wanted:
            self._selector.modify(worker.stream, wanted, worker)

    def _check_memory(self) -> None:
        try:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
        except OSError:  # not Linux
            return
        needed = pages * os.sysconf("SC_PAGE_SIZE") // 2**20 + _HEADROOM_MB
        if self._limits.memory_mb < needed:
            raise ScoringError(
                f"scoring.memory_mb is {self._limits.memory_mb}, but the rewards alone need {needed}: "
                f"set scoring.memory_mb={needed + 256} or more"
            )


# ---- loading ------------------------------------------------------------------------------------------


def load_judges(settings: Mapping[str, Any]) -> dict[str, list[Judge]]:
    """The rewards of every env and the replies of those that have some, imported.

    Raises PluginError for a reward or an env that is unknown or broken.
    """
    judges = {
        env: [_load(name, weight, settings["paths"].get(env), settings["deadline"]) for name, weight in weights.items()]
        for env, weights in settings["rewards"].items()
    }
    for env, loaded in judges.items():
        names = [judge.name for judge in loaded]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise PluginError(f"env '{env}': two of its rewards are named '{twice[0]}': rename the file of one")
    for env, address in settings["replies"].items():
        score = reply.as_score(load_env(address))
        judges[reply.queue_of(env)] = [
            Judge(reply.NAME, 1.0, score, settings["deadline"], False, False, detail_chars=reply.LONGEST)
        ]
    return judges


def _load(name: str, weight: float, path: str | None, deadline_s: float) -> Judge:
    plugin = load_reward(name, path)
    module = _module_of(plugin)
    for needed in getattr(module, "PRELOAD", ()):
        try:
            importlib.import_module(needed)
        except ImportError as error:
            raise PluginError(f"reward '{name}' ({plugin.origin}): PRELOAD names '{needed}': {error}") from error
    return Judge(
        name=plugin.name,
        weight=weight,
        score=plugin.score,
        deadline_s=min(deadline_s, plugin.deadline_s),
        fresh_worker=bool(getattr(module, "FRESH_WORKER", False)),
        verifiable=bool(getattr(module, "VERIFIABLE", True)),
    )


def _module_of(plugin: RewardPlugin) -> ModuleType:
    """The module that holds the reward's own settings: the plugin's file, else where `score` is defined."""
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == plugin.origin:
            return module
    return sys.modules[plugin.score.__module__]


def _say(stream: socket.socket, message: tuple[bytes, ...]) -> None:
    with contextlib.suppress(OSError):  # the driver may be gone
        stream.setblocking(True)
        stream.sendall(encode(message))
