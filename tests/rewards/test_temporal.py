from __future__ import annotations

import time

import pytest

from rlstack.api import Response
from rlstack.rewards.temporal import score


def value(gold: object, text: str, **data: object) -> float:
    verdict = score(Response(text), {"answer": gold, **data})
    assert verdict.status == "ok"
    return verdict.value


SAME = [
    ("3 days", "72 hours"),
    ("3 days", "three days"),
    ("1 week", "7 days"),
    ("2 hours 30 minutes", "150 min"),
    ("2 hours 30 minutes", "2 h, 30 min"),
    ("2.5 hours", "2 hours and 30 minutes"),
    ("half an hour", "30 minutes"),
    ("P1DT2H", "26 hours"),
    ("1 day, 02:30", "26 h 30 min"),
    ("02:30", "2 hours 30 minutes"),
    ("1 year", "12 months"),
    ("29", "29 days"),
    ("29 days", "29"),
    ("1,440 minutes", "1 day"),
    ("2024-03-05", "March 5, 2024"),
    ("2024-03-05", "5 March 2024"),
    ("2024-03-05", "the 5th of March, 2024"),
    ("2024-03-05", "Tuesday, March 5, 2024"),
    ("2024-03-05", "5 Mar 2024 (Tuesday)"),
    ("2024-03-05", "2024/3/5"),
    ("2024-12-25", "25/12/2024"),
    ("2024-12-25", "12/25/2024"),
    ("2024-05-05", "05/05/2024"),
    ("03/04/2025", "03/04/2025"),
    ("15 March", "March 15"),
    ("June 2024", "2024-06"),
    ("14:30", "2:30 PM"),
    ("14:30", "2:30 p.m."),
    ("14:30", "14:30:00"),
    ("3:00 pm", "3 pm"),
    ("12:00", "noon"),
    ("00:00", "midnight"),
    ("00:15", "12:15 am"),
    ("2003-01-15 04:16", "January 15, 2003 at 4:16 am"),
    ("2003-01-15 04:16", "2003-01-15T04:16"),
    ("2003-01-15 04:16", "4:16 on 15 January 2003"),
    ("2024-03-05T12:00Z", "2024-03-05 14:00 UTC+2"),
    ("2024-03-05 12:00 UTC", "2024-03-05 13:00 Europe/Berlin"),
    ("2024-07-05 12:00 UTC", "2024-07-05 14:00 Europe/Berlin"),
    ("12:00 UTC", "07:00 UTC-5"),
    ("Tuesday", "Tue"),
    ("Tuesday", "tuesday."),
    ("March", "Mar"),
    ("09:00-10:30", "from 9:00 am to 10:30 am"),
    ("09:00-10:30", "9:00 – 10:30"),
    ("9-11 am", "09:00 to 11:00"),
    ("2024-01-01 to 2024-01-05", "January 1, 2024 to January 5, 2024"),
    ("wedding, move, birth", "wedding -> move -> birth"),
    ("wedding, move, birth", "wedding, then move, then birth"),
    ("yes", "Yes."),
]

OTHER = [
    ("3 days", "3 hours"),
    ("3 days", "73 hours"),
    ("3 days", "3 days or 4 days"),
    ("2 months", "60 days"),
    ("1 year", "365 days"),
    ("2025-04-03", "03/04/2025"),
    ("2025-04-03", "04/03/2025"),
    ("2024-03-05", "Monday, March 5, 2024"),
    ("2024-03-05", "March 6, 2024"),
    ("2024-03-05", "March 5"),
    ("2024-03-05", "2024-03-05 or 2024-03-06"),
    ("14:30", "2:30"),
    ("14:30", "2:30 am"),
    ("14:30", "25:30"),
    ("14:30", "14:60"),
    ("12:00 UTC", "12:00 UTC+1"),
    ("12:00 UTC", "12:00"),
    ("12:00 UTC", "12:00 CST"),
    ("Tuesday", "Wednesday"),
    ("Tuesday", "Tuesday or Wednesday"),
    ("Tuesday", "T"),
    ("09:00-10:30", "09:00-10:31"),
    ("09:00-10:30", "09:00"),
    ("wedding, move, birth", "move, wedding, birth"),
    ("wedding, move, birth", "wedding, move"),
    ("29", "28 days"),
    ("5", "٥"),
    ("2024-02-28", "2024-02-30"),
    ("yes", "no"),
    ("3 days", ""),
]


@pytest.mark.parametrize(("gold", "answer"), SAME)
@pytest.mark.parametrize("form", ["{}", "Answer: {}", "We count.\nThe answer is {}.", r"\boxed{{{}}}"])
def test_equal_values(gold: str, answer: str, form: str) -> None:
    assert value(gold, form.format(answer)) == 1


@pytest.mark.parametrize(
    ("gold", "sentence", "paid"),
    [
        ("2031-05-09", "It falls on 9 May 2031.", 1),
        ("2031-05-09", "So it was May 9, 2031.", 1),
        ("2031-05-09", "The date is **9 May 2031**.", 1),
        ("3 days", "It takes 3 days.", 1),
        ("Tuesday", "That day is a Tuesday.", 1),
        ("3 days", "It is not 3 days.", 0),
        ("3 days", "It takes 3 days or 4 days.", 0),
        ("3 days", "It takes 3 hours.", 0),
        ("2031-05-09", "It falls on 9 May 2032.", 0),
    ],
)
def test_a_closing_sentence_may_lead_up_to_the_value(gold: str, sentence: str, paid: float) -> None:
    assert value(gold, sentence) == paid


@pytest.mark.parametrize(("gold", "answer"), OTHER)
@pytest.mark.parametrize("form", ["{}", "Answer: {}", r"\boxed{{{}}}"])
def test_other_values(gold: str, answer: str, form: str) -> None:
    assert value(gold, form.format(answer)) == 0


def test_numeric_dates_count_where_the_order_is_given() -> None:
    assert value("2025-04-03", "03/04/2025", date_order="dmy") == 1
    assert value("2025-04-03", "04/03/2025", date_order="mdy") == 1
    assert value("2025-04-03", "04/03/2025", date_order="dmy") == 0


def test_orders_given_as_lists() -> None:
    assert value(["wedding", "move"], "1. wedding\n2. move") == 1
    assert value(["wedding", "move"], '["wedding", "move"]') == 1
    assert value(["2024-01-02", "2023-05-01"], "2 January 2024, 2023-05-01") == 1
    assert value(["wedding", "move"], "1. move\n2. wedding") == 0


def test_reasoning_gym_entries() -> None:
    data = {"task": "calendar_arithmetic", "entry": {"question": "…", "answer": "Tuesday"}}
    assert score(Response("Answer: Tuesday"), data).value == 1
    assert score(Response("__import__('os').abort()"), data).value == 0


@pytest.mark.parametrize("data", [{}, {"answer": ""}, {"entry": {}}, {"answer": "1 day", "date_order": "ymd"}])
def test_tasks_that_cannot_be_judged_are_invalid(data: dict) -> None:
    assert score(Response("1 day"), data).status == "invalid"


STATED = [
    ("14:30", "The train arrives at 14:30."),
    ("14:30", "It leaves at 9:00 and needs 5 h 30 min.\nThe train arrives at 2:30 pm."),
    ("14:30", "It leaves at 9:00, so it arrives at 14:30."),
    ("2 hours 15 minutes", "The meeting lasts 2 hours and 15 minutes."),
    ("2 hours 15 minutes", "The meeting lasts from 9:00 to 11:15. So it takes 135 minutes."),
    ("2 hours 15 minutes", "It ends at 11:15, so the meeting lasts 2 hours and 15 minutes."),
    ("Tuesday", "5 March 2024 is a Tuesday."),
    ("Tuesday", "Three days later, so it takes place on Tuesday."),
    ("Tuesday", "The party therefore takes place on a Tuesday."),
    ("2031-05-09", "The deadline is on May 9, 2031."),
    ("2031-05-09", "The parcel reaches Rome on Friday, 9 May 2031."),
    ("2031-05-09", "Adding 30 days, we get to **9 May 2031**."),
    ("29", "So there are 29 days in that month."),
    ("29 days", "The gap between them amounts to 29 days."),
    ("March", "The shop reopens in March."),
    ("09:00-10:30", "The meeting takes place 9:00-10:30."),
    ("yes", "So the answer would be yes."),
    ("Anna", "So Anna is the youngest."),
    ("12:00 UTC", "In London it is 12:00 UTC then."),
    ("2003-01-15 04:16", "The ship docked on January 15, 2003 at 4:16 am."),
    ("half an hour", "It lasts half an hour."),
    ("3 days", "The trip takes three days."),
    ("02:30", "The trip takes 2 hours and 30 minutes."),
    ("14:30", "Hence the clock shows 14:30 in Rome."),
    ("16:45", "The film ends at a quarter... that is, it ends at 16:45."),
]
NOT_STATED = [
    ("14:30", "The train leaves at 14:30 and arrives at 16:00."),
    ("14:30", "The train does not arrive at 14:30."),
    ("14:30", "The train may arrive at 14:30."),
    ("14:30", "It arrives at 14:30 or 15:30."),
    ("14:30", "It arrives after 14:30."),
    ("14:30", "It arrives before 14:30."),
    ("14:30", "Is it 14:30?"),
    ("14:30", "It arrives at 2:30."),
    ("14:30", "It arrives around 14:30."),
    ("14:30", "It arrives between 14:30 and 15:00."),
    ("14:30", "If it leaves at 9:00, it arrives at 14:30 or so."),
    ("14:30", "The train departs from 14:30."),
    ("Tuesday", "It is the day after Tuesday."),
    ("Tuesday", "It is either Tuesday or Friday."),
    ("Tuesday", "It takes place on Wednesday."),
    ("Tuesday", "It happens every Tuesday."),
    ("Tuesday", "Monday is before Tuesday."),
    ("2031-05-09", "It falls on Thursday, 9 May 2031."),
    ("2031-05-09", "It lasts from 9 May 2031 on."),
    ("2031-05-09", "It falls on 9 May."),
    ("2031-05-09", "The start was 9 May 2031 and the end 10 May 2031."),
    ("29", "There are 28 or 29 days."),
    ("29", "In 2031 there are 29 days."),
    ("29 days", "It takes at least 29 days."),
    ("29 days", "It takes 29 hours."),
    ("29 days", "It takes more than 29 days."),
    ("3 days", "It takes 3 days a week."),
    ("March", "It may march on."),
    ("2 hours 15 minutes", "It lasts 2 hours, and then 15 minutes more."),
    ("2 hours 15 minutes", "The first lasts 1 hour, the second 2 hours 15 minutes."),
    ("12:00 UTC", "It is 12:00 then."),
    ("14:30", "Bob says it arrives at 14:30."),
    ("14:30", "It arrives at 14:30? No."),
    ("14:30", "It arrives at 14:30. Or later."),
    ("14:30", "It was scheduled to begin at 14:30."),
    ("14:30", "Unless it is late, it arrives at 14:30."),
    ("14:30", "It should be 14:30."),
    ("5", "٥ days"),
    ("Tuesday", "Tuesday is a weekday, Sunday is not."),
    ("14:30", "The train arrives at 14:300."),
    ("14:30", "It arrives at 14:30:59."),
]


@pytest.mark.parametrize(("gold", "text"), STATED)
def test_a_closing_sentence_states_the_only_value_of_its_kind(gold: str, text: str) -> None:
    assert value(gold, text) == 1
    assert value("1999-01-02 03:04", text) == 0
    assert value("17 days", text) == 0


@pytest.mark.parametrize(("gold", "text"), NOT_STATED)
def test_a_closing_sentence_that_doubts_bounds_or_holds_more(gold: str, text: str) -> None:
    assert value(gold, text) == 0


@pytest.mark.parametrize("text", ["at 1 " * 60, "Monday, " * 30, "a " * 140 + "1:00", "from 9 " * 40, "1 h 2 h " * 35])
def test_long_closing_sentences_take_no_time(text: str) -> None:
    started = time.process_time()
    for gold in ("14:30", "Tuesday", "3 days", "29"):
        value(gold, text)
    assert time.process_time() - started < 0.2
