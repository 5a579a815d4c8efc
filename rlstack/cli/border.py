"""The border between the library and the shell: messages instead of tracebacks, and exit statuses."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from rlstack.errors import ConfigError, RlstackError

Command = Callable[[list[str]], int]


def guarded(command: Command, argv: Sequence[str]) -> int:
    """Runs a command. 1: an error that the user can mend; 2: a wrong configuration; 130: interrupted.

    Any other exception is a defect and keeps its traceback.
    """
    try:
        return command(list(argv))
    except RlstackError as error:
        sys.stdout.flush()
        sys.stderr.write(f"error: {error}\n")
        return 2 if isinstance(error, ConfigError) else 1
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130


def leave(status: int) -> NoReturn:
    """Ends the process at once: all is closed and written, and taking torch and Ray apart costs a second or two."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
