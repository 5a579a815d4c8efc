"""What an answer is: a quantity, a list, tuple, set or interval, a union, a matrix, a relation, words."""

from __future__ import annotations

from dataclasses import dataclass

from rlstack.rewards.math.terms import Call, Symbol, Term
from rlstack.rewards.math.units import Unit


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number or expression, with its unit or percent sign."""

    term: Term
    unit: Unit | None = None
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """`brackets`: "()", "[]", "(]", "[)" ordered; "{}" a set; "," a bare list; "or" alternatives; ":" a ratio;
    "u" a union; "pm" the two values of a ± sign.
    """

    brackets: str
    items: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of entries; `bars` marks a determinant."""

    rows: tuple[tuple[Answer, ...], ...]
    bars: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """`sides[0] ops[0] sides[1] …` with ops among = < > le ge ne approx."""

    ops: tuple[str, ...]
    sides: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Words:
    """Folded plain words, e.g. `no solution`."""

    text: str


@dataclass(frozen=True, slots=True)
class Opaque:
    """A text this reader does not understand, without its white space."""

    text: str


Answer = Quantity | Series | Matrix | Relation | Words | Opaque


def symbol_of(answer: Answer) -> Term | None:
    """The name an equation defines: `x`, `a_1`, `f(x)`, `\\angle ABC`; None for anything else."""
    if not isinstance(answer, Quantity) or answer.unit or answer.percent:
        return None
    term = answer.term
    if isinstance(term, Symbol) and term.name not in ("pi", "e", "i", "inf"):
        return term
    if isinstance(term, Call) and term.op == "*" and 2 <= len(term.args) <= 4:
        first, rest = term.args[0], term.args[1:]
        inverse = isinstance(first, Call) and first.op == "^" and isinstance(first.args[0], Symbol)
        return term if (inverse or isinstance(first, Symbol)) and all(isinstance(a, Symbol) for a in rest) else None
    if isinstance(term, Call) and term.op.startswith("@") and term.op != "@base":
        return term
    return None
