"""Equality of two quantities: numbers, expressions, units and percentages."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import gcd

from rlstack.rewards.math.answer import Quantity
from rlstack.rewards.math.evaluate import approximate, same_value
from rlstack.rewards.math.terms import (
    Call,
    Number,
    Symbol,
    Term,
    exact,
    finished,
    functions,
    has_decimal,
    symbols,
    walk,
)
from rlstack.rewards.math.units import ONE_LETTER, Unit, read_unit

_LOGARITHMS = frozenset({"ln", "log", "lg"})
_SPELT_OUT = 10  # digits from which a rounded decimal counts as the fraction it rounds


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a comparison: relative `tolerance`, the `unit` asked for, whether bare lists are `ordered`."""

    tolerance: float = 0.0
    unit: Unit | None = None
    ordered: bool = False


def same_quantity(gold: Quantity, given: Quantity, terms: Terms) -> bool:
    """Whether `given` is the gold number or expression, and finished where the gold is a number."""
    if gold.unit is None and terms.unit is not None:
        gold = Quantity(gold.term, terms.unit, gold.percent)
    if gold.unit is not None and given.unit is None:
        given = _letter_as_unit(given, gold.unit)
    elif given.unit is not None and gold.unit is None:
        gold = _letter_as_unit(gold, given.unit)
    gold, given = _in_radians(gold, given), _in_radians(given, gold)
    factor = Fraction(1)
    if gold.unit is not None and given.unit is not None:
        if gold.unit.measures != given.unit.measures:
            return _as_radians(gold, given, terms)
        factor = given.unit.factor / gold.unit.factor
    if gold.percent != given.percent:
        return _percent_against_number(gold, given, terms)
    return _numbers(gold.term, given.term, factor, terms)


def _in_radians(quantity: Quantity, other: Quantity) -> Quantity:
    """An angle in terms of π beside one in degrees is in radians."""
    beside_degrees = other.unit is not None and other.unit.measures == (("angle", 1),)
    if quantity.unit is None and beside_degrees and any(n == Symbol("pi") for n in walk(quantity.term)):
        return Quantity(quantity.term, read_unit("rad"), quantity.percent)
    return quantity


def _as_radians(gold: Quantity, given: Quantity, terms: Terms) -> bool:
    def radians(q: Quantity) -> Term | None:
        measure = q.unit.measures if q.unit else ()
        if measure == (("angle", 1),):
            return Call("degree", (q.term,))
        return q.term if measure == (("radian", 1),) else None

    a, b = radians(gold), radians(given)
    return a is not None and b is not None and same_value(a, b)


def _letter_as_unit(quantity: Quantity, other: Unit) -> Quantity:
    """`5m` or `3.2 m/s` read as a number with a unit where the other side measures the same; else `m` is a variable."""
    found = _number_and_letters(quantity.term)
    if found is None or not found[1]:
        return quantity
    unit = read_unit(found[1])
    return Quantity(found[0], unit, quantity.percent) if unit and unit.measures == other.measures else quantity


def _number_and_letters(term: Term) -> tuple[Term, str] | None:
    """The finished number and the one-letter units that a product or quotient is made of."""
    if finished(term):
        return term, ""
    if not isinstance(term, Call) or term.op not in ("*", "/") or not 2 <= len(term.args) <= 3:
        return None
    head = _number_and_letters(term.args[0])
    letters = [_unit_letter(a) for a in term.args[1:]]
    if head is None or not all(letters):
        return None
    sign = "*" if term.op == "*" else "/"
    return head[0], (head[1] + sign if head[1] or sign == "/" else "") + sign.join(x for x in letters if x)


def _unit_letter(term: Term) -> str | None:
    power = ""
    if isinstance(term, Call) and term.op == "^" and isinstance(term.args[1], Number):
        term, power = term.args[0], f"^{term.args[1].value}"
    return term.name + power if isinstance(term, Symbol) and term.name.lower() in ONE_LETTER else None


def _percent_against_number(gold: Quantity, given: Quantity, terms: Terms) -> bool:
    """15 % is 0.15; where a percentage of at least one was asked for, the bare number 15 will do as well."""
    number = given if gold.percent else gold
    hundredth = Fraction(1, 100)
    if _numbers(gold.term, given.term, hundredth if given.percent else Fraction(100), terms):
        return True
    value = exact(number.term)
    return value is not None and abs(value) >= 1 and _numbers(gold.term, given.term, Fraction(1), terms)


def _numbers(gold: Term, given: Term, factor: Fraction, terms: Terms) -> bool:
    if terms.tolerance > 0:
        return _within(gold, given, factor, terms.tolerance)
    if _is_clock(gold):
        return gold == given
    if finished(gold) and _spelt_out_closed(gold, given) and factor == 1:
        return True
    if finished(gold):
        return (gold == given and factor == 1) or (finished(given) and _same_literal(gold, given, factor))
    if factor != 1:
        given = Call("*", (Number(factor), given))
    if not symbols(gold):
        if symbols(given):
            return False
        extra = functions(given) - functions(gold)
        if extra and not (extra <= _LOGARITHMS and functions(gold) & _LOGARITHMS) and not _exponential(extra, gold):
            return False
    return same_value(gold, given) or (_adds(gold, "C") and _adds(given, "c") and same_value(gold, _capital(given)))


def _adds(term: Term, name: str) -> bool:
    """Whether a sum has a constant of integration by that name."""
    return isinstance(term, Call) and term.op == "+" and Symbol(name) in term.args


def _capital(total: Term) -> Term:
    assert isinstance(total, Call)
    return Call("+", tuple(Symbol("C") if a == Symbol("c") else a for a in total.args))


def _exponential(extra: frozenset[str], gold: Term) -> bool:
    """exp(2) is how some write e²."""
    return extra == {"exp"} and any(n == Symbol("e") for n in walk(gold))


def _is_clock(term: Term) -> bool:
    """10:30 is a time of day: no ratio is left with a common factor and two digits of minutes."""
    if not isinstance(term, Call) or term.op != "ratio":
        return False
    hours, minutes = (exact(a) for a in term.args)
    if hours is None or minutes is None or hours.denominator != 1 or minutes.denominator != 1:
        return False
    return 1 <= hours <= 24 and 10 <= minutes < 60 and gcd(int(hours), int(minutes)) > 1


def _spelt_out_closed(decimal: Term, given: Term) -> bool:
    """Whether `decimal`, spelt out, is the irrational number `given`, such as a root or a multiple of π."""
    if isinstance(decimal, Call) and decimal.op == "neg":
        decimal, given = decimal.args[0], Call("neg", (given,))
    if not isinstance(decimal, Number) or (decimal.digits or 0) < _SPELT_OUT or has_decimal(given) or symbols(given):
        return False
    value = None if exact(given) is not None or functions(given) else approximate(given)
    return value is not None and abs(value - float(decimal.value)) <= 10.0 ** -(decimal.digits or 0) + 1e-15 * abs(
        value
    )


def _within(gold: Term, given: Term, factor: Fraction, tolerance: float) -> bool:
    """|given − gold| ≤ tolerance · |gold|, or ≤ tolerance where gold is 0."""
    if not finished(given) and finished(gold):
        return False
    a, b = approximate(gold), approximate(given)
    if a is None or b is None:
        return same_value(gold, given) and factor == 1
    return abs(b * float(factor) - a) <= tolerance * (abs(a) or 1.0) * (1 + 1e-9)


def _same_literal(gold: Term, given: Term, factor: Fraction) -> bool:
    a, b = exact(gold), exact(given)
    if a is None or b is None:
        return gold == given
    if a == b * factor:
        return True
    return factor == 1 and (_spells_out(a, given) or _spells_out(b, gold))


def _spells_out(value: Fraction, decimal: Term) -> bool:
    """Whether `decimal` is `value` rounded to so many digits that nothing else can be meant."""
    if isinstance(decimal, Call) and decimal.op == "neg":
        decimal, value = decimal.args[0], -value
    if not isinstance(decimal, Number) or decimal.digits is None or decimal.digits < _SPELT_OUT:
        return False
    return abs(value - decimal.value) <= Fraction(1, 10**decimal.digits) and abs(value) >= Fraction(1, 1000)
