"""What a person sees while a run works: one live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

_RECENT = 20  # steps of the moving average behind the ETA
_BARS = "▁▂▃▄▅▆▇█"


class Display:
    """Context manager. Methods may be called in any order; nothing here affects the run."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self._live: Live | None = None
        self._stage, self._phase = "", ""
        self._step = self._steps = 0
        self._durations: list[float] = []
        self._rewards: dict[str, list[float]] = {}
        self._metrics: Mapping[str, float] = {}
        self._last = time.monotonic()

    def __enter__(self) -> Display:
        if self.console.is_terminal:
            self._live = Live(get_renderable=self._render, console=self.console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, message: str | RenderableType) -> None:
        """A lasting line (or table)."""
        self.console.print(message)

    def stage(self, name: str, *, done: int, steps: int) -> None:
        self._stage, self._step, self._steps = name, done, steps
        self._durations, self._rewards, self._metrics = [], {}, {}
        self._last = time.monotonic()

    def phase(self, text: str) -> None:
        """What is happening right now."""
        self._phase = text

    def step(self, step: int, metrics: Mapping[str, float]) -> None:
        """A finished step and its numbers (names as in metrics.jsonl)."""
        now = time.monotonic()
        self._durations = [*self._durations, now - self._last][-_RECENT:]
        self._last, self._step, self._metrics = now, step, metrics
        for name, value in metrics.items():
            if name.startswith("reward/"):
                self._rewards.setdefault(name.removeprefix("reward/"), []).append(value)
        if self._live is None:
            self.console.print(self._line(), soft_wrap=True)

    @property
    def eta_s(self) -> float:
        """Seconds to the end of the stage, from the mean of recent steps."""
        if not self._durations:
            return 0.0
        return (self._steps - self._step) * sum(self._durations) / len(self._durations)

    def _line(self) -> str:
        shown = " ".join(
            f"{label} {self._metrics[key]:{form}}" for key, label, form in _FIGURES if key in self._metrics
        )
        return f"{self._stage} {self._step}/{self._steps} {shown} eta {_clock(self.eta_s)}"

    def _render(self) -> RenderableType:
        head = Text.assemble(
            (f" {self._stage or 'starting'} ", "bold reverse"),
            f"  step {self._step}/{self._steps}  " if self._steps else "  ",
            (self._phase, "dim"),
            f"   ETA {_clock(self.eta_s)}" if self._durations else "",
        )
        parts: list[RenderableType] = [head]
        if self._steps:
            parts.append(ProgressBar(total=self._steps, completed=self._step))
        if self._rewards:
            parts.append(self._reward_table())
        if self._metrics:
            parts.append(_figures(self._metrics))
        return Group(*parts)

    def _reward_table(self) -> Table:
        table = Table(box=None, padding=(0, 2), show_header=True, header_style="dim")
        for column in ("reward", "now", "first", "course"):
            table.add_column(column, justify="left" if column in ("reward", "course") else "right")
        for name, values in sorted(self._rewards.items(), key=lambda item: (item[0] == "mean", item[0])):
            recent, first = values[-5:], values[:5]
            table.add_row(
                name, f"{sum(recent) / len(recent):.3f}", f"{sum(first) / len(first):.3f}", sparkline(values, 40)
            )
        return table


_FIGURES = (
    ("reward/mean", "reward", ".3f"),
    ("loss/total", "loss", ".4f"),
    ("length/mean", "length", ".1f"),
    ("policy/kl", "kl", ".4f"),
    ("policy/clip_low", "clip-", ".3f"),
    ("policy/clip_high", "clip+", ".3f"),
    ("policy/entropy", "entropy", ".3f"),
    ("optim/grad_norm", "grad", ".3f"),
    ("group/zero_variance", "zero-var", ".2f"),
    ("gap/mean_error", "gap mean", ".6f"),
    ("gap/max", "gap max", ".1e"),
    ("seconds/rollout", "rollout s", ".2f"),
    ("seconds/judging", "judge s", ".2f"),
    ("seconds/learn", "learn s", ".2f"),
    ("seconds/sync", "sync s", ".3f"),
    ("seconds/commit", "commit s", ".3f"),
    ("speed/tokens_per_s", "tok/s", ".0f"),
)


def _figures(metrics: Mapping[str, float]) -> Table:
    table = Table.grid(padding=(0, 3))
    known = [(label, f"{metrics[key]:{form}}") for key, label, form in _FIGURES if key in metrics]
    for start in range(0, len(known), 6):
        table.add_row(*(Text.assemble((f"{label} ", "dim"), value) for label, value in known[start : start + 6]))
    return table


def sparkline(values: Sequence[float], width: int) -> str:
    """Block characters for the course of a number between 0 and its maximum (at least 1)."""
    if len(values) > width:  # means of equal stretches
        edges = [round(i * len(values) / width) for i in range(width + 1)]
        values = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(edges)]
    top = max(1.0, *values)
    return "".join(_BARS[max(0, min(len(_BARS) - 1, int(v / top * len(_BARS))))] for v in values)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
