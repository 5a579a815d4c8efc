"""What a worker may not do: the limits laid on a process just after it was forked."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass

from rlstack.scoring.seccomp import restrict

SOCKET_FD = 3  # a worker's only open file beside /dev/null


@dataclass(frozen=True, slots=True)
class Limits:
    memory_mb: int  # address space of one worker
    empty_dir: str  # its working directory


def confine(socket_fd: int, limits: Limits) -> bool:
    """Make the calling process, freshly forked, a worker; True if the system-call filter holds as well.

    Leaves open: /dev/null as standard input, output and error, and the socket as number 3. No core files,
    no writing of files, no new privileges; it dies with its parent.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()  # out of reach of a terminal's Ctrl-C
    _keep_only(socket_fd)
    os.chdir(limits.empty_dir)
    sys.dont_write_bytecode = True
    _first_to_go_when_memory_is_short()
    memory = limits.memory_mb * 2**20
    ceilings = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_MEMLOCK: 0,
    }
    for kind, ceiling in ceilings.items():
        _lower(kind, ceiling)
    filtered = restrict()
    if not filtered:
        _lower(resource.RLIMIT_NPROC, 0)  # else left alone, because it would forbid threads too
    return filtered


def allow_cpu(seconds: float) -> None:
    """Kill the calling process once it has used so much more CPU time: a backstop if its parent is stopped."""
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 2, hard))


def die_with_parent(parent: int) -> None:
    """SIGKILL for the calling process when its parent ends; it ends at once if the parent is already gone."""
    if sys.platform.startswith("linux"):
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def hide_memory() -> None:
    """Keep other processes of the same user from reading or tracing the calling one."""
    _set_dumpable(False)


def adopt_orphans() -> None:
    """Make the calling process the parent of every orphan below it, so that it can find and end them."""
    if sys.platform.startswith("linux"):
        set_child_subreaper = 36
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def _keep_only(socket_fd: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    kept = os.dup(socket_fd) if socket_fd <= SOCKET_FD else socket_fd
    for standard in range(3):
        os.dup2(null, standard)
    os.dup2(kept, SOCKET_FD)
    os.closerange(SOCKET_FD + 1, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 65536))


def _lower(kind: int, ceiling: int) -> None:
    _, hard = resource.getrlimit(kind)
    ceiling = ceiling if hard == resource.RLIM_INFINITY else min(ceiling, hard)
    resource.setrlimit(kind, (ceiling, ceiling))


def _first_to_go_when_memory_is_short() -> None:
    if not sys.platform.startswith("linux"):
        return
    _set_dumpable(True)  # a hidden process may not open its own file unless it is root
    score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(score, b"1000")
    os.close(score)
    _set_dumpable(False)


def _set_dumpable(yes: bool) -> None:
    if sys.platform.startswith("linux"):
        set_dumpable = 4
        ctypes.CDLL(None).prctl(set_dumpable, int(yes), 0, 0, 0)
