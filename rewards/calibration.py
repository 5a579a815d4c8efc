"""Knowledge with the choice to abstain: +1 correct, −λ wrong, 0 abstained.

`data`: `{"answers": [<accepted spellings>], "answerable": bool, "lambda"?: 1.0}`. With these payments answering is
worth while only above a confidence of λ/(1+λ). A question that has no answer (`answerable` false) is answered
rightly by saying so: +1, and −λ for any answer. Hedging ("I don't know, maybe Paris") is an answer, and so is
whatever stands beside an abstention and is no apology, offer or reason ("I don't know. Answer: Paris").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.final import Statement, closing_line, final_statements
from rlstack.rewards._answer.plain import folded, tail
from rlstack.rewards._answer.value import bare, same_text
from rlstack.rewards.ifeval.wordlists import FUNCTION_WORDS

DEADLINE_S = 1.0
LONGEST_ANSWER = 14  # words up to which a sentence may hold the answer
_LAMBDA = 1.0
_SOURCE = r"(?:text|passage|context|notes?|article|document|paragraph|story|source|prompt|question|it|they)"
_TELLS = r"(?:say|state|mention|tell|specify|provide|give|include|list|indicate|contain|reveal|disclose)"
_TOLD = r"(?:said|stated|mentioned|told|specified|provided|given|included|listed|known|clear|recorded)"
_CANNOT = re.compile(  # the speaker does not know
    r"\bi (?:really |honestly |simply |just )?"
    r"(?:do not|don't|dont|cannot|can't|could not|couldn't|am not able to|'m not able to|am unable to)"
    r" (?:know|recall|remember|answer|say|determine|tell|be (?:sure|certain)|verify|confirm|find)\b"
    r"|\bi(?: am|'m) (?:not (?:sure|certain|aware|familiar)|unsure|uncertain)\b"
    r"|\b(?:i have no (?:idea|information|knowledge|record)|no idea)\b|^unknown$"
    r"|ich wei(?:ß|ss) (?:es |das )?(?:leider )?nicht|ich bin (?:mir )?nicht sicher|je ne sais pas"
    r"|je ne suis pas s[ûu]r|\bno (?:lo )?sé\b|no estoy segur[oa]|\bnão sei\b|\bnon (?:lo )?so\b|не знаю"
    r"|我不知道|不知道|わかりません|知りません|모르겠|모릅니다"
)
_UNTOLD = re.compile(  # nobody can know, or the text does not tell
    r"\b(?:(?:is|was|it's|are|were|remains?) (?:unknown|unanswerable)|unanswerable"
    r"|not enough information|insufficient information"
    r"|(?:cannot|can't|can not|could not) be (?:known|determined|answered|verified)"
    rf"|{_SOURCE} (?:does not|doesn't|do not|don't|did not|didn't|never) (?:\w+ )?{_TELLS}s?"
    rf"|(?:is|was|are|were|it's|that's) (?:not|never|nowhere)(?: \w+)? {_TOLD}|(?:isn't|wasn't|aren't|weren't) {_TOLD}"
    r"|there is no (?:answer|such)|does not exist|doesn't exist)\b"
    rf"|^(?:not (?:explicitly )?{_TOLD}|no such \w+)$"
)
# What else an abstention may say: an apology, an offer, why one cannot know. Anything more is an answer beside it.
_REMARK = re.compile(
    r"^(?:well|so|hm+|hello|hi|honestly|frankly|unfortunately|to be honest|in all honesty|as an ai|as a language model"
    r"|(?:the |my |final )*answer(?: is)?|\\boxed|text|good question|that is a (?:good|hard|tricky) question"
    r"|das ist eine (?:gute|schwierige) frage|leider|entschuldigung|tut mir leid|es tut mir leid|désolée?|lo siento"
    r"|desculpe|mi dispiace|извините|к сожалению|抱歉|对不起|すみません|申し訳ありません|죄송합니다)$"
    r"|\b(?:sorry|apologi[sz]e|apologies|afraid)$|^(?:sorry|apologies)\b(?!.*\b(?:is|was|are|were|it's)\b)"
    r"|\b(?:(?:let|tell) me know|if you (?:can|could|have|give|share|tell)|please|happy to help"
    r"|could you (?:tell|give|share)|you (?:can|could|may|might) (?:check|ask|look|consult))\b"
    r"|\b(?:made up|made-up|invented|fictional|fictitious|imaginary|not (?:a )?real|not exist|unfamiliar|never heard)\b"
    r"|\b(?:no|not|nothing|never|only|without|isn't|doesn't|don't|haven't|any)\b.*\b(?:information|details?|data|records?"
    r"|mentions?|mentioned|says?|said|stated?|tells?|told|given|lists?|listed|provided|know|known|aware|knowledge|source)\b"
    r"|\b(?:mentions?|says?|lists?|speaks?|tells?) (?:of )?only\b"
)
_PIECES = re.compile(
    r"[.!?;:,\n()\[\]{}<>#*$|…。，、！？；：—–]+|\s-+\s"
    r"|\b(?:but|however|though|although|because|since|and|as|aber|mais|pero)\b"
)
_HEDGES = re.compile(
    r"\b(?:maybe|perhaps|possibly|probably|might|guess|could be|would be|likely|think|believe|suppose"
    r"|vielleicht|vermutlich|peut-être|quizás|talvez|forse)\b"
)
_MOST_WORDS = 60
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
    pieces = [piece for piece in _pieces(text) if not any(same_text(a, piece) for a in answers)]  # "No Such Thing"
    hedged = any(_CANNOT.search(piece) for piece in pieces)
    if (hedged or any(_UNTOLD.search(piece) for piece in pieces)) and _is_abstention(text, pieces):
        return "abstained"
    statements = final_statements(text, closing_line)
    is_right = statements and all(any(_is(a, s) for a in answers) for s in statements)
    return "correct" if is_right and not hedged else "wrong"


def _pieces(text: str) -> list[str]:
    """Clauses in folded words; none of a text that is too long to be read as an abstention."""
    words = folded(text.replace("\n", ". ")).replace("’", "'")
    if len(words.split()) > _MOST_WORDS:
        return []
    return [piece for raw in _PIECES.split(words) if (piece := raw.strip(" \"'`_“”‘’/"))]


def _is_abstention(text: str, pieces: list[str]) -> bool:
    """Whether a text holds nothing that would answer after all, given its pieces that are no accepted answer."""
    if len(pieces) < len(_pieces(text)) or _HEDGES.search(folded(text)):
        return False
    return all(_CANNOT.search(piece) or _UNTOLD.search(piece) or _REMARK.search(piece) for piece in pieces)


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
