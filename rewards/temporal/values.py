"""Values of calendar and clock, comparable by what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from fractions import Fraction
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class Duration:
    """Seconds and, apart from them, calendar months, which have no fixed length; `unit` if the text has just one."""

    seconds: Fraction
    months: Fraction = Fraction(0)
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A date, a time of day, or both, as far as given. `seconds` counts from midnight."""

    day: date | None = None
    seconds: Fraction | None = None
    zone: str | None = None
    month_day: tuple[int, int] | None = None  # a date without a year


@dataclass(frozen=True, slots=True)
class Named:
    """A weekday 0-6 from Monday, a month 1-12, a month of a year, or a year."""

    kind: str
    number: int
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """A bare number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Span:
    """An interval between two values."""

    start: Value
    end: Value


Value = Duration | Moment | Named | Count | Span

_UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_UNIT_MONTHS = {"month": 1, "year": 12}


def same(gold: Value, given: Value) -> bool:
    """Whether `given` means `gold`: 3 days are 72 hours, 12:00 UTC is 14:00 UTC+2."""
    if isinstance(gold, Span) and isinstance(given, Span):
        return same(gold.start, given.start) and same(gold.end, given.end)
    if isinstance(gold, Moment) and isinstance(given, Moment):
        return _same_moment(gold, given)
    if isinstance(gold, Duration):
        return _same_duration(gold, given)
    if isinstance(gold, Count):
        return gold == given or (isinstance(given, Duration) and given.unit != "" and _in_unit(given) == gold.value)
    if (
        isinstance(gold, Moment)
        and isinstance(given, Duration)
        and gold.day is None
        and gold.month_day is None
        and gold.zone is None
    ):
        return given.months == 0 and gold.seconds == given.seconds  # a clock reading like 02:30 may be a length of time
    return gold == given


def _in_unit(duration: Duration) -> Fraction:
    if duration.unit in _UNIT_MONTHS:
        return duration.months / _UNIT_MONTHS[duration.unit]
    return duration.seconds / _UNIT_SECONDS[duration.unit]


def _same_duration(gold: Duration, given: Value) -> bool:
    if isinstance(given, Duration):
        return (gold.seconds, gold.months) == (given.seconds, given.months)
    if isinstance(given, Count):
        return gold.unit != "" and _in_unit(gold) == given.value
    if isinstance(given, Moment):
        return (
            given.day is None
            and given.month_day is None
            and given.zone is None
            and not gold.months
            and given.seconds == gold.seconds
        )
    return False


def _same_moment(gold: Moment, given: Moment) -> bool:
    if gold.zone and given.zone and gold.zone != given.zone:
        left, right = _instant(gold), _instant(given)
        return left is not None and left == right
    if gold.zone and not given.zone:
        return False
    return (gold.day, gold.seconds, gold.month_day) == (given.day, given.seconds, given.month_day)


def _instant(moment: Moment) -> datetime | Fraction | None:
    """The instant in UTC; for a bare time of day the seconds of the day in UTC."""
    assert moment.zone is not None
    if moment.seconds is None:
        return None
    where = read_zone(moment.zone)
    if moment.day is None:
        if where is None or moment.month_day or isinstance(where, ZoneInfo):
            return None
        offset = where.utcoffset(None)
        return None if offset is None else (moment.seconds - Fraction(int(offset.total_seconds()))) % 86_400
    if where is None:
        return None
    try:
        local = datetime(moment.day.year, moment.day.month, moment.day.day, tzinfo=where) + timedelta(
            seconds=float(moment.seconds)
        )
        return local.astimezone(UTC)
    except OverflowError:
        return None


def read_zone(name: str) -> tzinfo | None:
    """`UTC`, `Z`, `+02:00`, `UTC-5` or an IANA name; abbreviations like CST name several zones and are not read."""
    if name.upper() in ("Z", "UTC", "GMT"):
        return UTC
    match = re.fullmatch(r"(?:UTC|GMT)?\s*([+-])(\d{1,2}):?(\d{2})?", name, re.I)
    if match:
        hours, minutes = int(match.group(2)), int(match.group(3) or 0)
        if hours > 14 or minutes > 59:
            return None
        offset = timedelta(hours=hours, minutes=minutes)
        return timezone(offset if match.group(1) == "+" else -offset)
    if re.fullmatch(r"[A-Z][A-Za-z_]{1,30}(?:/[A-Z][A-Za-z_+-]{1,30}){1,2}", name):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, OSError, ValueError):
            return None
    return None
