"""Where an answer states its result. Several statements that belong together must agree.

Strong statements are a LaTeX box, the line after `####` and an `<answer>` element; if there is none, what
follows "the answer is" or "Answer:" counts; if there is none either, the closing line. Only the last
statement is judged, together with those that stand right beside it, so listing candidates never pays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rlstack.rewards._answer.standing import also, put_in_place, restated, taken_back, unclaimed

Kind = Literal["boxed", "marked", "said", "beside", "closing", "whole"]

NEAR = 200  # characters between two statements up to which they are one final statement
MOST_BOXES = 100
MOST_TOGETHER = 8  # different statements that one final statement may consist of
_LONGEST_STATEMENT = 2_000


@dataclass(frozen=True, slots=True)
class Statement:
    """One place where the result is stated; `start` and `end` are offsets in the text searched."""

    text: str
    kind: Kind
    start: int
    end: int
    behind: str = ""  # of a number or formula taken out of its sentence: what follows, where a unit may stand


_BRACES = re.compile(r"\\(?:boxed|fbox|framebox)\s*(?=\{)|\\[{}\\]|[{}]")
_BARE_BOX = re.compile(r"\\boxed\s+([A-Za-z0-9.\-]+)")
_HASHES = re.compile(r"####[ \t]*([^\n]+)")
_ELEMENT_TAG = re.compile(r"<(/?)answer>", re.I)
_ANSWER_WORD = (
    r"(?:(?:final|correct|right|complete)\s+)?answers?\b|final\s+(?:solution|result)\b"
    r"|(?:solution|result)s?(?=\s+(?:is|are|was)\b)|r[ée]ponse(?:\s+finale)?\b"
    r"|respuesta(?:\s+final)?\b|(?:endg[üu]ltige\s+)?antwort\b|resposta(?:\s+final)?\b|risposta(?:\s+finale)?\b"
    r"|ответ\b|答案|答え|正解|回答"
)
_IS = r"is|are|was|would\s+be|will\s+be|must\s+be|has\s+to\s+be|should\s+be|equals|est|es|ist|lautet|è|é"
_ANSWER_STEMS = (  # one is in every text that _ANSWER_WORD matches; searched before, being a hundred times faster
    "answer", "final", "solution", "result", "réponse", "reponse", "respuesta", "antwort", "resposta", "risposta",
    "ответ", "答案", "答え", "正解", "回答",
)  # fmt: skip
_SAID = re.compile(
    rf"(?:{_ANSWER_WORD})(?:\s+(?:to|for|of|in|with)\s[^.\n:=$]{{0,80}}?)?[ \t]*[*_]{{0,3}}[ \t]*"
    rf"(?::[ \t]*[*_]{{0,3}}|=|\b(?:{_IS})\b[ \t]*:?|は|是|为|為)",
    re.I,
)
_SUPPOSED = re.compile(  # what stands before an answer that is only imagined
    r"\b(?:suppose|supposing|assume|assuming|imagine|if|whether|unless)\s+(?:that\s+)?(?:(?:the|my|your)\s+)?$", re.I
)
_HEADING = re.compile(
    rf"^[ \t]*[#*_]{{1,6}}[ \t]*(?:the\s+)?(?:{_ANSWER_WORD})[ \t]*:?[ \t]*[*_]{{0,3}}[ \t]*$", re.I | re.M
)
_SENTENCE_END = re.compile(r"[.!?。](?=\s|$|[*_\"'”)]+(?:\s|$))|\n|$")
_BESIDE = re.compile(
    r"[\s$)\]}*_.,;]{0,12}(?:\\[)\]])?[\s,.;$]{0,6}\(?"
    r"(?:or|alternatively|otherwise|maybe|perhaps|possibly|ou|oder|o)\b"
    r"(?!\s+(?:about|approx|roughly|simply|just))[\s,:]*"
    r"(?:(?:equivalently|maybe|perhaps|possibly|it\s+is|it's|even)[\s,:]*)*",
    re.I,
)


def boxes(text: str) -> list[Statement]:
    """All outermost LaTeX boxes in one pass; more than `MOST_BOXES` count as none."""
    found: list[Statement] = []
    if "\\boxed" not in text and "\\fbox" not in text and "\\framebox" not in text:
        return found
    depth = 0
    box_depth = -1  # depth at which the current outermost box was opened
    start = inner = 0
    pending: re.Match[str] | None = None
    for token in _BRACES.finditer(text):
        sign = token.group()
        if sign == "{":
            if pending is not None and box_depth < 0 and pending.end() == token.start():
                box_depth, start, inner = depth, pending.start(), token.end()
            depth += 1
        elif sign == "}":
            depth = max(depth - 1, 0)
            if depth == box_depth:
                found.append(Statement(text[inner : token.start()], "boxed", start, token.end()))
                box_depth = -1
        pending = token if sign.startswith(("\\b", "\\f")) else None
    if box_depth >= 0:  # an unclosed box hides what follows: look at the rest on its own
        return found if len(found) <= MOST_BOXES else []
    if not found:
        found = [Statement(m.group(1), "boxed", m.start(), m.end()) for m in _BARE_BOX.finditer(text)]
    return found if len(found) <= MOST_BOXES else []


def _names_an_answer(text: str) -> bool:
    """Whether `_SAID` or `_HEADING` can match at all."""
    plain = text.casefold().replace("\u0307", "").replace("ı", "i")  # re.I takes İ and ı for i as well
    return any(stem in plain for stem in _ANSWER_STEMS)


def _said(text: str) -> list[Statement]:
    found: list[Statement] = []
    if not _names_an_answer(text):
        return found
    for match in [*list(_SAID.finditer(text))[-MOST_BOXES:], *list(_HEADING.finditer(text))[-MOST_BOXES:]]:
        if _SUPPOSED.search(text[max(0, match.start() - 40) : match.start()]):
            continue
        statement = _sentence_from(text, match.end(), "said", match.start())
        if statement is not None:
            found.append(statement)
    found.sort(key=lambda s: s.start)
    return found


def _sentence_from(text: str, position: int, kind: Kind, start: int) -> Statement | None:
    """The rest of the sentence at `position`, or the next line that is not empty; displays stay whole."""
    rest = text[position : position + _LONGEST_STATEMENT]
    body = rest.lstrip(" \t\n*_:>")
    offset = position + len(rest) - len(body)
    for opening, closing in (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")):
        if body.startswith(opening):
            stop = body.find(closing, len(opening))
            if stop > 0:
                sentence = _SENTENCE_END.search(body, stop + len(closing))
                end = sentence.start() if sentence else stop + len(closing)
                return Statement(body[:end].strip(), kind, start, offset + end)
    sentence = _SENTENCE_END.search(body)
    end = sentence.start() if sentence else len(body)
    content = body[:end].strip().strip("*").strip()
    return Statement(content, kind, start, offset + end) if content else None


def _beside(text: str, last: Statement) -> list[Statement]:
    """What a hedge right after the last statement offers as another result ("… or 43")."""
    match = _BESIDE.match(text, last.end)
    position = match.end() if match else also(text, last.end)
    if position is None:
        return []
    other = _sentence_from(text, position, "beside", last.end)
    return [other] if other is not None else []


def last_together(found: list[Statement]) -> list[Statement]:
    """The last statement and those beside it, each text once; too many different ones settle on nothing."""
    together = {found[-1].text: found[-1]}
    first = found[-1]
    for statement in reversed(found[:-1]):
        if first.start - statement.end > NEAR:
            break
        together.setdefault(statement.text, statement)
        first = statement
    return sorted(together.values(), key=lambda s: s.start) if len(together) <= MOST_TOGETHER else []


def _elements(text: str) -> list[Statement]:
    found: list[Statement] = []
    opened: re.Match[str] | None = None
    for tag in _ELEMENT_TAG.finditer(text):
        if not tag.group(1):
            opened = tag
        elif opened is not None:
            found.append(Statement(text[opened.end() : tag.start()], "marked", opened.start(), tag.end()))
            opened = None
    return found


def marked_statements(text: str) -> list[Statement]:
    """Strong statements of the whole text in order: boxes, `####` lines, `<answer>` elements."""
    found = boxes(text)
    if "####" in text:
        found += [Statement(m.group(1), "marked", m.start(), m.end()) for m in _HASHES.finditer(text)]
    found += _elements(text)
    if len(found) > MOST_BOXES:
        return []
    outermost = [s for s in found if not any(o is not s and o.start <= s.start and s.end <= o.end for o in found)]
    return sorted(outermost, key=lambda s: s.start)


def closing_line(text: str) -> list[Statement]:
    """The last line, for answers in words."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return [Statement(lines[-1], "whole" if len(lines) == 1 else "closing", 0, len(text))] if lines else []


def final_statements(text: str, closing: Callable[[str], list[Statement]] = closing_line) -> list[Statement]:
    """The statements of the result that must all be right; empty when the text settles on nothing.

    A statement that is denied, attributed, supposed, asked or taken back counts for nothing; what is put in its place
    does. `said` and `beside` statements after a strong one are claims as well: a reader of theirs may ignore
    those that hold no value at all ("the answer is easy to check"). `closing` finds the result of a text
    that marks none: its last line, unless told otherwise.
    """
    strong = marked_statements(text)
    said = _said(text)
    if not strong and not said:
        return closing(text)
    strong, said = _standing(text, strong, said)
    final = last_together(strong or said) if strong or said else []
    if strong and final:
        later = [s for s in said if s.start >= final[-1].end]
        final += last_together(later) if later else []
    return final + _beside(text, final[-1]) if final else []


def _standing(text: str, strong: list[Statement], said: list[Statement]) -> tuple[list[Statement], list[Statement]]:
    """The statements that stand; what a retraction names counts as said."""
    inside = [s for s in said if not any(s.start <= b.start < s.end for b in strong)]
    starts = sorted(s.start for s in (*strong, *inside))
    kept: list[Statement] = []
    new: list[Statement] = []
    for statement in [*strong, *said]:
        limit = next((start for start in starts if start >= statement.end), len(text))
        end: int | None = statement.end
        if unclaimed(text, statement.start, statement.text, statement.kind == "said"):
            kept = [s for s in kept if s.text.strip() != statement.text.strip()]
            within = put_in_place(statement.text) if statement.kind == "said" else None
            if within is not None:
                new.append(Statement(statement.text[within:], "said", statement.start, statement.end))
                continue
        elif statement.kind == "said" and boxes(statement.text):
            kept.append(statement)  # the box speaks for itself
            continue
        else:
            end = taken_back(text, statement.end, limit, statement.text)
            if end is None:
                kept.append(statement)
                continue
        position = restated(text[:limit], end)
        replaced = _sentence_from(text[:limit], position, "said", position) if position is not None else None
        if replaced is not None and taken_back(text, replaced.end, limit, replaced.text) is None:
            new.append(replaced)
    last = max((s.start for s in kept), default=-1)
    if any(s.start > last for s in new):  # a value put in place of the last statement is the last word
        return [], [max(new, key=lambda s: s.start)]
    return [s for s in kept if s.kind != "said"], [s for s in kept if s.kind == "said"]


_FENCE = re.compile(r"^[ \t]*```[^\n]*\n?", re.M)


def final_block(text: str) -> str:
    """The result where it may fill several lines: a box or element, the last fence, what follows "Answer:", or all."""
    strong = marked_statements(text)
    if strong:
        return strong[-1].text
    fences = list(_FENCE.finditer(text))
    if len(fences) >= 2:
        return text[fences[-2].end() : fences[-1].start()]
    ends = [m.end() for pattern in (_SAID, _HEADING) for m in pattern.finditer(text)]
    if ends:
        return text[max(ends) :].strip(" *_\n\t")
    return text
