"""Dates and times worked out again with the standard library's other tools."""

from __future__ import annotations

import calendar
import random
import re
from datetime import datetime, timedelta, timezone

import pytest

from rlstack.api import Response
from rlstack.envs.temporal import env, spans, steps
from rlstack.envs.words import MONTHS, WEEKDAYS
from rlstack.plugins import load_reward

judge = load_reward("temporal").score


def tasks(maker, n: int = 60):
    return [maker(random.Random(f"{maker.__name__}{i}")) for i in range(n)]


def dates(text: str) -> list[datetime]:
    return [datetime.strptime(found, "%d %B %Y") for found in re.findall(r"\d+ [A-Z]\w+ \d{4}", text)]


def test_names_of_days_and_months():
    assert list(WEEKDAYS) == list(calendar.day_name)
    assert list(MONTHS) == list(calendar.month_name)[1:]


@pytest.mark.parametrize("maker", [steps.weekday, steps.weekday_far])
def test_weekdays_by_walking(maker):
    for question, answer in tasks(maker):
        day = next(name for name in WEEKDAYS if name in question)
        n = int(re.findall(r"\d+", question)[0])
        for _ in range(n):
            day = WEEKDAYS[WEEKDAYS.index(day) - 1 if "ago" in question else (WEEKDAYS.index(day) + 1) % 7]
        assert day == answer


def test_clock_by_datetime():
    for maker in (steps.hours, steps.minutes):
        for question, answer in tasks(maker):
            start = datetime.strptime(re.findall(r"\d\d:\d\d", question)[0], "%H:%M")
            hours = re.findall(r"(\d+) hour", question)
            minutes = re.findall(r"(\d+) minutes", question)
            end = start + timedelta(hours=int(hours[0]) if hours else 0, minutes=int(minutes[0]) if minutes else 0)
            assert f"{end:%H:%M}" == answer


def test_spans_of_days():
    for question, answer in tasks(spans.between_dates):
        first, last = dates(question)
        assert answer == f"{(last - first).days} days"
    for question, answer in tasks(spans.shift_date):
        n = int(re.findall(r"(\d+) days", question)[0])
        shift = timedelta(days=-n if "before" in question else n)
        assert answer == (dates(question)[0] + shift).strftime("%Y-%m-%d")
    for question, answer in tasks(spans.weekday_of_date):
        known, asked = dates(question)
        assert f"{known:%A}" in question
        assert f"{asked:%A}" == answer


def test_nth_weekday_by_calendar():
    for question, answer in tasks(spans.nth_weekday):
        day = datetime.strptime(answer, "%Y-%m-%d")
        ordinal = ("first", "second", "third", "fourth").index(re.findall(r"on the (\w+)", question)[0])
        weekday = next(i for i, name in enumerate(WEEKDAYS) if name in question)
        column = [week[weekday] for week in calendar.monthcalendar(day.year, day.month) if week[weekday]]
        assert day.day == column[ordinal]
        assert f"{day:%B %Y}" in question


def test_zones_by_aware_datetimes():
    for question, answer in tasks(spans.zones):
        here, there = (timezone(timedelta(hours=int(n))) for n in re.findall(r"UTC([+-]\d+)", question))
        clock = datetime.strptime(re.findall(r"\d\d:\d\d", question)[0], "%H:%M")
        start = dates(question)[0].replace(hour=clock.hour, minute=clock.minute, tzinfo=here)
        end = start + timedelta(minutes=int(re.findall(r"for (\d+) minutes", question)[0]))
        assert answer == end.astimezone(there).strftime("%Y-%m-%d %H:%M")


def test_flights_by_aware_datetimes():
    for question, answer in tasks(spans.flight):
        here, there = (timezone(timedelta(hours=int(n))) for n in re.findall(r"UTC([+-]\d+)", question))
        leave, land = (datetime.strptime(t, "%H:%M") for t in re.findall(r"\d\d:\d\d", question))
        words = {"day before": -1, "same day": 0, "next day": 1, "two days later": 2}
        days = next(n for text, n in words.items() if text in question)
        took = (land + timedelta(days=days)).replace(tzinfo=there) - leave.replace(tzinfo=here)
        assert answer == f"{int(took.total_seconds()) // 60} minutes"
        assert took > timedelta(0)


def test_overlap_minute_by_minute():
    for question, answer in tasks(spans.overlap):
        times = [int(h) * 60 + int(m) for h, m in re.findall(r"(\d\d):(\d\d)", question)]
        free = set.intersection(*(set(range(s, e)) for s, e in zip(times[::2], times[1::2], strict=True)))
        assert answer == f"{len(free)} minutes"


@pytest.mark.parametrize("maker", [maker for level in env.LEVELS for maker in level])
def test_neighbours_and_hedges_pay_nothing(maker):
    for question, answer in tasks(maker, 12):
        near = steps.neighbour(answer, random.Random(0))
        data = {"answer": answer}
        assert near != answer
        assert judge(Response(answer), data).value == 1.0
        for text in (near, f"{answer} or {near}", f"{near} or {answer}", question):
            assert judge(Response(text), data).value == 0.0, text
