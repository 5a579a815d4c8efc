"""Every wait has a deadline and an owner: who waits for whom, for what, and what they were doing."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError, RayTaskError

from rlstack.errors import DeadlineError, RlstackError

_TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class Member:
    """One actor: its handle, a name for messages, its log and its process when it is on this machine."""

    handle: Any
    name: str  # e.g. "learner 0"
    log: Path
    pid: int = 0  # 0 until it is known
    birth: Any = None  # the reference to its number, which is there as soon as the process is


def await_all(
    refs: list[Any], members: list[Member], *, seconds: float, what: str, error: type[RlstackError]
) -> list[Any]:
    """Results in order. The first failure of any member ends the wait at once.

    Raises DeadlineError with every member's stack, `error` when an actor died or raised something of its
    own, or the actor's RlstackError as it is.
    """
    end = time.monotonic() + seconds
    pending = list(refs)
    while pending:
        done, pending = ray.wait(pending, num_returns=1, timeout=max(0.0, end - time.monotonic()))
        if not done:
            waiting = [m for ref, m in zip(refs, members, strict=True) if ref in pending]
            raise DeadlineError(_expired(waiting, seconds, what))
        for ref in done:
            fetch(ref, members[refs.index(ref)], seconds=max(1.0, end - time.monotonic()), what=what, error=error)
    return ray.get(refs)


def with_pids(members: list[Member], *, seconds: float, what: str, error: type[RlstackError]) -> list[Member]:
    """Waits until every actor is up; the members with their processes, for the messages of later waits."""
    births = [m.birth or m.handle.pid.remote() for m in members]
    pids = await_all(births, members, seconds=seconds, what=what, error=error)
    return [Member(m.handle, m.name, m.log, pid) for m, pid in zip(members, pids, strict=True)]


def fetch(ref: Any, member: Member, *, seconds: float, what: str, error: type[RlstackError]) -> Any:
    """One result, with the failures of `await_all`."""
    try:
        return ray.get(ref, timeout=seconds)
    except GetTimeoutError as timeout:
        raise DeadlineError(_expired([member], seconds, what)) from timeout
    except RayTaskError as failure:
        cause = failure.cause
        if isinstance(cause, RlstackError):
            raise cause from None
        raise error(f"{member.name} failed while {what}: {cause!r}\n{_tail(str(failure), 25)}") from None
    except RayActorError as death:
        log = _tail(member.log.read_text(errors="replace"), _TAIL_LINES) if member.log.exists() else ""
        raise error(
            f"{member.name} died while {what}: {_first_reason(death)}\nIts log ({member.log}) ends:\n{log}"
        ) from None
    except RayError as failure:
        raise error(f"{member.name} was lost while {what}: {failure}") from failure


def _expired(members: list[Member], seconds: float, what: str) -> str:
    names = ", ".join(m.name for m in members)
    stacks = "\n".join(f"--- {m.name}, doing:\n{_stack(m)}" for m in members)
    return (
        f"{what}: the driver waited {seconds:.0f} s for {names}. If that is ordinary for this model and machine, "
        f"raise cluster.deadlines.\n{stacks}"
    )


def _stack(member: Member) -> str:
    """Asks a local process for its Python stacks (actors dump them to their log on SIGUSR1)."""
    if not member.pid:
        return "(its process has not begun)"
    try:
        before = member.log.stat().st_size
        os.kill(member.pid, signal.SIGUSR1)
        time.sleep(0.3)
        return _tail(member.log.read_text(errors="replace")[before:], 40) or "(no answer)"
    except (OSError, ValueError):
        return "(not on this machine, or gone)"


def _tail(text: str, lines: int) -> str:
    return "\n".join(text.rstrip().splitlines()[-lines:])


def _first_reason(death: RayActorError) -> str:
    """Ray's explanation without its boilerplate."""
    kept = [line.strip() for line in str(death).splitlines() if line.strip()]
    return " ".join(kept[:12])
