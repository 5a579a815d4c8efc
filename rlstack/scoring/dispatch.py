"""Who judges what, and who has run out of time: the server's decisions, apart from its input and output.

A worker gets a batch and replies to each call of it as it goes, so a batch costs one wake-up but every call
has its own deadline, counted from the worker's own sign of having begun. A worker that overruns is killed and
only the running item is charged; what it had not begun goes back to the head of the queue. A worker lost for
another reason costs its running item one attempt: it is judged once more, first thing in a fresh worker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

from rlstack.scoring import worker as protocol
from rlstack.scoring.crew import Worker
from rlstack.scoring.frames import FrameError, Message
from rlstack.scoring.jobs import GroupJob, Item
from rlstack.scoring.verdict import one_line, read_verdict
from rlstack.types import Score

_BATCH_S = 0.004  # work handed over at once: enough to hide the wake-up, too little to wait behind
_BATCH_BYTES = 1 << 18
_START_S = 30.0  # from fork to ready, on a machine that is very busy
_BEGIN_S = 5.0  # from handing over a batch to its beginning
_ATTEMPTS = 2
_STILLBORN = 5  # so many workers in a row that die before they are ready end the pool


class PoolFailure(Exception):
    """No worker can be kept alive; the message says why."""


@dataclass(frozen=True, slots=True)
class Crew:
    """How the dispatcher gets and ends workers; the server watches their sockets between the two."""

    size: int
    hire: Callable[[], Worker]
    send: Callable[[Worker, list[Item]], None]
    end: Callable[[Worker], str]  # how it ended


class Dispatcher:
    """Keeps the crew at its size and every item either queued, running, or judged."""

    def __init__(self, crew: Crew, recycle_after: int, on_group: Callable[[GroupJob], None]) -> None:
        self._crew = crew
        self._recycle_after = recycle_after
        self._on_group = on_group
        self._queue: deque[Item] = deque()
        self._pace: dict[str, float] = {}  # env → seconds of an item, a running mean
        self._stillborn = 0
        self.workers: set[Worker] = set()
        self.filtered = True  # does the system-call filter hold in every worker

    def add(self, group: GroupJob, answers: list[bytes]) -> None:
        """Queue every answer of a group."""
        fresh = any(judge.fresh_worker for judge in group.judges)
        self._queue.extend(Item(group, index, answer, alone=fresh) for index, answer in enumerate(answers))

    def assign(self) -> None:
        """Fill up the crew, and give every idle worker its next batch."""
        while len(self.workers) < self._crew.size:
            self._hire()
        idle = [worker for worker in self.workers if worker.ready and not worker.batch]
        for worker in sorted(idle, key=lambda worker: worker.judged):
            if not self._queue:
                return
            if self._queue[0].alone and worker.judged:
                self._make_room(worker)
                return
            self._hand_over(worker)

    def receive(self, worker: Worker, data: bytes) -> None:
        """Take what a worker wrote; b"" says that it is gone."""
        if not data:
            self._lost(worker, "")
            return
        now = monotonic()
        try:
            for message in worker.decoder.feed(data):
                self._take(worker, message, now)
                if worker not in self.workers:
                    return
        except FrameError as error:
            self._lost(worker, f"wrote to its socket: {one_line(str(error))[:200]}")

    def next_deadline(self) -> float | None:
        """Monotonic seconds at which `expire` has to be called."""
        return min((worker.deadline for worker in self.workers if worker.batch or not worker.ready), default=None)

    def delay(self, seconds: float) -> None:
        """Move every deadline: the server itself stood still for so long."""
        for worker in self.workers:
            worker.deadline += seconds

    def expire(self) -> None:
        """Kill every worker that is past its deadline, unless its reply is already waiting to be read."""
        now = monotonic()
        for worker in list(self.workers):
            while worker in self.workers and _is_late(worker, now) and (data := worker.read()) is not None:
                self.receive(worker, data)
            if worker in self.workers and _is_late(worker, now):
                self._overrun(worker, now)

    # ---- one worker -----------------------------------------------------------------------------------

    def _hire(self) -> None:
        worker = self._crew.hire()
        worker.deadline = monotonic() + _START_S
        self.workers.add(worker)

    def _make_room(self, used: Worker) -> None:
        """The next item wants a worker that has judged nothing: wait for one that is starting, or start one."""
        if all(worker.ready for worker in self.workers):
            self._end(used)
            self._hire()

    def _hand_over(self, worker: Worker) -> None:
        items = list(self._batch())
        worker.begun, worker.deadline = None, monotonic() + _BEGIN_S
        worker.retire = items[0].alone
        self._crew.send(worker, items)

    def _batch(self) -> Iterator[Item]:
        """Items off the queue, worth `_BATCH_S` of a worker's time, and fewer when others would stay idle."""
        most = min(protocol.MOST_ITEMS, -(-len(self._queue) // self._crew.size))
        seconds, size = 0.0, 0
        for taken in range(most):
            item = self._queue[0]
            if taken and item.alone:
                return
            seconds += self._pace.get(item.group.env, _BATCH_S)
            size += len(item.answer) + len(item.group.shared)
            if taken and (seconds > _BATCH_S or size > _BATCH_BYTES):
                return
            yield self._queue.popleft()
            if item.alone:
                return

    def _take(self, worker: Worker, message: Message, now: float) -> None:
        """One message of a worker; FrameError for one that is not due."""
        if len(message) != 2:
            raise FrameError(f"{len(message)} parts")
        kind, text = message
        if not worker.ready and kind == protocol.READY:
            worker.ready, self._stillborn = True, 0
            self.filtered &= text == b"1"
        elif not worker.ready and kind == protocol.FAILED:
            raise PoolFailure(f"a worker cannot be confined: {one_line(text.decode(errors='replace'))}")
        elif not worker.batch:
            raise FrameError("a message that nobody waits for")
        elif worker.begun is None and kind == protocol.BEGIN and text == worker.batch[0][0]:
            self._begin(worker, now)
        elif worker.begun is not None and kind == worker.batch[0][0]:
            score, stained = read_verdict(text, worker.batch[0][1].judge.detail_chars)
            worker.retire |= stained
            self._advance(worker, score, now)
        else:
            raise FrameError("a message out of turn")

    def _begin(self, worker: Worker, now: float) -> None:
        worker.begun = now
        worker.deadline = now + worker.batch[0][1].judge.deadline_s

    def _advance(self, worker: Worker, score: Score, now: float) -> None:
        """The awaited verdict has come: on to the next reward, the next item, or the next batch."""
        item = worker.batch[0][1]
        env = item.group.env
        began = worker.begun or now
        if item.add(score):
            worker.batch.popleft()
            worker.judged += 1
            self._finish(item.group)
        spent = (now - began) * (len(item.group.judges))
        self._pace[env] = 0.9 * self._pace.get(env, spent) + 0.1 * spent
        if worker.batch:
            self._begin(worker, now)
        elif worker.retire or worker.judged >= self._recycle_after:
            self._end(worker)

    def _overrun(self, worker: Worker, now: float) -> None:
        begun, batch = worker.begun, worker.batch
        if not worker.ready:
            self._end(worker)
            self._stillbirth(f"a worker was not ready after {_START_S:g} s")
        elif begun is None:
            self._lost(worker, f"did not begin within {_BEGIN_S:g} s")
        else:
            self._end(worker)
            _, item = batch.popleft()
            self._requeue(worker)
            detail = f"killed at its deadline of {item.judge.deadline_s:g} s"
            item.give_up(Score(0.0, "timeout", {}, detail, (now - begun) * 1000))
            self._finish(item.group)

    def _lost(self, worker: Worker, reason: str) -> None:
        """The worker died, closed its socket, or wrote what it should not."""
        ending = self._end(worker)
        reason = f"its worker {reason or ending}"
        if not worker.ready:
            self._stillbirth(reason)
        if not worker.batch:
            return
        _, item = worker.batch.popleft()
        self._requeue(worker)
        item.attempts += 1
        if item.attempts < _ATTEMPTS:
            item.parts.clear()
            item.alone = True
            self._queue.appendleft(item)
            return
        item.give_up(Score(0.0, "error", {}, f"{reason}, {_ATTEMPTS} times"))
        self._finish(item.group)

    def _stillbirth(self, reason: str) -> None:
        self._stillborn += 1
        if self._stillborn >= _STILLBORN:
            raise PoolFailure(f"{_STILLBORN} workers in a row died at their start; the last: {reason}")

    def _requeue(self, worker: Worker) -> None:
        self._queue.extendleft(item for _, item in reversed(worker.batch))
        worker.batch.clear()

    def _end(self, worker: Worker) -> str:
        self.workers.discard(worker)
        return self._crew.end(worker)

    def _finish(self, group: GroupJob) -> None:
        if group.done:
            self._on_group(group)


def _is_late(worker: Worker, now: float) -> bool:
    return (bool(worker.batch) or not worker.ready) and worker.deadline <= now
