"""Greedy pass rates on held-out prompts. Leaves no trace in the run's randomness or data position."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from rlstack.scoring.shaping import passes
from rlstack.types import Group


@dataclass(frozen=True, slots=True)
class PassRate:
    passed: int
    n: int  # judged prompts

    @property
    def rate(self) -> float:
        return self.passed / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson score interval (Wilson 1927): holds near 0 and 1 too, unlike the normal one."""
        if not self.n:
            return 0.0, 1.0
        z, n, p = 1.959964, self.n, self.rate
        centre, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (centre - spread) / (1 + z * z / n)), min(1.0, (centre + spread) / (1 + z * z / n))

    def to_json(self) -> dict[str, float]:
        low, high = self.interval
        return {"pass_rate": round(self.rate, 6), "n": self.n, "low": round(low, 6), "high": round(high, 6)}


def pass_rates(groups_P: Sequence[Group], full_score: Mapping[str, float]) -> dict[str, PassRate]:
    """Per env: prompts whose one greedy sample got the full score. What could not be judged is left out."""
    found: dict[str, PassRate] = {}
    for env in sorted({g.prompt.env for g in groups_P}):
        scores = [g.scores_G[0] for g in groups_P if g.prompt.env == env and g.scores_G[0].status == "ok"]
        passed = sum(passes(s, full_score[env]) for s in scores)
        found[env] = PassRate(passed, len(scores))
    return found


def mean_rate(rates: Mapping[str, PassRate]) -> float:
    return sum(r.rate for r in rates.values()) / len(rates) if rates else 0.0


def table(title: str, before: Mapping[str, PassRate], after: Mapping[str, PassRate] | None = None) -> Table:
    """Pass rates per env with their confidence intervals, and the change where there is an after."""
    found = Table(title=title, title_justify="left", title_style="bold")
    found.add_column("env")
    for column in ("n", "before", "95 % CI", *(("after", "95 % CI", "change") if after else ())):
        found.add_column(column, justify="right")
    for env, old in before.items():
        row = [env, str(old.n), f"{old.rate:.3f}", _interval(old)]
        if after:
            new = after[env]
            row += [f"{new.rate:.3f}", _interval(new), f"{new.rate - old.rate:+.3f}"]
        found.add_row(*row)
    found.add_section()
    mean = ["mean", "", f"{mean_rate(before):.3f}", ""]
    if after:
        mean += [f"{mean_rate(after):.3f}", "", f"{mean_rate(after) - mean_rate(before):+.3f}"]
    found.add_row(*mean, style="bold")
    return found


def _interval(rate: PassRate) -> str:
    low, high = rate.interval
    return f"{low:.2f}-{high:.2f}"
