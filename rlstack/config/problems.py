"""What is wrong with a configuration: collected, worded, and raised together as one ConfigError."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rlstack.errors import ConfigError


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend, e.g. where="stages.math.steps", what="found 'many', allowed: a whole number above 0"."""

    where: str  # dotted path, or the command-line word
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def refuse(problems: Iterable[Problem]) -> None:
    """Raises one ConfigError that lists every problem; returns when there is none."""
    found = list(dict.fromkeys(problems))
    if not found:
        return
    if len(found) == 1:
        raise ConfigError(str(found[0]))
    raise ConfigError("\n  ".join([f"{len(found)} problems in the configuration", *map(str, found)]))
