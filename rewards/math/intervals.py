"""Inequalities as intervals and unions of intervals."""

from __future__ import annotations

from itertools import pairwise

from rlstack.rewards.math.answer import Answer, Quantity, Relation, Series, symbol_of
from rlstack.rewards.math.evaluate import approximate, ordered
from rlstack.rewards.math.terms import Call, Symbol, UnreadableError

MIRRORED = {"<": ">", ">": "<", "le": "ge", "ge": "le", "=": "=", "ne": "ne"}
_INFINITY, _BELOW = Quantity(Symbol("inf")), Quantity(Call("neg", (Symbol("inf"),)))


def as_union(answer: Series) -> tuple[Answer, ...] | None:
    if answer.brackets == "u":
        items = [as_interval(i) if isinstance(i, Relation) else i for i in answer.items]
    elif answer.brackets == "or":
        items = [as_interval(i) for i in answer.items]
    else:
        return None
    return None if any(i is None for i in items) else tuple(i for i in items if i is not None)


def without_point(answer: Relation) -> Series | None:
    """`x ≠ 3` as (-∞, 3) ∪ (3, ∞), `|x| > 2` as (-∞, -2) ∪ (2, ∞)."""
    if len(answer.ops) != 1:
        return None
    left, right = answer.sides
    if answer.ops == ("ne",) and symbol_of(left) is not None:
        return Series("u", (Series("()", (_BELOW, right)), Series("()", (right, _INFINITY))))
    if answer.ops[0] in (">", "ge") and _is_distance(left) and isinstance(right, Quantity):
        low, high = ("()", "()") if answer.ops == (">",) else ("(]", "[)")
        return Series("u", (Series(low, (_BELOW, _negative(right))), Series(high, (right, _INFINITY))))
    return None


def reals_without(answer: Answer) -> Series:
    """The real numbers without a finite set or one closed interval. Raises UnreadableError for anything else."""
    if not isinstance(answer, Series) or answer.brackets not in ("{}", "[]"):
        raise UnreadableError("not a set of numbers")
    points = [i for i in answer.items if isinstance(i, Quantity)]
    if not points or len(points) != len(answer.items) or len({ordered(p.term, p.term) for p in points}) != 1:
        raise UnreadableError("not a set of numbers")
    points.sort(key=lambda p: approximate(p.term) or 0.0)
    ends = [_BELOW, *points, _INFINITY]
    pairs = list(pairwise(ends)) if answer.brackets == "{}" else [(ends[0], ends[1]), (ends[-2], ends[-1])]
    return Series("u", tuple(Series("()", pair) for pair in pairs))


def as_line(answer: Answer) -> Answer:
    """The set of the real numbers as an interval; any other answer as it is."""
    return Series("()", (_BELOW, _INFINITY)) if answer == Quantity(Symbol("bb:R")) else answer


def _is_distance(side: Answer) -> bool:
    return (
        isinstance(side, Quantity)
        and isinstance(side.term, Call)
        and side.term.op == "abs"
        and (isinstance(side.term.args[0], Symbol))
    )


def _negative(bound: Quantity) -> Quantity:
    return Quantity(Call("neg", (bound.term,)))


def as_interval(answer: Answer) -> Series | None:
    """`x > 3` as (3, ∞), `1 ≤ x < 2` as [1, 2)."""
    if not isinstance(answer, Relation):
        return answer if isinstance(answer, Series) and answer.brackets in ("()", "[]", "(]", "[)") else None
    if len(answer.ops) == 1 and answer.ops[0] in ("<", ">", "le", "ge"):
        op, (left, right) = answer.ops[0], answer.sides
        if symbol_of(right) is not None and symbol_of(left) is None:
            op, left, right = MIRRORED[op], right, left
        if op in ("<", "le") and _is_distance(left) and isinstance(right, Quantity):
            return Series("()" if op == "<" else "[]", (_negative(right), right))
        if symbol_of(left) is None:
            return None
        if op in ("<", "le"):
            return Series("()" if op == "<" else "(]", (_BELOW, right))
        return Series("()" if op == ">" else "[)", (right, _INFINITY))
    if len(answer.ops) == 2 and symbol_of(answer.sides[1]) is not None:
        ops, sides = answer.ops, answer.sides
        if set(ops) <= {">", "ge"}:
            ops, sides = (MIRRORED[ops[1]], MIRRORED[ops[0]]), (sides[2], sides[1], sides[0])
        if set(ops) <= {"<", "le"}:
            return Series(("[" if ops[0] == "le" else "(") + ("]" if ops[1] == "le" else ")"), (sides[0], sides[2]))
    return None


def as_meet(answer: Series) -> Series | None:
    """`x ≥ 2, x < 5` as [2, 5): two bounds of one name that meet; None for anything else."""
    if answer.brackets != "," or len(answer.items) != 2:
        return None
    first, second = answer.items
    if not (isinstance(first, Relation) and isinstance(second, Relation)) or _name(first) != _name(second):
        return None
    bounds = [i for i in map(as_interval, (first, second)) if i is not None]
    lower = [i for i in bounds if i.items[1] == Quantity(Symbol("inf"))]
    upper = [i for i in bounds if i not in lower]
    if len(lower) != 1 or len(upper) != 1 or len(first.ops) > 1 or len(second.ops) > 1:
        return None
    low, high = lower[0].items[0], upper[0].items[1]
    if not (isinstance(low, Quantity) and isinstance(high, Quantity) and ordered(low.term, high.term)):
        return None
    return Series(lower[0].brackets[0] + upper[0].brackets[1], (low, high))


def _name(relation: Relation) -> object:
    return symbol_of(relation.sides[0]) or symbol_of(relation.sides[1])
