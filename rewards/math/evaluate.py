"""Numeric values of terms, and equality of two terms by exact values or by evaluation at fixed points.

Two terms that differ are told apart by ordinary floats in microseconds; equality is confirmed with 50
digits. Agreement of two elementary terms at several unrelated points to that precision without their being
equal does not happen by accident (Schwartz, 1980, for polynomials). Nothing here grows: a value that
overflows or leaves its domain makes the comparison fail, never loop.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from rlstack.rewards.math.terms import Call, Number, Symbol, Term, exact, symbols

DIGITS = 50
_LARGEST_MAGNITUDE = 1e60
_FAULTS = (ArithmeticError, ValueError, TypeError, KeyError)

_POINTS = (
    (0.8372, 1.4142, 2.2361, 0.6180, 1.7321, 2.6458, 1.2599, 3.1623),
    (2.7193, 0.5772, 1.6181, 3.3019, 0.9160, 1.2021, 2.5029, 0.4343),
    (0.3679, 2.3026, 0.7390, 1.0986, 3.6056, 0.2614, 1.9022, 1.3247),
    (-1.2732, -0.8346, 1.4513, -2.6854, 0.7642, -1.7085, 2.2953, -0.3532),
    (-0.4213, 1.1893, -1.9318, 0.5433, -2.1774, 1.6431, -0.9432, 2.0149),
)


class _Floats:
    """Functions over Python floats and complex numbers."""

    pi, e, i = math.pi, math.e, 1j

    @staticmethod
    def rational(value: Fraction) -> Any:
        return float(value)

    @staticmethod
    def function(name: str) -> Callable[..., Any]:
        return _FLOAT_FUNCTIONS[name]

    @staticmethod
    def power(base: Any, exponent: Any) -> Any:
        if isinstance(base, float) and isinstance(exponent, float) and base < 0 and not exponent.is_integer():
            return complex(base) ** exponent
        return base**exponent


def _real(z: Any) -> Any:
    return z.real if isinstance(z, complex) and abs(z.imag) < 1e-12 * max(1.0, abs(z.real)) else z


def _cot(z: Any) -> Any:
    return 1 / cmath.tan(z)


def _float_factorial(x: Any) -> float:
    x = _real(x)
    if isinstance(x, complex) or x < 0 or x > 170:
        raise ValueError("factorial out of range")
    return math.gamma(x + 1)


def _float_binomial(n: Any, k: Any) -> float:
    n, k = _real(n), _real(k)
    if not isinstance(n, complex) and not isinstance(k, complex) and float(k).is_integer() and 0 <= k <= 60:
        product = 1.0
        for j in range(int(k)):
            product *= (n - j) / (j + 1)
        return product
    return _float_factorial(n) / (_float_factorial(k) * _float_factorial(_real(n) - _real(k)))


_FLOAT_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(cmath, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp")},
    "cot": _cot,
    "sec": lambda z: 1 / cmath.cos(z),
    "csc": lambda z: 1 / cmath.sin(z),
    "coth": lambda z: 1 / cmath.tanh(z),
    "arcsin": cmath.asin,
    "arccos": cmath.acos,
    "arctan": cmath.atan,
    "arccot": lambda z: cmath.atan(1 / z),
    "arcsec": lambda z: cmath.acos(1 / z),
    "arccsc": lambda z: cmath.asin(1 / z),
    "ln": cmath.log,
    "lg": cmath.log10,
    "log": lambda z, base=math.e: cmath.log(z) / cmath.log(base),
    "abs": abs,
    "factorial": _float_factorial,
    "binom": _float_binomial,
    "floor": lambda z: float(math.floor(_real(z))),
    "ceil": lambda z: float(math.ceil(_real(z))),
    "max": lambda *z: max(map(_real, z)),
    "min": lambda *z: min(map(_real, z)),
    "re": lambda z: complex(z).real,
    "im": lambda z: complex(z).imag,
}


class _Long:
    """The same functions with `DIGITS` digits; mpmath is imported at first use."""

    def __init__(self) -> None:
        import mpmath

        self.mp = mpmath.mp.clone()
        self.mp.dps = DIGITS
        self.pi, self.e, self.i = +self.mp.pi, +self.mp.e, self.mp.j

    def rational(self, value: Fraction) -> Any:
        return self.mp.mpf(value.numerator) / value.denominator

    def power(self, base: Any, exponent: Any) -> Any:
        return self.mp.power(base, exponent)

    def function(self, name: str) -> Callable[..., Any]:
        mp = self.mp
        renamed = {"ln": "log", "lg": "log10", "abs": "fabs", "binom": "binomial"}
        if name.startswith("arc"):
            name = "a" + name[3:]
        if name in ("max", "min"):
            return max if name == "max" else min
        if name == "log":
            return lambda z, base=mp.e: mp.log(z) / mp.log(base)
        return getattr(mp, renamed.get(name, name))


def _value(term: Term, kit: Any, at: Mapping[str, Any]) -> Any:
    if isinstance(term, Number):
        return kit.rational(term.value)
    if isinstance(term, Symbol):
        if term.name in at:
            return at[term.name]
        if term.name in ("pi", "e", "i"):
            return getattr(kit, term.name)
        raise ValueError(f"no value for {term.name}")
    known = exact(term)
    if known is not None:
        return kit.rational(known)
    args = [_value(a, kit, at) for a in term.args]
    return _sized(_operate(term.op, args, kit))


def _operate(op: str, args: Sequence[Any], kit: Any) -> Any:
    if op == "+":
        return sum(args[1:], args[0])
    if op == "*" or (op == "mixed" and len(args) != 2) or op == "sci":
        product = args[0]
        for a in args[1:]:
            product = product * a
        return product
    if op == "mixed":
        return args[0] + args[1]
    if op in ("/", "ratio"):
        return args[0] / args[1]
    if op == "neg":
        return -args[0]
    if op == "^":
        return kit.power(args[0], args[1])
    if op == "root":
        base, degree = args
        if _is_negative(base) and degree == 3:
            return -kit.power(-base, 1 / degree)
        return kit.power(base, 1 / degree)
    if op == "degree":
        return args[0] * kit.pi / 180
    if op in ("factorial", "binom") and max(abs(a) for a in args) > 10_000:
        raise ValueError("too large")
    return kit.function(op)(*args)


def _is_negative(value: Any) -> bool:
    return not hasattr(value, "imag") or (value.imag == 0 and value.real < 0)


def _sized(value: Any) -> Any:
    if not abs(value) < _LARGEST_MAGNITUDE:
        raise OverflowError("value too large")
    return value


_FLOATS = _Floats()
_long: _Long | None = None


def _long_kit() -> _Long:
    global _long
    if _long is None:
        _long = _Long()
    return _long


def _points(names: Sequence[str], kit: Any) -> list[dict[str, Any]]:
    """Fixed points, the same for the same variables; integers-like names get ordinary values too."""
    return [
        {name: kit.rational(Fraction(str(row[k % 8])) + Fraction(k // 8, 7)) for k, name in enumerate(names)}
        for row in _POINTS
    ]


def _close(a: Any, b: Any, tolerance: float) -> bool:
    scale = max(abs(a), abs(b))
    return bool(abs(a - b) <= tolerance * scale) or scale < tolerance


def same_value(a: Term, b: Term) -> bool:
    """Whether two terms are equal wherever both are defined (real variables, principal branches)."""
    if a == b:
        return True
    exact_a, exact_b = exact(a), exact(b)
    if exact_a is not None and exact_b is not None:
        return exact_a == exact_b
    names = sorted(symbols(a) | symbols(b))
    return _agree(a, b, names, _FLOATS, 1e-8) and _agree(a, b, names, _long_kit(), 1e-30)


def _agree(a: Term, b: Term, names: Sequence[str], kit: Any, tolerance: float) -> bool:
    points = _points(names, kit) if names else [{}]
    compared = 0
    for index, point in enumerate(points):
        try:
            value_a, value_b = _value(a, kit, point), _value(b, kit, point)
        except _FAULTS:
            if index < 3:
                continue
            break
        if not _close(value_a, value_b, tolerance):
            if index >= 3 and not (_is_real(value_a) and _is_real(value_b)):
                continue  # a branch cut: logarithms and roots of negative numbers
            return False
        compared += 1
    return compared >= min(2, len(points))


def _is_real(value: Any) -> bool:
    return not getattr(value, "imag", 0) or abs(value.imag) <= 1e-12 * max(1.0, abs(value.real))


def proportional(a: Term, b: Term) -> float | None:
    """The constant c with a = c·b at every point, for equations `a = 0` and `b = 0`; None if there is none."""
    names = sorted(symbols(a) | symbols(b))
    if not names:
        return None
    ratio: Any = None
    compared = 0
    for point in _points(names, _FLOATS):
        try:
            value_a, value_b = _value(a, _FLOATS, point), _value(b, _FLOATS, point)
        except _FAULTS:
            continue
        if abs(value_b) < 1e-9 or abs(value_a) < 1e-9:
            return None
        here = value_a / value_b
        if ratio is not None and not _close(here, ratio, 1e-8):
            return None
        ratio = here
        compared += 1
    if compared < 3 or not _is_real(ratio):
        return None
    return complex(ratio).real


def approximate(term: Term) -> float | None:
    """A real float value of a constant term, else None."""
    try:
        value = _value(term, _FLOATS, {})
    except _FAULTS:
        return None
    return float(complex(value).real) if _is_real(value) else None


def ordered(a: Term, b: Term) -> bool:
    """Whether both are constants and a ≤ b; infinite bounds count as such."""
    low, high = _bound(a), _bound(b)
    return low is not None and high is not None and low <= high


def _bound(term: Term) -> float | None:
    if term == Symbol("inf"):
        return math.inf
    if isinstance(term, Call) and term.op == "neg" and term.args[0] == Symbol("inf"):
        return -math.inf
    return approximate(term)
