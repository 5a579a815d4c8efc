"""What names stand for: `(p, q) = (3, 2)`, `x = 5, y = 3`, and which left sides of an equation only name its value."""

from __future__ import annotations

import re

from rlstack.rewards.math.answer import Answer, Opaque, Quantity, Relation, Series, symbol_of
from rlstack.rewards.math.terms import Call, Symbol, Term, symbols

Named = dict[Term, Answer]


def assignments(answer: Answer) -> Named | None:
    """The value of each name in a list of assignments to two or more names; None for anything else."""
    if isinstance(answer, Relation):
        return _tuple_assignment(answer)
    if not isinstance(answer, Series) or answer.brackets != "," or len(answer.items) < 2:
        return None
    named: Named = {}
    for item in answer.items:
        if not isinstance(item, Relation) or set(item.ops) - {"=", "approx"}:
            return None
        name = symbol_of(item.sides[0])
        if name is None or name in named:
            return None
        named[name] = item.sides[-1]
    return named


def _tuple_assignment(answer: Relation) -> Named | None:
    left, right = answer.sides[0], answer.sides[-1]
    if answer.ops != ("=",) or not (isinstance(left, Series) and isinstance(right, Series)):
        return None
    names = [symbol_of(i) for i in left.items]
    if not left.brackets == right.brackets == "()" or len(names) != len(right.items) or len(set(names)) != len(names):
        return None
    return {name: value for name, value in zip(names, right.items, strict=True) if name is not None} or None


def in_order(answer: Answer, named: Named) -> list[Answer]:
    """The values as a tuple lists them: as written for `(p, q) = (3, 2)`, else by the names' alphabet."""
    if isinstance(answer, Relation):
        return list(named.values())
    return [named[name] for name in sorted(named, key=_sort_key)]


def of_one_kind(named: Named) -> bool:
    """Whether the names only number several values of one unknown: `x_1`, `x_2`."""
    return len({_stem(_sort_key(name)) for name in named}) == 1


def _sort_key(name: Term) -> str:
    return name.name if isinstance(name, Symbol) else repr(name)


def _stem(name: str) -> str:
    return re.sub(r"_.*|'+$", "", name)


def names_value(side: Answer) -> bool:
    """Whether an equation with this left side states a value: `x`, `f(3)`, `|AB|`, `m + n`, a sum, a label.

    `2n`, `n + 1` or `x^2` leave one unknown to be solved for: their equation states no value.
    """
    if symbol_of(side) is not None or isinstance(side, Opaque):
        return True
    if not isinstance(side, Quantity) or side.unit is not None:
        return not isinstance(side, Quantity)
    return not _one_unknown(side.term)


def _one_unknown(term: Term) -> bool:
    if not isinstance(term, Call) or term.op not in ("+", "*", "/", "^", "neg", "root"):
        return False
    found = symbols(term)
    if len(found) == 1:
        return not (_applied(term) or next(iter(found)).startswith("C_"))
    segment = all(len(name) == 1 and name.isupper() for name in found)
    return segment and len(found) == 2 and not _has_sum(term) and term.op in ("*", "^") and not _plain_product(term)


def _applied(term: Call) -> bool:
    """`f(3)` reads as a product of a letter and a number, `C_6^2` as a power."""
    return term.op == "*" and isinstance(term.args[0], Symbol)


def _has_sum(term: Term) -> bool:
    return isinstance(term, Call) and (term.op in ("+", "/") or any(map(_has_sum, term.args)))


def _plain_product(term: Call) -> bool:
    return term.op == "*" and all(isinstance(a, Symbol) for a in term.args)
