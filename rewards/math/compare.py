"""Equality of a gold answer and a given one, in value and in form."""

from __future__ import annotations

from fractions import Fraction

from rlstack.rewards.math.answer import Answer, Matrix, Opaque, Quantity, Relation, Series, Words, symbol_of
from rlstack.rewards.math.evaluate import approximate, proportional
from rlstack.rewards.math.quantities import Terms, same_quantity
from rlstack.rewards.math.terms import Call, Symbol, Term, exact, finished, symbols

_MIRRORED = {"<": ">", ">": "<", "le": "ge", "ge": "le", "=": "=", "ne": "ne"}
MOST_UNORDERED = 24


def equal(gold: Answer, given: Answer, terms: Terms) -> bool:
    """Whether `given` is the gold answer."""
    if isinstance(gold, Relation) or isinstance(given, Relation):
        return _relations(gold, given, terms)
    if isinstance(gold, Quantity) and isinstance(given, Quantity):
        return same_quantity(gold, given, terms)
    if isinstance(gold, Series) or isinstance(given, Series):
        return _collections(gold, given, terms)
    if isinstance(gold, Matrix) and isinstance(given, Matrix):
        return (
            gold.bars == given.bars
            and len(gold.rows) == len(given.rows)
            and all(_in_order(a, b, terms) for a, b in zip(gold.rows, given.rows, strict=True))
        )
    return type(gold) is type(given) and gold == given


def _in_order(gold: tuple[Answer, ...], given: tuple[Answer, ...], terms: Terms) -> bool:
    return len(gold) == len(given) and all(equal(a, b, terms) for a, b in zip(gold, given, strict=True))


def _in_any_order(gold: tuple[Answer, ...], given: tuple[Answer, ...], terms: Terms) -> bool:
    if len(gold) != len(given):
        return False
    literal_gold, literal_given = _sortable(gold), _sortable(given)
    if literal_gold is not None and literal_given is not None and not terms.tolerance:
        return sorted(literal_gold) == sorted(literal_given)
    if len(gold) > MOST_UNORDERED:
        return _in_order(gold, given, terms)
    left = list(given)
    for item in gold:
        match = next((i for i, other in enumerate(left) if equal(item, other, terms)), None)
        if match is None:
            return False
        left.pop(match)
    return True


def _sortable(items: tuple[Answer, ...]) -> list[Fraction] | None:
    values = [
        exact(i.term)
        for i in items
        if isinstance(i, Quantity) and not i.percent and i.unit is None and finished(i.term)
    ]
    known = [v for v in values if v is not None]
    return known if len(known) == len(items) else None


def _distinct(items: tuple[Answer, ...]) -> tuple[Answer, ...]:
    return tuple(dict.fromkeys(items))


def _collections(gold: Answer, given: Answer, terms: Terms) -> bool:
    gold, given = _vector(gold), _vector(given)
    if not (isinstance(gold, Series) and isinstance(given, Series)):
        series, other = (gold, given) if isinstance(gold, Series) else (given, gold)
        assert isinstance(series, Series)
        if series.brackets == "{}" and len(series.items) == 1:
            return equal(series.items[0], other, terms) if series is gold else equal(other, series.items[0], terms)
        return series.brackets in (",", "or") and series is given and _all_agree(other, series, terms)
    a, b = gold.brackets, given.brackets
    loose = {",", "or", "pm"}
    if "u" in (a, b):
        left, right = _as_union(gold), _as_union(given)
        return left is not None and right is not None and _in_any_order(left, right, terms)
    if {a, b} <= loose | {"{}"}:
        if terms.ordered and a in loose and b in loose:
            return _in_order(gold.items, given.items, terms)
        if a == "{}" or b == "{}":
            return _in_any_order(_distinct(gold.items), _distinct(given.items), terms)
        return _in_any_order(gold.items, given.items, terms) or _assignments(gold, given, terms)
    if a == b == ":":
        return len(gold.items) == len(given.items) and _proportional(gold.items, given.items, terms)
    if a == b or {a, b} == {"()", ","}:
        return _in_order(_values(gold), _values(given), terms)
    return False


def _proportional(gold: tuple[Answer, ...], given: tuple[Answer, ...], terms: Terms) -> bool:
    """Whether two ratios such as 1:2:3 and 2:4:6 are the same."""
    a = [exact(i.term) for i in gold if isinstance(i, Quantity)]
    b = [exact(i.term) for i in given if isinstance(i, Quantity) and finished(i.term)]
    known_a, known_b = [v for v in a if v], [v for v in b if v]
    if len(known_a) == len(gold) and len(known_b) == len(given):
        return all(x * known_b[0] == y * known_a[0] for x, y in zip(known_a, known_b, strict=True))
    return _in_order(gold, given, terms)


def _all_agree(gold: Answer, given: Series, terms: Terms) -> bool:
    """`5, 5.0` or `1/2 or 0.5`: the same answer twice, in two spellings."""
    return (
        len(given.items) <= 4
        and len(given.items) > 1
        and given.brackets == "or"
        and all(equal(gold, i, terms) for i in given.items)
    )


def _vector(answer: Answer) -> Answer:
    """A matrix of one row or column as a tuple, so that either way of writing a vector will do."""
    if isinstance(answer, Matrix) and not answer.bars:
        if len(answer.rows) == 1:
            return Series("()", answer.rows[0])
        if len(answer.rows[0]) == 1:
            return Series("()", tuple(r[0] for r in answer.rows))
    return answer


def _values(series: Series) -> tuple[Answer, ...]:
    """The values of `x = 1, y = 2` when each item defines another name in alphabetical order."""
    named = [(symbol_of(i.sides[0]), i.sides[1]) for i in series.items if isinstance(i, Relation) and i.ops == ("=",)]
    names = [n.name for n, _ in named if isinstance(n, Symbol)]
    if len(names) == len(series.items) and names == sorted(set(names)):
        return tuple(v for _, v in named)
    return series.items


def _assignments(gold: Series, given: Series, terms: Terms) -> bool:
    """`x = 1, 2` against `x = 1 or x = 2` or `1, 2`."""
    return (
        _in_any_order(tuple(map(_value, gold.items)), tuple(map(_value, given.items)), terms)
        and _one_name(gold)
        and _one_name(given)
    )


def _one_name(series: Series) -> bool:
    return len({i.sides[0] for i in series.items if isinstance(i, Relation)}) <= 1


def _value(answer: Answer) -> Answer:
    if isinstance(answer, Relation) and set(answer.ops) == {"="} and symbol_of(answer.sides[0]) is not None:
        return answer.sides[-1]
    return answer


def _as_union(answer: Series) -> tuple[Answer, ...] | None:
    if answer.brackets == "u":
        items = [_as_interval(i) if isinstance(i, Relation) else i for i in answer.items]
    elif answer.brackets == "or":
        items = [_as_interval(i) for i in answer.items]
    else:
        return None
    return None if any(i is None for i in items) else tuple(i for i in items if i is not None)


def _without_point(answer: Relation) -> Series | None:
    """`x ≠ 3` as (-∞, 3) ∪ (3, ∞)."""
    if answer.ops != ("ne",) or symbol_of(answer.sides[0]) is None:
        return None
    infinity, below = Quantity(Symbol("inf")), Quantity(Call("neg", (Symbol("inf"),)))
    point = answer.sides[1]
    return Series("u", (Series("()", (below, point)), Series("()", (point, infinity))))


def _as_interval(answer: Answer) -> Series | None:
    """`x > 3` as (3, ∞), `1 ≤ x < 2` as [1, 2)."""
    if not isinstance(answer, Relation):
        return answer if isinstance(answer, Series) and answer.brackets in ("()", "[]", "(]", "[)") else None
    infinity = Quantity(Symbol("inf"))
    below = Quantity(Call("neg", (Symbol("inf"),)))
    if len(answer.ops) == 1 and answer.ops[0] in ("<", ">", "le", "ge"):
        op, (left, right) = answer.ops[0], answer.sides
        if symbol_of(right) is not None and symbol_of(left) is None:
            op, left, right = _MIRRORED[op], right, left
        if symbol_of(left) is None:
            return None
        if op in ("<", "le"):
            return Series("()" if op == "<" else "(]", (below, right))
        return Series("()" if op == ">" else "[)", (right, infinity))
    if len(answer.ops) == 2 and symbol_of(answer.sides[1]) is not None:
        ops, sides = answer.ops, answer.sides
        if set(ops) <= {">", "ge"}:
            ops, sides = (_MIRRORED[ops[1]], _MIRRORED[ops[0]]), (sides[2], sides[1], sides[0])
        if set(ops) <= {"<", "le"}:
            return Series(("[" if ops[0] == "le" else "(") + ("]" if ops[1] == "le" else ")"), (sides[0], sides[2]))
    return None


def _relations(gold: Answer, given: Answer, terms: Terms) -> bool:
    if isinstance(gold, Relation) and isinstance(given, Relation):
        return _same_relation(gold, given, terms)
    if isinstance(gold, Relation):
        interval = _as_interval(gold) or _without_point(gold)
        if interval is not None:
            return isinstance(given, Series) and _collections(interval, given, terms)
        return _value(gold) is not gold and equal(_value(gold), given, terms)
    assert isinstance(given, Relation)
    return _claims(gold, given, terms)


def _claims(gold: Answer, given: Relation, terms: Terms) -> bool:
    """Whether a relation states the gold value: `x = 5`, `6 · 7 = 42`, `1/3 ≈ 0.333`, `x > 3` for (3, ∞)."""
    interval = _as_interval(given) or _without_point(given)
    if interval is not None:
        return isinstance(gold, Series) and _collections(gold, interval, terms)
    if not set(given.ops) <= {"=", "approx"}:
        return False
    sides = given.sides[1:] if symbol_of(given.sides[0]) is not None else given.sides
    if symbol_of(sides[-1]) is not None and len(sides) == 2 and len(given.sides) == 2 and not isinstance(gold, Series):
        sides = sides[:1] if not (isinstance(gold, Quantity) and symbols(gold.term)) else sides
    right = [equal(gold, s, terms) for s in sides]
    if "approx" not in given.ops:
        stated = [ok for ok, s in zip(right, sides, strict=True) if isinstance(s, Quantity) and finished(s.term)]
        return right[-1] and all(stated)
    return any(right) and _roughly_equal(sides)


def _roughly_equal(sides: tuple[Answer, ...]) -> bool:
    values = [approximate(s.term) for s in sides if isinstance(s, Quantity)]
    known = [v for v in values if v is not None]
    return len(known) < 2 or max(known) - min(known) <= 0.02 * max(map(abs, known))


def _same_relation(gold: Relation, given: Relation, terms: Terms) -> bool:
    left, right = _as_interval(gold), _as_interval(given)
    if left is not None and right is not None:
        return _in_named_interval(gold, given, left, right, terms)
    if set(gold.ops) == {"="} and set(given.ops) <= {"=", "approx"}:
        names = symbol_of(gold.sides[0]), symbol_of(given.sides[0])
        if names[0] is not None and names[0] == names[1]:
            return _claims(gold.sides[-1], given, terms)
    if len(gold.ops) == 1 and len(given.ops) == 1:
        return _same_balance(gold, given)
    return gold.ops == given.ops and _in_order(gold.sides, given.sides, terms)


def _in_named_interval(gold: Relation, given: Relation, left: Series, right: Series, terms: Terms) -> bool:
    names = {s for r in (gold, given) for s in map(symbol_of, r.sides) if s is not None}
    return len(names) == 1 and left.brackets == right.brackets and _in_order(left.items, right.items, terms)


def _same_balance(gold: Relation, given: Relation) -> bool:
    """`2x = y + 1` and `y = 2x − 1`: the differences of both sides are proportional (positively, for < and ≤)."""
    differences: list[Term] = []
    for relation in (gold, given):
        sides = [s.term for s in relation.sides if isinstance(s, Quantity) and s.unit is None and not s.percent]
        if len(sides) != 2:
            return False
        differences.append(Call("+", (sides[0], Call("neg", (sides[1],)))))
    op, other = gold.ops[0], given.ops[0]
    constant = proportional(differences[0], differences[1])
    if constant is None:
        return False
    return op == (other if constant > 0 or op in ("=", "ne") else _MIRRORED.get(other, other))


def undecided(answer: Answer) -> bool:
    """Whether some part of `answer` was not understood."""
    if isinstance(answer, Opaque):
        return True
    if isinstance(answer, Series):
        return any(map(undecided, answer.items))
    if isinstance(answer, Relation):
        return any(map(undecided, answer.sides))
    return isinstance(answer, Matrix) and any(undecided(c) for r in answer.rows for c in r)


def is_number(answer: Answer) -> bool:
    """Whether `answer` is a finished number, so that nothing but a finished number can equal it."""
    return isinstance(answer, Quantity) and finished(answer.term)


def is_words(answer: Answer) -> bool:
    """Whether `answer` is made of words."""
    return isinstance(answer, Words)
