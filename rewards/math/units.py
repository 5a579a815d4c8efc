"""Units of measure: what a unit measures and how many base units it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_BASE: dict[str, list[tuple[str, Fraction | int]]] = {
    "length": [
        ("m meter meters metre metres", 1),
        ("km kilometer kilometers kilometre kilometres", 1000),
        ("cm centimeter centimeters centimetre centimetres", Fraction(1, 100)),
        ("mm millimeter millimeters millimetre millimetres", Fraction(1, 1000)),
        ("nm nanometer nanometers", Fraction(1, 10**9)),
        ("um micrometer micrometers", Fraction(1, 10**6)),
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
    "volume": [
        ("l liter liters litre litres", 1),
        ("ml milliliter milliliters", Fraction(1, 1000)),
        ("gallon gallons gal", Fraction(3_785_411_784, 10**9)),
    ],
    "money": [("dollar dollars usd buck bucks", 1), ("cent cents", Fraction(1, 100))],
    "euro": [("euro euros eur", 1)],
    "angle": [("degree degrees deg", 1)],
    "radian": [("radian radians rad", 1)],
    "force": [("n newton newtons", 1), ("kn kilonewton kilonewtons", 1000)],
    "energy": [("j joule joules", 1), ("kj kilojoule kilojoules", 1000), ("kwh", 3_600_000)],
    "power": [("w watt watts", 1), ("kw kilowatt kilowatts", 1000), ("mw megawatt", 10**6)],
    "pressure": [("pa pascal pascals", 1), ("kpa", 1000), ("atm", 101_325)],
    "amount": [("mol mole moles", 1), ("mmol", Fraction(1, 1000))],
    "temperature": [("k kelvin kelvins", 1)],
    "celsius": [("celsius c", 1)],
    "fahrenheit": [("fahrenheit f", 1)],
    "voltage": [("v volt volts", 1)],
    "current": [("a amp amps ampere amperes", 1)],
    "frequency": [("hz hertz", 1), ("khz", 1000), ("mhz", 10**6)],
    "resistance": [("ohm ohms", 1)],
    "charge": [("coulomb coulombs", 1)],
}
_UNITS: dict[str, tuple[str, Fraction]] = {
    word: (dimension, Fraction(factor))
    for dimension, rows in _BASE.items()
    for words, factor in rows
    for word in words.split()
}
_COMPOUND = {"mph": "mile/hour", "kph": "km/h", "kmh": "km/h", "cc": "cm^3", "sqft": "ft^2", "rpm": "revolution/min"}
_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cubed": 3, "cu": 3}
_COUNTS = frozenset(["unit", "units"])
WORDS = (
    frozenset(_UNITS) | frozenset(_COMPOUND) | frozenset(_POWERS) | frozenset({"per", "percent", "units", "pm", "am"})
)
SPACED_UNITS = frozenset("mgsLhVWJNKA")  # letters that are units where a blank sets them off from a number: `5 m`
ONE_LETTER = frozenset(w for w in _UNITS if len(w) == 1)


@dataclass(frozen=True, slots=True)
class Unit:
    """`measures` lists (dimension, power); words that are no unit of ours stand as themselves."""

    measures: tuple[tuple[str, int], ...]
    factor: Fraction
    known: bool


_PART = re.compile(r"([A-Za-z'-]+)\.?\s*(?:\^\s*\{?\s*(-?\d)\s*\}?)?|([/*])")


def read_unit(text: str) -> Unit | None:
    """The unit that `text` names, e.g. `cm^2`, `square inches`, `m/s`, `miles per hour`, `apples`; None for "units"."""
    text = re.sub(r"\bper\b", "/", text.replace("·", "*"))
    for word, full in _COMPOUND.items():
        text = re.sub(rf"\b{word}\b", full, text, flags=re.I)
    powers: dict[str, int] = {}
    factor, known, sign, next_power = Fraction(1), True, 1, 1
    words: list[str] = []
    for match in list(_PART.finditer(text))[:12]:
        word, exponent, operator = match.groups()
        if operator:
            sign = -1 if operator == "/" else 1
            continue
        if word.lower() in _POWERS:
            if word.lower() in ("squared", "cubed") and words:
                dimension, unit_factor = _measure(words[-1])
                powers[dimension] = powers.get(dimension, 0) + _POWERS[word.lower()] - 1
                factor *= unit_factor ** (_POWERS[word.lower()] - 1)
            else:
                next_power = _POWERS[word.lower()]
            continue
        if word.lower() in _COUNTS and next_power == 1:
            continue
        power = sign * (int(exponent) if exponent else next_power)
        dimension, unit_factor = _measure(word)
        known = known and dimension in _BASE
        powers[dimension] = powers.get(dimension, 0) + power
        factor *= unit_factor**power
        next_power = 1
        words.append(word)
    measures = tuple(sorted((d, p) for d, p in powers.items() if p and not d.startswith("unit")))
    return Unit(measures, factor, known) if measures else None


_BEHIND = re.compile(
    r"(?:[\s$~*\u00a0]|\\[,;: ]|\\(?:text|mathrm|rm|textbf)\s*\{)*-?"
    r"((?:(?:square|cubic|sq|cu)\.?\s+)?(?P<word>[A-Za-zµ]+|%)(?:\s*(?:/|\bper\b)\s*[A-Za-z]+)?(?:\s*\^\s*\{?[23]\}?)?)(?![A-Za-z])"
)
_BARE_NUMBER = re.compile(r"[-+$\\\d.,/ ]*\d\s*")
_ALSO_WORDS = frozenset(["in", "second", "seconds", "c", "f", "deg"])  # "42 in all", "the 42 second tries"


def measured(number: str, behind: str) -> str:
    """A bare number with the unit that stands behind it in its sentence; any other text as it is.

    >>> measured("120", " mm long."), measured("42", " apples left.")
    ('120 mm', '42')
    """
    if not behind or not _BARE_NUMBER.fullmatch(number):
        return number
    found = _BEHIND.match(behind[:80])
    if found is None:
        return number
    word = found.group("word")
    if word == "%" or word.lower() == "percent":
        return f"{number}%"
    known = word in SPACED_UNITS if len(word) == 1 else word in _UNITS or word.lower() in _UNITS | _COMPOUND
    return f"{number} {found.group(1)}" if known and word not in _ALSO_WORDS else number


def _measure(word: str) -> tuple[str, Fraction]:
    found = _UNITS.get(word) or _UNITS.get(word.lower())
    if found is not None:
        return found
    stem = word.lower()
    for ending, short in (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("ses", "s"), ("s", "")):
        if stem.endswith(ending) and len(stem) > len(ending) + 1 and not stem.endswith("ss"):
            stem = stem.removesuffix(ending) + short
            break
    return stem, Fraction(1)
