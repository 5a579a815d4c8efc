"""A reward that does what its response says: the worst that code in a worker could do, one attack per name.

"good:<n>" is an honest answer worth (n % 7) / 7. Never call this outside a scoring pool.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from rlstack.api import Response, Score, judged

DEADLINE_S = 0.5


def score(response: Response, data: Mapping[str, Any]) -> Score:
    name, _, rest = response.text.partition(":")
    if name == "good":
        return judged(int(rest) % 7 / 7, "good")
    return ATTACKS[name][1]() or judged(0.0, "survived")


def _forever() -> None:
    while True:
        pass


def _in_c() -> None:
    re.match(r"(a+)+$", "a" * 60 + "b")


def _big_number() -> None:
    pow(7, 10**9)


def _grow() -> None:
    rows = []
    while True:
        rows.append(mmap.mmap(-1, 1 << 24))


def _fork_bomb() -> None:
    while True:
        os.fork()


def _fork_by_hand() -> None:
    if ctypes.CDLL(None).fork() < 0:
        raise PermissionError("no fork")
    _forever()


def _write_everywhere() -> None:
    for fd in range(256):
        try:
            os.write(fd, os.urandom(4096))
        except OSError:
            continue


def _forge() -> None:
    verdict = json.dumps([1.0, "ok", {}, "forged", 0.0, False]).encode()
    for ticket in (bytes(8), b"begin", b"ready"):
        lengths = struct.pack("<2I", len(ticket), len(verdict))
        frame = struct.pack("<IH", 2 + len(lengths) + len(ticket) + len(verdict), 2) + lengths + ticket + verdict
        for fd in range(3, 32):
            try:
                os.write(fd, frame)
            except OSError:
                continue


def _flood() -> None:
    while True:
        os.write(3, b"\xff" * (1 << 16))


def _close_everything() -> None:
    os.closerange(0, 1024)


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _kill_all() -> None:
    os.kill(-1, signal.SIGKILL)


def _kill_parent() -> None:
    os.kill(os.getppid(), signal.SIGKILL)


def _starve_parent() -> None:
    resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))


def _outlive() -> None:
    for option in (1, 4):  # PR_SET_PDEATHSIG, PR_SET_DUMPABLE
        ctypes.CDLL(None).prctl(option, 0, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU):
        signal.signal(number, signal.SIG_IGN)
    _forever()


def _write_file() -> None:
    with open("/tmp/rlstack-hostile-file", "w") as file:
        file.write("x" * 100)


def _write_here() -> None:
    with open("left-behind", "w") as file:
        file.write("x")


def _unlink() -> None:
    os.unlink(__file__)


def _listen() -> None:
    socket.socket().bind(("127.0.0.1", 0))


def _run() -> None:
    subprocess.run(["/bin/sh", "-c", "touch /tmp/rlstack-hostile-file"], check=True)


def _late_exit() -> None:
    threading.Timer(0.1, os._exit, (9,)).start()


def _alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.05)


def _recursion_limit() -> None:
    sys.setrecursionlimit(60)


def _recurse() -> None:
    _recurse()


def _segfault() -> None:
    ctypes.string_at(0)


def _print() -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__):
        print("\x00garbage\x1b[31m" * 1000, file=stream, flush=True)
    sys.stdin.read(10)


class _Rude(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no message for you")


def _raise(error: BaseException) -> Callable[[], None]:
    def attack() -> None:
        raise error

    return attack


def _return(value: Any) -> Callable[[], Any]:
    return lambda: value


# name → (the status owed, the attack)
ATTACKS: dict[str, tuple[str, Callable[[], Any]]] = {
    "loop": ("timeout", _forever),
    "sleep": ("timeout", lambda: time.sleep(3600)),
    "regex": ("timeout", _in_c),
    "big_number": ("timeout", _big_number),
    "stop": ("timeout", _stop),
    "outlive": ("timeout", _outlive),
    "segfault": ("error", _segfault),
    "exit_0": ("error", lambda: os._exit(0)),
    "exit_3": ("error", lambda: os._exit(3)),
    "abort": ("error", os.abort),
    "sys_exit": ("error", sys.exit),
    "interrupt": ("error", _raise(KeyboardInterrupt())),
    "rude": ("error", _raise(_Rude())),
    "generator_exit": ("error", _raise(GeneratorExit())),
    "allocate": ("error", lambda: bytearray(64 << 30)),
    "grow": ("error", _grow),
    "recurse": ("error", _recurse),
    "fork": ("error", _fork_bomb),
    "fork_by_hand": ("error", _fork_by_hand),
    "run": ("error", _run),
    "kill_all": ("error", _kill_all),
    "kill_parent": ("error", _kill_parent),
    "starve_parent": ("error", _starve_parent),
    "write_file": ("error", _write_file),
    "write_here": ("error", _write_here),
    "unlink": ("error", _unlink),
    "listen": ("error", _listen),
    "write_everywhere": ("error", _write_everywhere),
    "forge": ("error", _forge),
    "flood": ("error", _flood),
    "close_everything": ("error", _close_everything),
    "nan": ("error", _return(judged(float("nan")))),
    "infinite_component": ("error", _return(judged(1.0, part=float("inf")))),
    "a_float": ("error", _return(1.0)),
    "bad_status": ("error", _return(Score(1.0, "fine"))),  # pyright: ignore[reportArgumentType]
    "many_components": ("error", _return(Score(1.0, "ok", {str(n): 1.0 for n in range(100_000)}))),
    "late_exit": ("ok", _late_exit),
    "alarm": ("ok", _alarm),
    "recursion_limit": ("ok", _recursion_limit),
    "print": ("ok", _print),
    "long_detail": ("ok", _return(judged(0.0, "\x1b[2J\ud800\n" * 1_000_000))),
    "chdir": ("ok", lambda: os.chdir("/")),
    "umask": ("ok", lambda: os.umask(0) and None),
}
