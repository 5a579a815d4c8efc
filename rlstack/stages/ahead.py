"""Rollouts of coming steps, collected while the driver does something else: one step after the other.

Synchronous and one-step-ahead training are one loop. Only the moment differs at which `begin` is called.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType

from rlstack.data.stream import Position
from rlstack.stages.gather import Gathered

_JOIN_S = 5.0  # for the collection to notice that it is no longer wanted


class Ahead:
    """Runs `collect(step, position)` in a thread of its own; a context manager that stops it when the stage ends early.

    `stop` must make a collection under way raise soon. What `collect` raises comes out of `take` or `settle`.
    """

    def __init__(self, collect: Callable[[int, Position], Gathered], stop: Callable[[], None]) -> None:
        self._collect, self._stop = collect, stop
        self._begun: dict[int, Future[Gathered]] = {}  # by step, what was not taken yet
        self._thread: threading.Thread | None = None
        self.waited_s = 0.0  # in `take` and `settle`, since it was last read

    def begin(self, step: int, position: Position) -> None:
        """Start on the rollouts of `step`, whose prompts begin at `position`, unless that was done before. Those of
        earlier steps must be complete."""
        if step in self._begun:
            return
        found = self._begun[step] = Future[Gathered]()
        # A daemon: a thread that waits for an engine must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, args=(step, position, found), name="rollouts", daemon=True)
        self._thread.start()

    def put(self, step: int, rollouts: Gathered) -> None:
        """Rollouts of `step` that are there already."""
        found = self._begun[step] = Future[Gathered]()
        found.set_result(rollouts)

    def take(self, step: int, position: Position) -> Gathered:
        """The rollouts of `step`; waits for them, or collects them now."""
        self.begin(step, position)
        rollouts = self._wait(self._begun[step])
        del self._begun[step]
        return rollouts

    def settle(self) -> Gathered | None:
        """Waits until nothing is under way; what was begun and has not been taken, of one step at most."""
        rollouts = [self._wait(found) for found in self._begun.values()]
        return rollouts[0] if rollouts else None

    def waited(self) -> float:
        """Seconds of waiting since the last call."""
        seconds, self.waited_s = self.waited_s, 0.0
        return seconds

    def _wait(self, found: Future[Gathered]) -> Gathered:
        started = time.monotonic()
        rollouts = found.result()  # its waits have deadlines of their own
        self.waited_s += time.monotonic() - started
        return rollouts

    def _work(self, step: int, position: Position, found: Future[Gathered]) -> None:
        try:
            found.set_result(self._collect(step, position))
        except BaseException as error:
            found.set_exception(error)

    def __enter__(self) -> Ahead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._stop()
            self._thread.join(_JOIN_S)
