"""Units of measure: what a unit measures and how many base units it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

Dimensions = tuple[tuple[str, int], ...]

_BASE: dict[str, list[tuple[str, Fraction | int]]] = {
    "length": [
        ("m meter meters metre metres", 1),
        ("km kilometer kilometers kilometre kilometres", 1000),
        ("dm decimeter decimeters decimetre decimetres", Fraction(1, 10)),
        ("cm centimeter centimeters centimetre centimetres", Fraction(1, 100)),
        ("mm millimeter millimeters millimetre millimetres", Fraction(1, 1000)),
        ("nm nanometer nanometers", Fraction(1, 10**9)),
        ("um µm μm micrometer micrometers", Fraction(1, 10**6)),
        ("inch inches in", Fraction(254, 10_000)),
        ("ft foot feet", Fraction(3048, 10_000)),
        ("yd yard yards", Fraction(9144, 10_000)),
        ("mi mile miles", Fraction(1_609_344, 1000)),
    ],
    "time": [
        ("s sec secs second seconds", 1),
        ("min mins minute minutes", 60),
        ("h hr hrs hour hours", 3600),
        ("day days", 86_400),
        ("week weeks", 604_800),
        ("ms millisecond milliseconds", Fraction(1, 1000)),
    ],
    "year": [("year years yr yrs", 12), ("month months", 1)],
    "mass": [
        ("g gram grams", 1),
        ("kg kilogram kilograms", 1000),
        ("mg milligram milligrams", Fraction(1, 1000)),
        ("lb lbs pound pounds", Fraction(45_359_237, 100_000)),
        ("oz ounce ounces", Fraction(45_359_237, 1_600_000)),
        ("ton tons tonne tonnes", 10**6),
    ],
    "money": [("dollar dollars usd buck bucks", 1), ("cent cents", Fraction(1, 100))],
    "euro": [("euro euros eur €", 1)],
    "sterling": [("gbp £", 1)],
    "yen": [("yen jpy ¥", 1)],
    "rupee": [("rupee rupees inr ₹", 1)],
    "angle": [("degree degrees deg", 1)],
    "radian": [("radian radians rad", 1)],
    "amount": [("mol mole moles", 1), ("mmol", Fraction(1, 1000))],
    "temperature": [("k kelvin kelvins", 1)],
    "celsius": [("celsius c", 1)],
    "fahrenheit": [("fahrenheit f", 1)],
    "current": [("a amp amps ampere amperes", 1)],
}
_DERIVED: list[tuple[str, str, Fraction | int]] = [  # in metres, grams, seconds and amperes
    ("l liter liters litre litres", "length^3", Fraction(1, 1000)),
    ("ml milliliter milliliters millilitre millilitres", "length^3", Fraction(1, 10**6)),
    ("gallon gallons gal", "length^3", Fraction(3_785_411_784, 10**12)),
    ("ha hectare hectares", "length^2", 10**4),
    ("n newton newtons", "mass^1 length^1 time^-2", 1000),
    ("kn kilonewton kilonewtons", "mass^1 length^1 time^-2", 10**6),
    ("j joule joules", "mass^1 length^2 time^-2", 1000),
    ("kj kilojoule kilojoules", "mass^1 length^2 time^-2", 10**6),
    ("kwh", "mass^1 length^2 time^-2", 36 * 10**8),
    ("w watt watts", "mass^1 length^2 time^-3", 1000),
    ("kw kilowatt kilowatts", "mass^1 length^2 time^-3", 10**6),
    ("mw megawatt megawatts", "mass^1 length^2 time^-3", 10**9),
    ("pa pascal pascals", "mass^1 length^-1 time^-2", 1000),
    ("kpa kilopascal kilopascals", "mass^1 length^-1 time^-2", 10**6),
    ("atm atmosphere atmospheres", "mass^1 length^-1 time^-2", 101_325_000),
    ("v volt volts", "mass^1 length^2 time^-3 current^-1", 1000),
    ("ohm ohms Ω", "mass^1 length^2 time^-3 current^-2", 1000),
    ("coulomb coulombs", "current^1 time^1", 1),
    ("hz hertz", "time^-1", 1),
    ("khz kilohertz", "time^-1", 1000),
    ("mhz megahertz", "time^-1", 10**6),
]


def _dimensions(text: str) -> Dimensions:
    return tuple((name, int(power)) for name, _, power in (part.partition("^") for part in text.split()))


_UNITS: dict[str, tuple[Dimensions, Fraction]] = {
    word: (((dimension, 1),), Fraction(factor))
    for dimension, rows in _BASE.items()
    for words, factor in rows
    for word in words.split()
} | {word: (_dimensions(text), Fraction(factor)) for words, text, factor in _DERIVED for word in words.split()}
_COMPOUND = {"mph": "mile/hour", "kph": "km/h", "kmh": "km/h", "cc": "cm^3", "sqft": "ft^2", "rpm": "revolution/min"}
_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cubed": 3, "cu": 3}
_COUNTS = frozenset(["unit", "units"])
WORDS = (
    frozenset(_UNITS) | frozenset(_COMPOUND) | frozenset(_POWERS) | frozenset({"per", "percent", "units", "pm", "am"})
)
SPACED_UNITS = frozenset("mgsLhVWJNKA")  # letters that are units where a blank sets them off from a number: `5 m`
ONE_LETTER = frozenset(w for w in _UNITS if len(w) == 1 and w.isascii())


@dataclass(frozen=True, slots=True)
class Unit:
    """`measures` lists (dimension, power); words that are no unit of ours stand as themselves."""

    measures: Dimensions
    factor: Fraction
    known: bool


_PART = re.compile(r"([A-Za-zµμΩ€£¥₹'-]+)\.?\s*(?:\^\s*\{?\s*(-?\d)\s*\}?)?|([/*·])")


@lru_cache(maxsize=1024)
def read_unit(text: str) -> Unit | None:
    """The unit that `text` names, e.g. `cm^2`, `square inches`, `m/s`, `miles per hour`, `apples`; None for "units"."""
    text = re.sub(r"\bper\b", "/", text)
    for word, full in _COMPOUND.items():
        text = re.sub(rf"\b{word}\b", full, text, flags=re.I)
    powers: dict[str, int] = {}
    factor, known, sign, next_power = Fraction(1), True, 1, 1
    last = ""
    for match in list(_PART.finditer(text))[:12]:
        word, exponent, operator = match.groups()
        if operator:
            sign = -1 if operator == "/" else sign if "(" in text else 1
            continue
        power = sign * (int(exponent) if exponent else next_power)
        if word.lower() in _POWERS:
            if word.lower() not in ("squared", "cubed"):
                next_power = _POWERS[word.lower()]
                continue
            if not last:
                continue
            word, power = last, sign * (_POWERS[word.lower()] - 1)
        elif word.lower() in _COUNTS and next_power == 1:
            continue
        dimensions, size = _measure(word)
        known = known and is_unit(word)
        for dimension, of in dimensions:
            powers[dimension] = powers.get(dimension, 0) + power * of
        factor *= size**power
        next_power, last = 1, word
    measures = tuple(sorted((d, p) for d, p in powers.items() if p and not d.startswith("unit")))
    return Unit(measures, factor, known) if measures else None


def is_unit(word: str) -> bool:
    """Whether `word` is a unit of measure of ours."""
    return word in _UNITS or word.lower() in _UNITS


def _measure(word: str) -> tuple[Dimensions, Fraction]:
    found = _UNITS.get(word) or _UNITS.get(word.lower())
    if found is not None:
        return found
    stem = word.lower()
    for ending, short in (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ses", "s"), ("s", "")):
        if stem.endswith(ending) and len(stem) > len(ending) + 1 and not stem.endswith("ss"):
            stem = stem.removesuffix(ending) + short
            break
    return ((stem, 1),), Fraction(1)
