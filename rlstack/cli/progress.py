"""How far a long command is, on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY_S = 10.0


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Yields a function that takes how much more is done."""
    if not sys.stderr.isatty():
        with _lines(label, total) as advance:
            yield advance
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda more: bar.advance(task, more)


@contextmanager
def _lines(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Says where it is every ten seconds, also while nothing gets done."""
    done, over, started = [0], threading.Event(), time.monotonic()

    def advance(more: int) -> None:
        done[0] += more

    def tell() -> None:
        while not over.wait(EVERY_S):
            of = f"/{total}" if total else ""
            sys.stderr.write(f"{label}: {done[0]}{of} after {time.monotonic() - started:.0f} s\n")
            sys.stderr.flush()

    teller = threading.Thread(target=tell, name="rlstack-progress", daemon=True)
    teller.start()
    try:
        yield advance
    finally:
        over.set()
        teller.join()
