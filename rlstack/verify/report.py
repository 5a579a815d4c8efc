"""What a check found, and what follows from all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["pass", "fail", "skip"]


@dataclass(frozen=True, slots=True)
class Check:
    """One invariance: what was measured, what is allowed, in which unit."""

    name: str  # short and stable, for scripts
    claim: str  # what holds when it passes, one line
    measured: float | None  # None: not measured
    allowed: float  # the bound
    side: Literal["at most", "at least", "exactly"] = "at most"
    unit: str = ""
    detail: str = ""  # what else was seen, or why it was not measured

    @property
    def verdict(self) -> Verdict:
        """NaN passes nothing."""
        if self.measured is None:
            return "skip"
        if self.side == "exactly":
            return "pass" if self.measured == self.allowed else "fail"
        held = self.measured <= self.allowed if self.side == "at most" else self.measured >= self.allowed
        return "pass" if held else "fail"

    def to_json(self) -> dict[str, Any]:
        measured = self.measured
        if measured is not None and not math.isfinite(measured):
            measured = None  # JSON has no NaN; the verdict says that it failed
        return {
            "name": self.name,
            "claim": self.claim,
            "measured": measured,
            "allowed": self.allowed,
            "side": self.side,
            "unit": self.unit,
            "verdict": self.verdict,
            "detail": self.detail,
        }


def skipped(name: str, claim: str, why: str) -> Check:
    return Check(name, claim, None, 0.0, detail=why)


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one model on one cluster."""

    model: str
    cluster: str
    setting: str  # what was run on, one line
    checks: Sequence[Check]
    seconds: float
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return bool(self.checks) and all(c.verdict != "fail" for c in self.checks)

    @property
    def failed(self) -> list[Check]:
        return [c for c in self.checks if c.verdict == "fail"]

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "cluster": self.cluster,
            "setting": self.setting,
            "ok": self.ok,
            "seconds": round(self.seconds, 1),
            **self.facts,
            "checks": [c.to_json() for c in self.checks],
        }


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Allowed rounding by the type that is computed in. Defects that matter are hundreds of times larger."""

    logprob: float  # nats, largest over tokens, learner against learner
    gradient: float  # relative norm
    engine: float  # mean of exp|difference| between engine and learner, less 1

    @classmethod
    def of(cls, dtype: str) -> Tolerance:
        """float32: sums in another order. bfloat16: eight bits, so one rounding is 0.4 %."""
        if dtype == "float32":
            return cls(logprob=1e-4, gradient=1e-5, engine=1e-3)
        return cls(logprob=0.5, gradient=0.05, engine=0.05)
