"""The table from published instruction id to checker, and the fitting of published kwargs to it.

A checker is a function `(text: Text, **kwargs) -> bool`; its family file registers it with one converter per
keyword. Published data fills unused keywords with null, so null means "not given". The published code draws a
random value for a missing or negative number; a verdict on such a row means nothing, so it is refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rlstack.errors import nearest
from rlstack.rewards.ifeval.text import Text

Convert = Callable[[Any], Any]
Check = Callable[..., bool]


class KwargsError(ValueError):
    """The instruction id or its kwargs cannot be judged; the message names what would fit."""


@dataclass(frozen=True)
class Instruction:
    """One published instruction type."""

    id: str
    check: Check
    converters: Mapping[str, Convert]
    optional: frozenset[str] = frozenset()
    any_kwargs: bool = False  # the published code ignores whatever it is given
    exact: bool = False  # the answer's wording is prescribed, so there is no content of its own to look for

    def bind(self, kwargs: Mapping[str, Any] | None) -> Bound:
        """The instruction with its kwargs converted. Raises KwargsError."""
        given = {key: value for key, value in (kwargs or {}).items() if value is not None}
        if self.any_kwargs:
            return Bound(self, {})
        for key in given:
            if key not in self.converters:
                raise KwargsError(f"{self.id} takes no '{key}'; {nearest(key, self.converters)}")
        missing = [key for key in self.converters if key not in given and key not in self.optional]
        if missing:
            raise KwargsError(f"{self.id} needs '{missing[0]}'")
        values = {}
        for key, value in given.items():
            try:
                values[key] = self.converters[key](value)
            except (ValueError, TypeError) as error:
                raise KwargsError(f"{self.id}: {key}: {error}") from None
        return Bound(self, values)


@dataclass(frozen=True)
class Bound:
    """An instruction that can judge."""

    instruction: Instruction
    values: Mapping[str, Any]

    def follows(self, text: Text) -> bool:
        """The verdict; a blank text follows nothing."""
        return bool(text.stripped) and self.instruction.check(text, **self.values)


INSTRUCTIONS: dict[str, Instruction] = {}
EDITION_2025: dict[str, Instruction] = {}  # where IFBench judged otherwise when it came out


def instruction(
    *ids: str, optional: tuple[str, ...] = (), any_kwargs: bool = False, exact: bool = False, **converters: Convert
) -> Callable[[Check], Check]:
    """Registers a checker under its published ids."""

    def register(check: Check) -> Check:
        for one in ids:
            if one in INSTRUCTIONS:
                raise ValueError(f"instruction '{one}' is registered twice")
            INSTRUCTIONS[one] = Instruction(one, check, converters, frozenset(optional), any_kwargs, exact)
        return check

    return register


def count(value: Any) -> int:
    """A number of things, at least 0; data frames turn it into a float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError(f"{value!r} is not a whole number")
    if value < 0:
        raise ValueError(f"{value} is negative")
    return int(value)


def positive(value: Any) -> int:
    """A number of things or a 1-based position; the published code treats 0 as not given."""
    if (number := count(value)) == 0:
        raise ValueError("0 counts as not given")
    return number


def number(value: Any) -> float:
    """A share in percent, at least 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError(f"{value!r} is not a number of at least 0")
    return value


def relation(value: Any) -> str:
    if value not in ("less than", "at least"):
        raise ValueError(f"{value!r} is not a relation; known: 'at least', 'less than'")
    return value


def holds(found: int, relation: str, threshold: int) -> bool:
    """Whether `found` is less than, or at least, the threshold."""
    return found < threshold if relation == "less than" else found >= threshold


def string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return value


def phrase(value: Any) -> str:
    """A text stripped of white space at both ends, not empty before that."""
    if not string(value):
        raise ValueError("an empty text counts as not given")
    return value.strip()


def first_phrase(value: Any) -> str:
    """A phrase, or the first of a list of them."""
    return phrase(value[0] if isinstance(value, list | tuple) and value else value)


def strings(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple) or not value:
        raise ValueError(f"{value!r} is not a list of texts")
    return tuple(string(one) for one in value)
