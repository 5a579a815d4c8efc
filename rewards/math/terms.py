"""Terms of elementary mathematics, their exact values and whether they are finished numbers.

`1/2`, `3.50`, `-7`, `10^3` and `2.1 \\times 10^{5}` are finished; `6 \\times 7`, `84/2` and `\\sqrt{16}` are
tasks still to be done. Work is bounded: powers, factorials and binomials beyond `LARGEST_BITS` have no
exact value.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

LARGEST_BITS = 10_000


class UnreadableError(Exception):
    """A text that this parser does not read; internal to the math reward."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal. `digits` counts those after the decimal point, None for integers."""

    value: Fraction
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable, or one of the constants `pi`, `e`, `i`, `inf`."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """An operation: + * / ^ neg, mixed (2 1/2), sci (2e5), ratio (3:4), a function name, or @name."""

    op: str
    args: tuple[Term, ...]


Term = Number | Symbol | Call

CONSTANTS = frozenset({"pi", "e", "i", "inf"})
PLAIN_OPS = frozenset({"+", "*", "/", "^", "neg", "mixed", "sci", "ratio", "root", "repeat", "degree"})


def walk(term: Term) -> Iterator[Term]:
    """Every node of `term`."""
    stack = [term]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Call):
            stack.extend(node.args)


def symbols(term: Term) -> frozenset[str]:
    """Names of the variables of `term`."""
    return frozenset(n.name for n in walk(term) if isinstance(n, Symbol)) - CONSTANTS


def functions(term: Term) -> frozenset[str]:
    """Operations of `term` beyond arithmetic and roots."""
    return frozenset(n.op for n in walk(term) if isinstance(n, Call)) - PLAIN_OPS


def has_decimal(term: Term) -> bool:
    """Whether a literal with a decimal point occurs in `term`."""
    return any(isinstance(n, Number) and n.digits is not None for n in walk(term))


def finished(term: Term) -> bool:
    """Whether `term` is a number written out, with nothing left to compute."""
    if isinstance(term, Number):
        return True
    if isinstance(term, Symbol):
        return term.name == "inf"
    if term.op == "neg":
        return finished(term.args[0]) and not (isinstance(term.args[0], Call) and term.args[0].op == "neg")
    if term.op == "ratio":
        return all(map(finished, term.args))
    if term.op in ("mixed", "sci", "repeat"):
        return True
    if term.op == "^":
        return term.args[0] == Number(Fraction(10)) and _integer_literal(term.args[1])
    if term.op == "/":
        return all(_integer_literal(a) for a in term.args) and _proper(term)
    if term.op == "*" and len(term.args) == 2:
        mantissa, power = term.args
        return finished(mantissa) and isinstance(power, Call) and power.op == "^" and finished(power)
    return False


def _integer_literal(term: Term) -> bool:
    if isinstance(term, Call) and term.op == "neg":
        term = term.args[0]
    return isinstance(term, Number) and term.digits is None and term.value.denominator == 1


def _proper(quotient: Call) -> bool:
    value = exact(quotient)
    return value is not None and value.denominator != 1


def exact(term: Term) -> Fraction | None:
    """The rational value of `term`, or None where it has none or it is too large."""
    if isinstance(term, Number):
        return term.value
    if isinstance(term, Symbol):
        return None
    values = [exact(a) for a in term.args]
    known = [v for v in values if v is not None]
    if len(known) != len(values):
        return None
    return _bounded(_apply(term.op, known))


def _bounded(value: Fraction | None) -> Fraction | None:
    if value is None or max(value.numerator.bit_length(), value.denominator.bit_length()) > LARGEST_BITS:
        return None
    return value


def _apply(op: str, args: list[Fraction]) -> Fraction | None:
    if op == "+":
        return sum(args, Fraction(0))
    if op in ("*", "sci"):
        product = Fraction(1)
        for a in args:
            product *= a
            if product.numerator.bit_length() > LARGEST_BITS:
                return None
        return product
    if op in ("/", "ratio"):
        return args[0] / args[1] if args[1] else None
    if op == "neg":
        return -args[0]
    if op == "mixed":
        return args[0] + args[1]
    if op == "repeat":
        return args[0]
    if op == "^":
        return power(args[0], args[1])
    if op == "root":
        return _root(args[0], args[1])
    return _integer_function(op, args)


def power(base: Fraction, exponent: Fraction) -> Fraction | None:
    """base ** exponent where that is rational and small enough."""
    if exponent.denominator != 1:
        if exponent.denominator > 64 or base < 0:
            return None
        root = _root(base, Fraction(exponent.denominator))
        return None if root is None else power(root, Fraction(exponent.numerator))
    n = exponent.numerator
    if base == 0:
        return Fraction(0) if n > 0 else None
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(n) > LARGEST_BITS or (bits > 1 and bits * abs(n) > LARGEST_BITS):
        return Fraction(1 if base == 1 or n % 2 == 0 else -1) if abs(base) == 1 else None
    return base**n


def _root(value: Fraction, degree: Fraction) -> Fraction | None:
    if degree.denominator != 1 or not 2 <= degree <= 64:
        return None
    n = int(degree)
    sign = -1 if value < 0 else 1
    if sign < 0 and n % 2 == 0:
        return None
    top, bottom = _integer_root(abs(value.numerator), n), _integer_root(value.denominator, n)
    return None if top is None or bottom is None else Fraction(sign * top, bottom)


def _integer_root(value: int, n: int) -> int | None:
    if n == 2:
        root = math.isqrt(value)
        return root if root * root == value else None
    low, high = 0, 1 << (value.bit_length() // n + 1)
    while low < high:
        middle = (low + high) // 2
        if middle**n < value:
            low = middle + 1
        else:
            high = middle
    return low if low**n == value else None


def _integer_function(op: str, args: list[Fraction]) -> Fraction | None:
    if op == "abs":
        return abs(args[0])
    if op == "floor":
        return Fraction(math.floor(args[0]))
    if op == "ceil":
        return Fraction(math.ceil(args[0]))
    if op in ("max", "min"):
        return (max if op == "max" else min)(args)
    if any(a.denominator != 1 for a in args):
        return None
    whole = [a.numerator for a in args]
    if op == "factorial":
        return Fraction(math.factorial(whole[0])) if 0 <= whole[0] <= 1_000 else None
    if op == "binom":
        n, k = whole
        return Fraction(math.comb(n, k)) if 0 <= k <= n <= 5_000 else None
    if op in ("gcd", "lcm"):
        return Fraction(math.gcd(*whole) if op == "gcd" else math.lcm(*whole))
    return None
