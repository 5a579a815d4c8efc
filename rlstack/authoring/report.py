"""What a check found, in a form for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Mark = Literal["ok", "note", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule of the contract and how the environment stands to it."""

    rule: str  # one word
    mark: Mark  # "note": allowed, but worth a look
    said: str  # what was found
    mend: str = ""  # what to change

    def to_json(self) -> dict[str, str]:
        return {"rule": self.rule, "mark": self.mark, "said": self.said, "mend": self.mend}


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found about one environment."""

    env: str
    where: str
    findings: tuple[Finding, ...]
    figures: Mapping[str, float] = field(default_factory=dict)  # ms_per_score, prompts_per_s, …

    @property
    def sound(self) -> bool:
        """Whether every rule holds; notes do not count."""
        return all(finding.mark != "failed" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        return {
            "env": self.env,
            "where": self.where,
            "sound": self.sound,
            "findings": [finding.to_json() for finding in self.findings],
            "figures": dict(self.figures),
        }

    def __str__(self) -> str:
        """The rules that fail and how to mend them: what a failing test should print."""
        failed = [f"{f.rule}: {f.said}\n  {f.mend}" for f in self.findings if f.mark == "failed"]
        return f"env '{self.env}' ({self.where})\n" + ("\n".join(failed) or "every rule holds")


def passed(rule: str, said: str) -> Finding:
    return Finding(rule, "ok", said)


def noted(rule: str, said: str, mend: str) -> Finding:
    return Finding(rule, "note", said, mend)


def failed(rule: str, said: str, mend: str) -> Finding:
    return Finding(rule, "failed", said, mend)
