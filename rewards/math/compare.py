"""Equality of a gold answer and a given one, in value and in form."""

from __future__ import annotations

from fractions import Fraction

from rlstack.rewards.math.answer import Answer, Matrix, Opaque, Quantity, Relation, Series, symbol_of
from rlstack.rewards.math.evaluate import approximate, proportional
from rlstack.rewards.math.intervals import MIRRORED, as_interval, as_line, as_meet, as_union, without_point
from rlstack.rewards.math.named import assignments, in_order, names_value, of_one_kind
from rlstack.rewards.math.quantities import Terms, same_quantity
from rlstack.rewards.math.terms import Call, Symbol, Term, exact, finished, symbols

MOST_UNORDERED = 24


def equal(gold: Answer, given: Answer, terms: Terms) -> bool:
    """Whether `given` is the gold answer."""
    named = _named(gold, given, terms)
    if named is not None:
        return named
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


def _named(gold: Answer, given: Answer, terms: Terms) -> bool | None:
    """Equality where a side assigns values to several names; None where neither does."""
    if not isinstance(gold, Series | Relation) and not isinstance(given, Series | Relation):
        return None
    here, there = assignments(gold), assignments(given)
    if here is not None and there is not None:
        return here.keys() == there.keys() and all(equal(v, there[name], terms) for name, v in here.items())
    named = here or there
    if named is None:
        return None
    bare = _vector(gold if here is None else given)
    if not isinstance(bare, Series) or bare.brackets not in ("()", ",", "{}", "or", "pm"):
        return None if isinstance(bare, Relation) else False
    if of_one_kind(named):
        a, b = (bare.items, tuple(named.values())) if here is None else (tuple(named.values()), bare.items)
        return (_in_order if bare.brackets == "()" or terms.ordered else _in_any_order)(a, b, terms)
    if bare.brackets in ("{}", "or", "pm"):
        return False
    values = tuple(in_order(given if here is None else gold, named))
    return _in_order(*((bare.items, values) if here is None else (values, bare.items)), terms)


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
    if isinstance(gold, Matrix) != isinstance(given, Matrix):
        gold, given = _bare_vector(gold), _bare_vector(given)
    gold, given = as_line(_vector(gold)), as_line(_vector(given))
    if not (isinstance(gold, Series) and isinstance(given, Series)):
        series, other = (gold, given) if isinstance(gold, Series) else (given, gold)
        assert isinstance(series, Series)
        if series.brackets == "mod":
            return equal(series.items[0], other, terms) if series is gold else equal(other, series.items[0], terms)
        if series.brackets == "{}" and len(series.items) == 1:
            return equal(series.items[0], other, terms) if series is gold else equal(other, series.items[0], terms)
        return series.brackets in (",", "or") and series is given and _all_agree(other, series, terms)
    a, b = gold.brackets, given.brackets
    loose = {",", "or", "pm"}
    meets = as_meet(gold) or gold, as_meet(given) or given
    if meets != (gold, given):
        return _collections(*meets, terms)
    if "u" in (a, b):
        left, right = as_union(gold), as_union(given)
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
        return _in_order(gold.items, given.items, terms)
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


def _bare_vector(answer: Answer) -> Answer:
    """`[1, -2]` beside a matrix is a vector, not an interval."""
    return Series("()", answer.items) if isinstance(answer, Series) and answer.brackets == "[]" else answer


def _vector(answer: Answer) -> Answer:
    """A matrix of one row or column as a tuple, so that either way of writing a vector will do."""
    if isinstance(answer, Matrix) and not answer.bars:
        if len(answer.rows) == 1:
            return Series("()", answer.rows[0])
        if len(answer.rows[0]) == 1:
            return Series("()", tuple(r[0] for r in answer.rows))
    return answer


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


def _relations(gold: Answer, given: Answer, terms: Terms) -> bool:
    if isinstance(gold, Relation) and isinstance(given, Relation):
        return _same_relation(gold, given, terms)
    if isinstance(gold, Relation):
        interval = as_interval(gold) or without_point(gold)
        if interval is not None:
            return isinstance(given, Series) and _collections(interval, given, terms)
        return _value(gold) is not gold and equal(_value(gold), given, terms)
    assert isinstance(given, Relation)
    return _claims(gold, given, terms)


def _claims(gold: Answer, given: Relation, terms: Terms) -> bool:
    """Whether a relation states the gold value: `x = 5`, `6 · 7 = 42`, `1/3 ≈ 0.333`, `x > 3` for (3, ∞)."""
    interval = as_interval(given) or without_point(given)
    if interval is not None:
        return isinstance(gold, Series) and _collections(gold, interval, terms)
    if not set(given.ops) <= {"=", "approx", "equiv"} or not names_value(given.sides[0]):
        return False
    named = symbol_of(given.sides[0]) is not None or isinstance(given.sides[0], Opaque)
    sides = given.sides[1:] if named else given.sides
    if symbol_of(sides[-1]) is not None and len(sides) == 2 and len(given.sides) == 2 and not isinstance(gold, Series):
        sides = sides[:1] if not (isinstance(gold, Quantity) and symbols(gold.term)) else sides
    right = [equal(gold, s, terms) for s in sides]
    if "approx" not in given.ops:
        stated = [ok for ok, s in zip(right, sides, strict=True) if isinstance(s, Quantity) and finished(s.term)]
        return (right[-1] or (any(stated) and _worth(gold, sides[-1]))) and all(stated)
    return any(right) and _roughly_equal(sides)


def _worth(gold: Answer, side: Answer) -> bool:
    """Whether a side, such as the last of `11 = 5 + 6`, comes to the gold value without stating it."""
    if not (isinstance(gold, Quantity) and isinstance(side, Quantity)) or side.unit is not None:
        return False
    value = exact(side.term)
    return value is not None and value == exact(gold.term)


def _roughly_equal(sides: tuple[Answer, ...]) -> bool:
    values = [(approximate(s.term), s.percent) for s in sides if isinstance(s, Quantity)]
    known = [v / 100 if percent else v for v, percent in values if v is not None]
    return len(known) < 2 or max(known) - min(known) <= 0.02 * max(map(abs, known))


def _same_relation(gold: Relation, given: Relation, terms: Terms) -> bool:
    left, right = as_interval(gold), as_interval(given)
    names = {n for r in (gold, given) for s in r.sides if isinstance(s, Quantity) for n in symbols(s.term)}
    if left is not None and right is not None and len(names) == 1:
        return left.brackets == right.brackets and _in_order(left.items, right.items, terms)
    if set(gold.ops) == {"="} and set(given.ops) <= {"=", "approx"}:
        defined = symbol_of(gold.sides[0]), symbol_of(given.sides[0])
        if defined[0] is not None and (defined[0] == defined[1] or set(map(_is_graph, defined)) == {"y", "f(x)"}):
            return _claims(gold.sides[-1], given, terms)
    if len(gold.ops) == 1 and len(given.ops) == 1:
        return _same_balance(gold, given)
    return gold.ops == given.ops and _in_order(gold.sides, given.sides, terms)


def _is_graph(name: Term | None) -> str:
    if isinstance(name, Symbol):
        return name.name
    applied = isinstance(name, Call) and name in [Call("*", (Symbol(f), Symbol("x"))) for f in "fgh"]
    return "f(x)" if applied else ""


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
    return op == (other if constant > 0 or op in ("=", "ne") else MIRRORED.get(other, other))


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
