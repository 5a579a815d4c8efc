"""A calculator that cannot be hurt: + - * / and parentheses over short numbers, exactly."""

from __future__ import annotations

import re
from fractions import Fraction

LONGEST = 120  # characters of an expression
MOST_DIGITS = 15
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([-+*/()]))", re.A)


class CannotCompute(ValueError):
    """The expression is no arithmetic; the message is meant for its writer."""


def compute(expression: str) -> str:
    """The exact value as text: a whole number, a terminating decimal, or a fraction. Raises CannotCompute."""
    if len(expression) > LONGEST:
        raise CannotCompute(f"the expression is longer than {LONGEST} characters")
    value, rest = _sum(_tokens(expression))
    if rest:
        raise CannotCompute(f"unexpected {rest[0]!r}")
    return shown(value)


def shown(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    if 10**12 % value.denominator == 0:
        digits = str(abs(value.numerator) * (10**12 // value.denominator)).rjust(13, "0")
        return ("-" if value < 0 else "") + f"{digits[:-12]}.{digits[-12:].rstrip('0')}"
    return f"{value.numerator}/{value.denominator}"


def _tokens(text: str) -> list[str]:
    found, position = [], 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise CannotCompute(f"cannot read {text[position:][:20]!r}: write numbers, + - * / and parentheses")
        number, sign = match.groups()
        if number and len(number) > MOST_DIGITS:
            raise CannotCompute(f"numbers have at most {MOST_DIGITS} digits")
        found.append(number or sign)
        position = match.end()
    return found


Step = tuple[Fraction, list[str]]
"""A value and the tokens after it."""


def _sum(tokens: list[str]) -> Step:
    value, tokens = _product(tokens)
    while tokens and tokens[0] in "+-":
        sign, (other, tokens) = tokens[0], _product(tokens[1:])
        value = value + other if sign == "+" else value - other
    return value, tokens


def _product(tokens: list[str]) -> Step:
    value, tokens = _factor(tokens)
    while tokens and tokens[0] in "*/":
        sign, (other, tokens) = tokens[0], _factor(tokens[1:])
        if sign == "/" and not other:
            raise CannotCompute("division by zero")
        value = value * other if sign == "*" else value / other
    return value, tokens


def _factor(tokens: list[str]) -> Step:
    if not tokens:
        raise CannotCompute("the expression ends too early")
    first, rest = tokens[0], tokens[1:]
    if first == "-":
        value, rest = _factor(rest)
        return -value, rest
    if first == "(":
        value, rest = _sum(rest)
        if not rest or rest[0] != ")":
            raise CannotCompute("a parenthesis is not closed")
        return value, rest[1:]
    if first in "+*/)":
        raise CannotCompute(f"unexpected {first!r}")
    return Fraction(first), rest
