"""Reads dates, times, durations, intervals and names of days from common English and ISO 8601 forms."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction

from rlstack.rewards._answer.value import bare, number
from rlstack.rewards.temporal.values import Count, Duration, Moment, Named, Span, Value, read_zone

LONGEST = 200  # characters of one value

_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAY = {name[:n]: k for k, name in enumerate(_WEEKDAYS) for n in (3, 4, 5, len(name))} | {
    "tues": 1,
    "weds": 2,
    "thur": 3,
}
_MONTH = {name[:n]: k + 1 for k, name in enumerate(_MONTHS) for n in (3, 4, len(name))}
_NUMBER_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]

STARTERS = (
    frozenset(_DAY) | frozenset(_MONTH) | frozenset(_NUMBER_WORDS) | {"half", "a", "an", "noon", "midnight", "midday"}
)
"""Words without digits with which a value may begin."""

_DAY_NAME = "(?:" + "|".join(sorted(_DAY, key=len, reverse=True)) + r")\.?"
_MONTH_NAME = "(?:" + "|".join(sorted(_MONTH, key=len, reverse=True)) + r")\.?"
_UNITS = {
    "second": "s sec secs second seconds",
    "minute": "m min mins minute minutes",
    "hour": "h hr hrs hour hours",
    "day": "d day days",
    "week": "w wk wks week weeks",
    "month": "mo month months",
    "year": "y yr yrs year years",
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words.split()}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}

_AMOUNT = rf"half an?|an?|{'|'.join(_NUMBER_WORDS[1:])}|\d{{1,9}}(?:,\d{{3}})*(?:\.\d{{1,9}})?"
_PIECE = re.compile(rf"({_AMOUNT})\s*-?\s*({'|'.join(sorted(_UNIT_OF, key=len, reverse=True))})\b\.?")
_JOIN = re.compile(r"[\s,]*(?:and\b)?[\s,]*")
_ISO_DURATION = re.compile(
    r"p(?:(\d+)y)?(?:(\d+)m)?(?:(\d+)w)?(?:(\d+)d)?(?:t(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?)?"
)
_TIME = re.compile(
    r"(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2})(?::(?P<second>\d{2}(?:\.\d{1,9})?))?)?"
    r"\s*(?P<half>a\.?m\.?|p\.?m\.?|o'clock)?(?:\s*(?:hours|hrs|h|uhr))?"
)
_ZONE = re.compile(
    r"\s*(?P<zone>z|(?:utc|gmt)\s*(?:[+-]\s*\d{1,2}(?::?\d{2})?)?|[+-]\d{2}:?\d{2}|[a-z]+(?:/[a-z_]+){1,2})", re.I
)
_NTH = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
_DATES = (
    (re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"), "ymd"),
    (re.compile(rf"(?P<mon>{_MONTH_NAME})\s+{_NTH}(?:\s*,)?\s+(?P<y>\d{{4}})\b"), "text"),
    (re.compile(rf"(?:the\s+)?{_NTH}(?:\s+of)?[\s-]+(?P<mon>{_MONTH_NAME})(?:\s*,)?[\s-]+(?P<y>\d{{4}})\b"), "text"),
    (re.compile(rf"(?P<mon>{_MONTH_NAME})\s+(?:the\s+)?{_NTH}\b(?!:)"), "text"),
    (re.compile(rf"(?:the\s+)?{_NTH}(?:\s+of)?\s+(?P<mon>{_MONTH_NAME})\b"), "text"),
    (re.compile(r"(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4})\b"), "numeric"),
)
_BETWEEN = (
    r"\s+(?:to|until|till|through|and)\s+|\s*(?:–|—|/|\.\.)\s*|\s+-\s+"
    r"|(?<=\d)-(?=\d{1,2}(?:[:h]|\s*[ap]\.?m))|(?<=m)-(?=\d)"
)
_SPAN = re.compile(rf"(?:from |between )?(.+?)(?:{_BETWEEN})(.+)")


def read_value(text: str, date_order: str | None = None) -> Value | None:
    """The one value that `text` states, or None. `date_order` is "dmy" or "mdy" for dates such as 03/04/2025."""
    text = bare(text)
    if not text or len(text) > LONGEST or any(c.isdigit() and not c.isascii() for c in text):
        return None
    text = re.sub(r"^(?:it is |it's |on |at |in |exactly |a total of |the )", "", text)
    simple = _simple(text, date_order)
    return simple if simple is not None else _span(text, date_order)


def _simple(text: str, order: str | None) -> Value | None:
    value = number(text)
    if value is not None:
        return Count(value)
    return _duration(text) or _named(text) or _moment(text, order)


def _span(text: str, order: str | None) -> Span | None:
    match = _SPAN.fullmatch(text)
    if match is None:
        return None
    start, end = match.group(1), match.group(2)
    half = re.search(r"([ap])\.?m\.?$", end)
    if half and re.fullmatch(r"\d{1,2}(?::\d{2})?", start):
        start += half.group(1) + "m"  # 9-11 am
    left, right = _simple(start, order), _simple(end, order)
    return Span(left, right) if isinstance(left, Moment | Named) and isinstance(right, Moment | Named) else None


def _duration(text: str) -> Duration | None:
    match = _ISO_DURATION.fullmatch(text)
    if match and any(match.groups()):
        years, months, weeks, days, hours, minutes, seconds = (Fraction(g or 0) for g in match.groups())
        return Duration(weeks * 604_800 + days * 86_400 + hours * 3600 + minutes * 60 + seconds, years * 12 + months)
    negative = text.startswith(("-", "minus "))
    position = len("minus ") if text.startswith("minus ") else int(negative)
    seconds, months, units = Fraction(0), Fraction(0), []
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None:
            return _with_clock(text, position, seconds, months, bool(units))
        unit = _UNIT_OF[piece.group(2)]
        amount = _amount(piece.group(1))
        if unit in units:
            return None
        units.append(unit)
        if unit in _SECONDS:
            seconds += amount * _SECONDS[unit]
        else:
            months += amount * (12 if unit == "year" else 1)
        joined = _JOIN.match(text, piece.end())
        position = joined.end() if joined else piece.end()
    if not units:
        return None
    sign = -1 if negative else 1
    return Duration(sign * seconds, sign * months, units[0] if len(units) == 1 else "")


def _with_clock(text: str, position: int, seconds: Fraction, months: Fraction, days_before: bool) -> Duration | None:
    """`3 days, 02:30` or `1 day, 2:03:04`."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?", text[position:])
    if match is None or not days_before:
        return None
    hours, minutes, rest = match.groups()
    return Duration(seconds + int(hours) * 3600 + int(minutes) * 60 + Fraction(rest or 0), months)


def _amount(text: str) -> Fraction:
    if text.startswith("half"):
        return Fraction(1, 2)
    if text in ("a", "an"):
        return Fraction(1)
    return Fraction(_NUMBER_WORDS.index(text)) if text in _NUMBER_WORDS else Fraction(text.replace(",", ""))


def _named(text: str) -> Named | None:
    word = text.rstrip(".")
    if word in _DAY:
        return Named("weekday", _DAY[word])
    if word in _MONTH:
        return Named("month", _MONTH[word])
    match = re.fullmatch(rf"({_MONTH_NAME})(?:\s*,)?\s+(?:of\s+)?(\d{{4}})", text)
    if match:
        return Named("month", _MONTH[match.group(1).rstrip(".")], int(match.group(2)))
    match = re.fullmatch(r"(\d{4})-(\d{2})", text)
    if match and 1 <= int(match.group(2)) <= 12:
        return Named("month", int(match.group(2)), int(match.group(1)))
    return None


def _moment(text: str, order: str | None) -> Moment | None:
    """A date, a time, or both in either order, with a weekday that must be right and an optional zone."""
    weekday: int | None = None
    match = re.match(rf"({_DAY_NAME})(?:\s*,\s*|\s+)", text)
    if match:
        weekday, text = _DAY[match.group(1).rstrip(".")], text[match.end() :]
    else:
        match = re.search(rf"(?:,\s*|\s+|\s*\(\s*(?:an?\s+)?)({_DAY_NAME})\)?$", text)
        if match:
            weekday, text = _DAY[match.group(1).rstrip(".")], text[: match.start()].rstrip(" ,(")
    day, month_day, rest = _date(text, order)
    if day is None and month_day is None and weekday is not None:
        return None
    if day is not None and weekday is not None and day.weekday() != weekday:
        return None
    rest = re.sub(r"^(?:[\s,]*(?:t(?=\d)|at\b)|[\s,]+)[\s,]*|[\s,]*(?:\bon)?[\s,]*$", "", rest)
    if not rest:
        return Moment(day, None, None, month_day) if day or month_day else None
    return _clock(rest, day, month_day)


def _date(text: str, order: str | None) -> tuple[date | None, tuple[int, int] | None, str]:
    """The date in `text` and what is left of it."""
    for pattern, kind in _DATES:
        match = pattern.match(text) or re.search(rf"(?:^|[\s,]){pattern.pattern}$", text)
        if match is None:
            continue
        found = match.groupdict()
        if kind == "numeric":
            month, day = _numeric(int(found["a"]), int(found["b"]), order)
        else:
            month = _MONTH[found["mon"].rstrip(".")] if kind == "text" else int(found["m"])
            day = int(found["d"])
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return None, None, text
        rest = (text[: match.start()] + " " + text[match.end() :]).strip()
        if not found.get("y"):
            return None, (month, day), rest
        year = int(found["y"])
        return (
            (date(year, month, day), None, rest) if year and day <= _month_length(year, month) else (None, None, text)
        )
    return None, None, text


def _numeric(a: int, b: int, order: str | None) -> tuple[int, int]:
    """Month and day of a numeric date; (0, 0) where the order is anybody's guess."""
    if order == "dmy" or (order is None and a > 12):
        return b, a
    if order == "mdy" or (order is None and b > 12) or a == b:
        return a, b
    return 0, 0


def _month_length(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1) if (year, month) < (9999, 12) else date(9999, 12, 31)
    return (following - date(year, month, 1)).days if (year, month) < (9999, 12) else 31


def _clock(text: str, day: date | None, month_day: tuple[int, int] | None) -> Moment | None:
    special = re.match(r"(?:12\s+)?(noon|midnight|midday)\b", text)
    match = special or _TIME.match(text)
    if match is None:
        return None
    rest = text[match.end() :]
    zone_match = _ZONE.fullmatch(rest.strip("() ")) if rest.strip() else None
    if rest.strip() and zone_match is None:
        return None
    seconds = _seconds(match) if special is None else Fraction(43_200 if special.group(1) != "midnight" else 0)
    if seconds is None:
        return None
    zone = _zone_name(zone_match.group("zone")) if zone_match else None
    if zone_match and (zone is None or read_zone(zone) is None):
        return None
    if zone is not None and zone.startswith("-") and day is None:
        return None  # 09:00-10:30 is an interval, not a time at UTC-10:30
    return Moment(day, seconds, zone, month_day)


def _seconds(match: re.Match[str]) -> Fraction | None:
    hour, minute, second = int(match["hour"]), int(match["minute"] or 0), Fraction(match["second"] or 0)
    half = (match["half"] or "").replace(".", "")
    if minute > 59 or second >= 60 or hour > (12 if half in ("am", "pm") else 24):
        return None
    if match["minute"] is None and not half:
        return None  # a bare number is no time
    if half in ("am", "pm"):
        hour = hour % 12 + (12 if half == "pm" else 0)
    return Fraction(hour * 3600 + minute * 60) + second


def _zone_name(text: str) -> str | None:
    text = re.sub(r"\s+", "", text)
    if "/" in text:  # folded by `bare`
        return "/".join("_".join(w.capitalize() for w in part.split("_")) for part in text.split("/"))
    return text.upper()
