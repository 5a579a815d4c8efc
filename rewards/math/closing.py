"""The result of a text that marks none: a short text as a whole, else the only value of its last sentence."""

from __future__ import annotations

import re
from itertools import pairwise

from rlstack.rewards._answer.final import Statement
from rlstack.rewards.math.behind import DEGREES, plain_units, unit_run
from rlstack.rewards.math.units import SPACED_UNITS
from rlstack.rewards.math.vocabulary import CODE_WORDS

LONGEST_SENTENCE = 300  # characters of a sentence whose only number counts
_BLOCK = 1_500  # characters at the end that may hold the closing formula

FORMULA = re.compile(
    r"\$\$(.+?)\$\$|\$([^$\n]+)\$(?!\d)|\\\[(.+?)\\\]|\\\((.+?)\\\)"
    r"|\\begin\{(?:align|aligned|equation|gather|gathered|eqnarray)\*?\}(.+?)\\end\{(?:align|aligned|equation|gather|gathered|eqnarray)\*?\}",
    re.S,
)
_DIGITS = r"(?:\d{1,3}(?: \d{3})+(?!\d)(?:[.,]\d+)?|\d[\d,]*(?:\.\d+)?(?:,\d+)?|\.\d+)"
_TEN_TO = r"10\s*\^\s*(?:\{\s*-?\d+\s*\}|-?\d+)"
_VALUE = re.compile(
    rf"(?<![\w.^])-?\$?(?:\d+\s+\d+/\d+|{_TEN_TO}|{_DIGITS}(?:[eE][-+]?\d+|\s*[x*·]\s*{_TEN_TO})?(?:\s*[/:]\s*\d+)?"
    r"(?:\s*(?:\\pi(?![A-Za-z])|pi\b))?\s*\\?%?)(?!\w)(?!\^\s*\{?-?\d)",
    re.A,
)
_NUMBER = re.compile(r"(?<![\w.])-?\$?\d", re.A)
_GOES_ON = re.compile(r"\s*(?:[\^*·+=<>√π]|\\(?:times|cdot|sqrt|pm|mp|div|frac|pi|le|ge|ne)(?![a-z])|[α-ωΑ-Ω])")
_VARIABLE = re.compile(r"\s+([b-hj-z])(?![\w'])(?!\.\w)")
_LABELS = (
    r"(?:step|question|problem|exercise|equation|figure|section|chapter|level|example|task|theorem|lemma|test|case"
    r"|part|line|option|no\.)"
)
_LABEL_BEFORE = re.compile(rf"\b{_LABELS}s?\s*#?$", re.I)
_LAST_WORD = re.compile(r"\b(?:is|are|equals|gives|has|have)\s+(no\s+solutions?|\S{1,60})[.*_]*$", re.I)
_NO_CLAIM = re.compile(
    r"\b(?:not|never|neither|nor|or|either|between|(?:more|less|fewer|greater) than|at (?:least|most)|up to)\b|n't\b"
    r"|\b(?:if|whether)\s+(?:the\s+)?answer"
    r"|^\W*(?:please\s+)?(?:convert|find|calculate|compute|determine|evaluate|solve|express|simplify|how\s+(?:many|much|long|far)"
    r"|what|which|suppose|assume|imagine)\b"
    r"|\b(?:is|are|was|were|seems?|looks|be)\s+(?:\w+ly\s+)?(?:wrong|incorrect|false|untrue|impossible"
    r"|too\s+(?:big|small|large|low|high|few|many|much|little|short|long))\b|\bwrong\s+(?:answers?|results?|guess(?:es)?)\b"
    r"|\bif\s+\w+\s+(?:were|was|is)\b(?=[^,]*\d[^,]*,)"
    r"|\b(?:some|many|most|people|others|they)\s+(?:people\s+)?(?:say|claim|think|believe)\b"
    r"|\b(?:nicht|kein\w*|weder|oder|mehr als|weniger als|mindestens|höchstens|zwischen)\b"
    r"|\b(?:n'est|ne\s+\w+\s+pas|n'\w+\s+pas|pas|ou|plus de|moins de|au (?:moins|plus)|entre)\b"
    r"|\b(?:no es|no son|más de|menos de|al menos|como máximo|não|mais de|pelo menos|non è|non sono|più di|almeno)\b"
    r"|\b(?:niet|geen|nie|не|или|либо|более|менее|больше|меньше)\b|不|没有|或|超过|少于|至少|至多|ない|ではあり|または",
    re.I,
)
_CODE = re.compile(
    rf"(?:.*?(?:[:=]|\b(?:is|are))\s)?\W*(?:(?:{'|'.join(sorted(CODE_WORDS))})\b(?!\s*[:=])|console\.)"
    r'|.*?(?:[{\[,]\s*"[^"]*"\s*:|</?[a-z_]+>|\w\([^()]*\d[^()]*\))',
    re.I,
)
_LABEL = re.compile(rf"\W*{_LABELS}\W*\d+\W*", re.I)
_JOINT = re.compile(r"\s*[,;]?\s*(and|or|und|oder|et|ou|y|o|e|и|или|和|或|&)?\s*", re.I)
_REASON = re.compile(r"\W+(?:since|because|as|where|when)\b", re.I)
_ASSIGNED = re.compile(r"\s*\\?[A-Za-z]\w*(?:_\{\w+\})?\s*=")
_TEXT_GROUP = re.compile(r"\\(?:text|textbf|mathrm|operatorname)\{[^}]*\}")
_PLAIN_WORD = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{2,}")


def code_or_label(sentence: str) -> bool:
    """Whether a number in it belongs to code ("SELECT 7", `f(7)`) or to a label ("Step 7") and is no result."""
    return bool(_CODE.match(sentence) or _LABEL.fullmatch(sentence))


def only_number(sentence: str) -> tuple[str, str] | None:
    """The number of a sentence that claims one value, and what stands behind it.

    None where the sentence has several numbers, denies or bounds it, or is code. Exponents of units
    ("9.8 m/s^2") and numbers of labels ("question 3") are no numbers of their own.
    """
    if len(sentence) > LONGEST_SENTENCE or _NO_CLAIM.search(sentence) or code_or_label(sentence):
        return None
    text = plain_units(sentence.replace("**", ""))
    found: re.Match[str] | None = None
    position = 0
    while (match := _VALUE.search(text, position)) is not None:
        unit_end = match.end() + unit_run(text[match.end() : match.end() + 80])
        position = max(unit_end, match.end())
        if _LABEL_BEFORE.search(text, 0, match.start()):
            continue
        if found is not None or _is_part(text[match.end() :], unit_end > match.end()):
            return None
        found = match
        if _NUMBER.search(text[match.end() : position].replace("^", "a").replace("{", "")) is not None:
            return None
    return None if found is None else (found.group().strip(), text[found.end() :])


def _is_part(behind: str, has_unit: bool) -> bool:
    """Whether a number is only part of a value: `12x`, `12 + …`, `12√2`."""
    if DEGREES.match(behind):
        return False
    variable = _VARIABLE.match(behind)
    return bool(_GOES_ON.match(behind)) or (
        variable is not None and not has_unit and variable.group(1) not in SPACED_UNITS
    )


def closing_value(text: str) -> list[Statement]:
    """A short text as a whole, else the only value of the last sentence."""
    stripped = text.strip()
    if not stripped or (stripped.endswith("?") and _PLAIN_WORD.search(stripped)):
        return []
    whole = [Statement(stripped, "whole", 0, len(text))]
    dollars = stripped.count("$")
    if stripped.startswith(("\\begin{p", "\\begin{b", "\\begin{m", "\\begin{c", "\\begin{v", "\\begin{ar")):
        return whole
    if stripped[0] == "$" == stripped[-1] and dollars in (2, 4):
        return whole
    short = "\n" not in stripped and len(stripped) <= 400 and len(stripped.split()) <= 12
    if short and not _prose(stripped):
        return whole
    return _closing_value(text, stripped) or (whole if short else [])


def assigned_lines(text: str) -> str | None:
    """The last lines of a text that each give another name its value (`x = 3`, `y = 2`), as one list."""
    lines: list[str] = []
    for line in reversed(text[-_BLOCK:].splitlines()):
        line = line.strip(" *-$.,")
        if line and (not _ASSIGNED.match(line) or line.count("=") > 1):
            break
        lines += [line] if line else []
    return ", ".join(reversed(lines)) if len({x.partition("=")[0].strip() for x in lines}) == len(lines) > 1 else None


def _prose(line: str) -> bool:
    """Whether a line is a sentence rather than a value: it has several words, or words around a formula."""
    words = len(_PLAIN_WORD.findall(FORMULA.sub("", _TEXT_GROUP.sub("", line))))
    return words >= 1 if FORMULA.search(line) else words >= 3


def _closing_value(text: str, stripped: str) -> list[Statement]:
    last_block = stripped[-_BLOCK:]
    formulas = list(FORMULA.finditer(last_block))
    if formulas and len(last_block) - formulas[-1].end() <= 40 and "\n\n" not in last_block[formulas[-1].end() :]:
        return _closing_formula(text, last_block, formulas)
    line = last_block.splitlines()[-1].strip()
    sentences = [s for s in re.split(r"(?<=[.!?])\s+", line) if s.strip()]
    sentence = sentences[-1] if sentences else line
    if "=" in sentence and not _NO_CLAIM.search(sentence) and not code_or_label(sentence[:LONGEST_SENTENCE]):
        return [Statement(sentence.rpartition("=")[2].strip(" .*_"), "closing", 0, len(text))]
    found = only_number(sentence)
    if found is None and not _NUMBER.search(sentence) and not _NO_CLAIM.search(sentence):
        last = _LAST_WORD.search(sentence)
        found = (last.group(1), "") if last else None
    return [Statement(found[0], "closing", 0, len(text), found[1])] if found is not None else []


def _closing_formula(text: str, block: str, formulas: list[re.Match[str]]) -> list[Statement]:
    """The last formula of the last sentence, with those that "and" or a comma joins to it, before any reason."""
    start = max(block.rfind("\n", 0, formulas[-1].start()), block.rfind(". ", 0, formulas[-1].start()))
    here = [m for m in formulas if m.start() > start]
    reason = next((i for i, (a, b) in enumerate(pairwise(here)) if _gives_reason(block, a, b)), None)
    if reason is not None:
        here = here[: reason + 1]
    first = len(here) - 1
    joined = here[first].group()
    while first and (joint := _JOINT.fullmatch(block, here[first - 1].end(), here[first].start())) is not None:
        first -= 1
        word = " or " if (joint.group(1) or "").casefold() in ("or", "oder", "ou", "o", "или", "或") else ", "
        joined = here[first].group() + word + joined
    around = block[start + 1 : here[first].start()] + " " + block[here[-1].end() :]
    if _NO_CLAIM.search(FORMULA.sub("", around)):
        return []
    if first and all(_ASSIGNED.match(_inside(m)) for m in here):
        joined = ", ".join(m.group() for m in here)
    text_of = FORMULA.sub(lambda m: _inside(m), joined)
    return [Statement(text_of, "closing", 0, len(text), block[here[-1].end() :])]


def _gives_reason(block: str, before: re.Match[str], after: re.Match[str]) -> bool:
    return _REASON.match(block[before.end() : after.start()]) is not None


def _inside(formula: re.Match[str]) -> str:
    return next(g for g in formula.groups() if g is not None)
