"""IFBench `custom:`: twelve prompts with checkers of their own. Their kwargs are ignored."""

from __future__ import annotations

import csv
import io
import re
import string
import unicodedata
from itertools import pairwise

from rlstack.rewards.ifeval.registry import instruction
from rlstack.rewards.ifeval.text import Text
from rlstack.rewards.ifeval.wordlists import CAPITALS_BY_LATITUDE

_DIGITS = re.compile(r"\d+")
_MULTIPLES = [str(n) for n in range(14, 50, 7)]
_QUESTION = re.compile(r"Question \d+[.|):;]?")
_OPTION = re.compile(r"[A-Ea-e][.|)]\s*\w")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_SPECIAL = re.compile(r"[^\d\w\s]")
_AFRICAN_LINES = 52
_LONG_MONTHS, _SHORT_MONTHS = (1, 3, 5, 7, 8, 10, 12), (4, 6, 9, 11)


@instruction("custom:multiples", any_kwargs=True, exact=True)
def multiples(text: Text) -> bool:
    """The numbers in the response are the multiples of 7 between 10 and 50."""
    return _DIGITS.findall(text.raw) == _MULTIPLES


@instruction("custom:mcq_count_length", any_kwargs=True)
def four_questions(text: Text) -> bool:
    """Begins with "Question", has four questions of five options, each question longer than the last."""
    if not text.raw.startswith("Question"):
        return False
    questions = [body for part in _QUESTION.split(text.raw) if (body := part.strip())]
    lengths = []
    for body in questions:
        lines = [line.strip() for line in body.split("\n")]
        options = [_OPTION.match(line) is not None for line in lines]
        if sum(options) != 5:
            return False
        lengths.append(len(" ".join(lines[: options.index(True)]).strip()))
    return len(questions) == 4 and all(a < b for a, b in pairwise(lengths))


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


@instruction("custom:reverse_newline", any_kwargs=True)
def african_countries(text: Text) -> bool:
    """From the line with Zimbabwe on at least 52 lines in falling order; which countries is not looked at."""
    lines = [body for line in text.raw.split("\n") if (body := line.strip(Text.MARKS))]
    start = next((k for k, line in enumerate(lines) if "Zimbabwe" in line), len(lines))
    listed = [_ascii(line) for line in lines[start:]]
    return len(listed) >= _AFRICAN_LINES and listed == sorted(listed, reverse=True)


@instruction("custom:word_reverse", any_kwargs=True)
def word_reverse(text: Text) -> bool:
    return "bald eagle" in " ".join(reversed(text.plain_words))


@instruction("custom:character_reverse", any_kwargs=True, exact=True)
def character_reverse(text: Text) -> bool:
    return "elgae dlab" in text.lower


@instruction("custom:sentence_alphabet", any_kwargs=True)
def sentence_alphabet(text: Text) -> bool:
    firsts = [one.lstrip(string.punctuation + string.whitespace)[:1].lower() for one in text.sentences]
    return firsts == list(string.ascii_lowercase)


@instruction("custom:european_capitals_sort", any_kwargs=True, exact=True)
def european_capitals(text: Text) -> bool:
    return [body for part in _ascii(text.raw).split(",") if (body := part.strip())] == CAPITALS_BY_LATITUDE


def _table(text: str, delimiter: str = ",") -> list[list[str]]:
    """The rows, or none where the text is no table."""
    try:
        return list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        return []


@instruction("custom:csv_city", any_kwargs=True)
def csv_city(text: Text) -> bool:
    rows = _table(text.raw)
    return (
        len(rows) == 8 and rows[0] == ["ID", "Country", "City", "Year", "Count"] and {len(row) for row in rows} == {5}
    )


def _has_header(text: str, names: tuple[str, ...], gap: str) -> bool:
    """The first line holds the names in order, each with or without quotes."""
    wanted = gap.join(rf'(?:{name}|"{name}")' for name in names)
    return re.fullmatch(wanted, text.split("\n", 1)[0].strip()) is not None


def _quoted_table(text: str, delimiter: str = ",") -> list[list[str]]:
    """Rows whose fields keep the quotes around them."""
    return _table(text.replace('"', '"""'), delimiter)


def _special(field: str) -> bool:
    """Begins with a quote and has a sign that is no word character before another quote in the same line."""
    line = field.split("\n", 1)[0]
    return line.startswith('"') and _SPECIAL.search(line, 1, max(line.rfind('"'), 1)) is not None


@instruction("custom:csv_special_character", any_kwargs=True)
def csv_special_character(text: Text) -> bool:
    """14 rows of 5 fields up to the one with a special character in quotes; the rows after it are free."""
    if not _has_header(text.raw, ("ProductID", "Category", "Brand", "Price", "Stock"), r",[ \t]*"):
        return False
    rows = _quoted_table(text.raw)
    if len(rows) != 15:
        return False
    for row in rows[1:]:
        if len(row) != 5:
            return False
        if any(map(_special, row)):
            return True
    return False


@instruction("custom:csv_quotes", any_kwargs=True)
def csv_quotes(text: Text) -> bool:
    if not _has_header(text.raw, ("StudentID", "Subject", "Grade", "Semester", "Score"), r"\t *"):
        return False
    rows = _quoted_table(text.raw, "\t")
    fields = [field.strip() for row in rows for field in row]
    shape = len(rows) == 4 and {len(row) for row in rows} == {5}
    return shape and all(field[:1] == field[-1:] == '"' for field in fields)


@instruction("custom:date_format_list", any_kwargs=True)
def napoleonic_dates(text: Text) -> bool:
    """Dates of 1769 to 1821, comma between them; a leap year is not asked for."""
    return all(_date_of_his_time(part.strip()) for part in text.stripped.split(","))


def _date_of_his_time(text: str) -> bool:
    if not (match := _DATE.fullmatch(text)):
        return False
    year, month, day = map(int, match.groups())
    last = 31 if month in _LONG_MONTHS else 30 if month in _SHORT_MONTHS else 29 if month == 2 else 99
    return 1769 <= year <= 1821 and month <= 12 and day <= last
