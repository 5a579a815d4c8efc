"""What makes a process ready sooner."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Imports and set-up without cyclic garbage collection; what they made is left out of later collections too.

    Modules stay for good, yet looking them through again and again takes a fifth of the time of importing
    torch, transformers or vLLM.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        atexit.register(gc.unfreeze)  # at the very end all is freed, or extension modules complain about leaks
        if was_on:
            gc.enable()
