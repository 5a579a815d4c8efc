"""Knowledge with the choice to abstain: +1 correct, −λ wrong, 0 abstained.

`data`: `{"answers": [<accepted spellings>], "answerable": bool, "lambda"?: 1.0}`. With these payments answering is
worth while only above a confidence of λ/(1+λ). A question that has no answer (`answerable` false) is answered
rightly by saying so: +1, and −λ for any answer. Hedging ("I don't know, maybe Paris") is an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.final import Statement, closing_line, final_statements
from rlstack.rewards._answer.plain import tail
from rlstack.rewards._answer.value import bare, same_text
from rlstack.rewards.ifeval.wordlists import FUNCTION_WORDS

DEADLINE_S = 1.0
LONGEST_ANSWER = 14  # words up to which a sentence may hold the answer
_LAMBDA = 1.0
_ABSTAINS = re.compile(
    r"\b(?:i (?:really |honestly |simply )?"
    r"(?:do not|don't|dont|cannot|can't|could not|couldn't|am not able to|'m not able to|am unable to)"
    r" (?:know|recall|remember|answer|say|determine|tell|be (?:sure|certain)|verify|confirm|find)"
    r"|i(?: am|'m) (?:not (?:sure|certain|aware|familiar)|unsure|uncertain)"
    r"|i have no (?:idea|information|knowledge|record)|no idea"
    r"|(?:is|it's|are|remains?) (?:unknown|unanswerable|not known)"
    r"|unknown|unanswerable|not enough information|insufficient information"
    r"|(?:cannot|can't|can not|could not) be (?:known|determined|answered|verified)"
    r"|there is no (?:answer|such)|does not exist|doesn't exist|no such)\b"
    r"|ich wei(?:ß|ss) (?:es )?nicht|ich bin (?:mir )?nicht sicher|je ne sais pas|je ne suis pas s[ûu]r"
    r"|\bno (?:lo )?sé\b|no estoy segur[oa]|\bnão sei\b|\bnon (?:lo )?so\b|не знаю"
    r"|我不知道|不知道|わかりません|知りません|모르겠"
)
_STILL_ANSWERS = re.compile(
    r"\b(?:but|however|maybe|perhaps|possibly|probably|might|guess|could be|likely|think"
    r"|aber|vielleicht|peut-être|quizás)\b"
)
_SEVERAL = re.compile(r"\b(?:or|either|and|maybe|perhaps|possibly|not|isn't|never|oder|ou)\b|[,;/]")

_GLUE = FUNCTION_WORDS | frozenset(
    [
        "est",
        "es",
        "è",
        "é",
        "ist",
        "war",
        "fue",
        "était",
        "foi",
        "era",
        "was",
        "called",
        "named",
        "won",
        "wrote",
        "became",
    ]
)


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """+1, −λ or 0 with the components `correct`, `wrong`, `abstained` (exactly one is 1)."""
    answers, answerable, cost = data.get("answers"), data.get("answerable", True), data.get("lambda", _LAMBDA)
    if (
        not isinstance(answerable, bool)
        or isinstance(cost, bool)
        or not isinstance(cost, int | float)
        or not 0 <= cost < 1e6
    ):
        return invalid("data['answerable'] must be true or false, data['lambda'] a number of at least 0")
    if answerable and (
        not isinstance(answers, list | tuple) or not answers or not all(isinstance(a, str) and bare(a) for a in answers)
    ):
        return invalid("data['answers'] must list at least one accepted spelling")
    verdict = _verdict(tail(response.answer), answers if answerable else ())
    if not answerable:
        verdict = "correct" if verdict == "abstained" else "wrong"
    value = {"correct": 1.0, "wrong": -float(cost), "abstained": 0.0}[verdict]
    parts = {name: float(name == verdict) for name in ("correct", "wrong", "abstained")}
    return judged(value, verdict, **parts)


def _verdict(text: str, answers: Any) -> str:
    """`correct`, `wrong` or `abstained`; an empty answer is wrong: silence is no decision."""
    if _abstains(text):
        return "abstained"
    statements = final_statements(text, closing_line)
    if statements and all(any(_is(a, s) for a in answers) for s in statements):
        return "correct"
    return "wrong"


def _abstains(text: str) -> bool:
    words = bare(text)
    match = _ABSTAINS.search(words)
    return match is not None and len(words.split()) <= 60 and not _STILL_ANSWERS.search(words)


def _is(answer: str, statement: Statement) -> bool:
    if same_text(answer, statement.text):
        return True
    words, alias = bare(statement.text), bare(answer)
    if len(words.split()) > LONGEST_ANSWER:
        return False
    found = re.search(rf"(?<!\w){re.escape(alias)}(?!\w)", words)
    if found is None:
        return False
    before, after = words[: found.start()].split(), words[found.end() :].split()
    if len(before) + len(after) < 2 or _SEVERAL.search(words[: found.start()] + " " + words[found.end() :]):
        return False
    return bool(_GLUE & {*before, *after}) and (not after or after[0] in _GLUE)  # a sentence, not a list of names
