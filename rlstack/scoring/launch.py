"""The driver's side of the server process: starting it clean, greeting it, ending it."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import IO, Any

from rlstack.errors import DeadlineError, PluginError, ScoringError, UnknownPluginError
from rlstack.scoring import server
from rlstack.scoring.frames import Decoder, Message, encode

_FATAL = {kind.__name__: kind for kind in (PluginError, UnknownPluginError)}
_START_S = 120.0  # a reward may import much, on a busy machine
_END_S = 0.5
_READ_BYTES = 1 << 20
_STDERR_CHARS = 2000
_KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR", "HOME")
_FIXED = {
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "CUDA_VISIBLE_DEVICES": "",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the server says of itself once a worker is ready."""

    verifiable: Mapping[str, Mapping[str, float]]  # env → reward → weight, of those that a gold answer must satisfy
    filtered: bool  # the kernel refuses workers new processes, sockets and writing of files


class ServerLink:
    """A running server process and the socket to it."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Start the server and wait until its first worker is ready.

        Raises PluginError for a reward that does not load, ScoringError for a server that fails to start.
        """
        self._decoder = Decoder()
        self._sending = threading.Lock()  # messages of two threads must not mix on the socket
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115, closed by end()
        self._empty_dir = Path(tempfile.mkdtemp(prefix="rlstack-scoring-"))  # the server removes it too: one may die
        self.stream, theirs = socket.socketpair()
        arguments = (str(theirs.fileno()), str(os.getpid()), str(self._empty_dir))
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rlstack.scoring", *arguments],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                env=_environment(),
                start_new_session=True,
            )
        try:
            self.send((server.SETTINGS, json.dumps(settings).encode()))
            self.facts = self._greeting()
        except BaseException:  # also Ctrl-C: no process may stay behind
            self.end()
            raise

    def send(self, message: tuple[bytes, ...]) -> None:
        """Write a whole message; OSError when the server is gone."""
        with self._sending:
            self.stream.sendall(encode(message))

    def messages(self) -> Iterator[Message]:
        """What the server sends, until it ends."""
        while data := self._receive():
            yield from self._decoder.feed(data)

    def hang_up(self) -> None:
        """Close the line: the server ends its workers and itself. A reader in another thread wakes up."""
        with contextlib.suppress(OSError):
            self.stream.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Hang up and see the process off, by force if need be; at most half a second."""
        self.hang_up()
        try:
            self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.stream.close()
        self._stderr.close()
        with contextlib.suppress(OSError):
            self._empty_dir.rmdir()

    def obituary(self) -> str:
        """How the server ended, with the end of what it wrote to its standard error."""
        try:
            code: object = self.process.wait(_END_S)
        except subprocess.TimeoutExpired:
            code = "none yet"
        self._stderr.seek(0)
        written = self._stderr.read().decode(errors="replace")[-_STDERR_CHARS:].strip()
        return f"exit code {code}" + (f"\n{written}" if written else "")

    def _receive(self) -> bytes:
        try:
            return self.stream.recv(_READ_BYTES)
        except OSError:
            return b""

    def _greeting(self) -> Facts:
        deadline = monotonic() + _START_S
        while select.select([self.stream], [], [], max(0.0, deadline - monotonic()))[0]:
            data = self._receive()
            if not data:
                raise ScoringError(f"the scoring server did not start: {self.obituary()}")
            for kind, text in self._decoder.feed(data):
                if kind == server.FATAL:
                    raise failure(text)
                return Facts(**json.loads(text))
        raise DeadlineError(f"the driver waited {_START_S:g} s for the scoring server to load its rewards")


def failure(text: bytes) -> ScoringError | PluginError:
    """The error that a server sent before it ended."""
    kind, message = json.loads(text)
    return _FATAL.get(kind, ScoringError)(message)


def _environment() -> dict[str, str]:
    """Nothing that is secret or that makes two machines judge differently."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | _FIXED | {"PYTHONPATH": os.pathsep.join(_search_path())}


def _search_path() -> list[str]:
    """Where this process finds modules, ours first, so that no folder of the user's can hide them."""
    ours = str(Path(importlib.import_module("rlstack").__file__ or "").parent.parent)
    paths = [ours, *(os.path.abspath(path) for path in sys.path if path.endswith(".zip") or os.path.isdir(path or "."))]
    return list(dict.fromkeys(paths))
