"""The border to an author's code: whatever it raises becomes a PluginError that names the author's own line."""

from __future__ import annotations

import functools
import signal
import sysconfig
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rlstack.errors import PluginError, RlstackError

_HERE = Path(__file__).parent
_PLUGINS = tuple(f"{_HERE / folder}/" for folder in ("envs", "rewards"))
_NOT_THEIRS = (f"{_HERE}/", *(f"{sysconfig.get_paths()[name]}/" for name in ("stdlib", "purelib")), "<")
_SHOWN = 500


def fault(error: BaseException, what: str) -> PluginError:
    """What an author's exception is told as: `what` failed, the exception, and where."""
    last = traceback.format_exception_only(error)[-1].strip()
    return PluginError(f"{what}\n  {last[:_SHOWN]}\n  at {place(error)}")


def place(error: BaseException) -> str:
    """File and line of the author's own frame: where their code failed or called what failed, or cannot be parsed."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if is_theirs(frame.filename)]
    last = (theirs or frames)[-1]
    return f"{last.filename}:{last.lineno}"


def is_theirs(file: str) -> bool:
    """Whether a source file is a plugin's, and neither the library's nor Python's."""
    return file.startswith(_PLUGINS) or not file.startswith(_NOT_THEIRS)


def where(function: Callable[..., Any]) -> str:
    """File and line of a function's definition; "" when it has none."""
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else ""


def called(env: str, part: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of the env gives. Raises PluginError for whatever it raises."""
    try:
        return function(*arguments)
    except RlstackError:
        raise
    except Exception as error:
        raise fault(error, f"env '{env}': {part} failed") from error


class _OverrunError(BaseException):
    """Not an Exception, so that no `except Exception` in a loop of the author's stops it."""


@contextmanager
def limited(seconds: float, what: str) -> Iterator[None]:
    """Raises PluginError when the block takes longer, with the line that was running.

    By a signal, so only Python code of the main thread is cut off; elsewhere there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise _OverrunError

    before = signal.signal(signal.SIGALRM, ring)
    outer, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again, where a bare `except:` ate it
    try:
        yield
    except _OverrunError as error:
        raise PluginError(f"{what} took longer than {seconds:g} s and was cut off\n  at {place(error)}") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, outer, interval)
        signal.signal(signal.SIGALRM, before)
