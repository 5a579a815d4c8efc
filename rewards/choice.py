"""Multiple choice: the option that the answer settles on.

`data`: `{"answer": "B", "options"?: ["…", …], "letters"?: "ABCD"}`. Forms that count: `Answer: B`, "the answer is
(B)", `\\boxed{B}`, `<answer>B</answer>`, a lone `B` or `(B) text of the option`, or the exact text of one option.
The last statement counts; different letters side by side are undecided and score 0. A text that marks no answer may
settle on one in its closing sentence ("So option B is right.", "The metal must be iron."). A letter that merely occurs
in the text never counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.conclusion import Mention, concluded, name_mentions
from rlstack.rewards._answer.final import NEAR, Statement, closing_line, final_statements
from rlstack.rewards._answer.plain import plain, tail
from rlstack.rewards._answer.value import bare

DEADLINE_S = 1.0
LONGEST = 400  # characters of a statement that are looked at
_SO = r"(?:(?:so|thus|hence|therefore)\b[,:]?\s*)"
_WILL = r"(?:\s+would|\s+will|['’]d|['’]ll)?\s+(?:therefore\s+|thus\s+)?"
_PICK = rf"(?:(?:i|we){_WILL}(?:choose|pick|select|go\s+with|answer)\s+)"
_IT = r"(?:(?:it|that)(?:\s+is|['’]s|\s+must\s+be)\s+)"
_NOUN = r"(?:option|choice|answer|letter|alternative|statement)s?(?:\s+is)?\s*:?\s*"
_SURELY = r"(?:(?:most\s+)?(?:likely|probably|clearly|definitely|indeed|simply|just|therefore)\s+)"
_WORDS = re.compile(
    rf"{_SO}?{_PICK}?{_IT}?(?:(?:the|my)\s+)?(?:(?:correct|right|best|final)\s+)?(?:{_NOUN})?{_SURELY}?(?:{_NOUN})?",
    re.I,
)
_DECIDES = re.compile(rf"{_SO}|{_PICK}|(?:the\s+)?(?:(?:correct|right|best)\s+)?(?:option|choice)\b", re.I)
_LETTER = re.compile(
    r"[\s*_`\"'$({\[<]*(?:\\(?:text|textbf|mathrm|mathbf|boxed)\s*\{\s*)*[({\[]?\s*([A-Za-z])\s*(?:[)\]}>*_`\"'$\s]|\\\))*"
    r"(?:[.:,;)\-–—。]|(?=\()|\b(?:because|since|as)\b|\bis\s+(?:the\s+)?(?:correct|right|best)\b|です|$)(.*)",
    re.S,
)
_NAMED = re.compile(
    r"(\b(?:[Oo]ption|[Cc]hoice|[Aa]nswer|[Aa]lternative|[Ll]etter|[Ss]tatement)\s+)?(?:[(\[]([A-Z])[)\]]|(?<![\w'’.-])([A-Z])(?![\w'’-]))"
)
_BUT = re.compile(r"[\s.,;:)*_$\]}]*(?:but|however|though|although|or|alternatively|wait|then\s+again)\b([^\n]*)", re.I)
_DENIED = re.compile(r"\b(?:not|wrong|incorrect|false|cannot|isn't|fails|excluded)\b", re.I)
_REJECTED = re.compile(
    r",?\s*(?:\b(?:and|but)\s+)?\b(?:not|rather\s+than|instead\s+of)\s+(?:option\s+)?[(\[]?[A-Z](?:[)\]]|\b)"
)
_OTHERS_FAIL = re.compile(
    r"[,;.]?\s*(?:\b(?:and|but|while|whereas|so)\s+)?(?:(?:option\s+)?[(\[]?(?P<letter>[A-Z])[)\]]?|(?:all\s+)?(?:the\s+)?(?:others?|rest)"
    r"(?:\s+(?:options?|ones))?)\s*\b(?:(?:is|are)\s+(?:wrong|incorrect|false|not(?:\s+(?:right|correct|true))?)|isn['’]t|aren['’]t)"
    r"[.!]?$"
)
_ANOTHER = re.compile(r"\W*(?:(?:or|and)\b(?!\s+not\b)|[/&|]|[(\[]?[a-z][)\]])")  # right after an option's text
_UNDECIDED = re.compile(
    r"\b(?:or|either|neither|both|and|not|none|unsure|maybe|perhaps|possibly|cannot|can't|depends|ambiguous|unclear|unknown|another)\b|[/&|?]",
    re.I,
)


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 if the answer settles on the gold option, else 0."""
    options = data.get("options") or ()
    if not isinstance(options, list | tuple):
        return invalid("data['options'] must be a list of texts")
    letters = _letters(data, options)
    gold = _gold(data.get("answer"), options, letters)
    if gold is None:
        return invalid("data['answer'] must be the letter (or the text) of one option")
    text = tail(plain(response.answer))
    found = final_statements(text, closing_line)
    if not found:
        return judged(0.0, "no option chosen")
    statements = [s for s in found if not _empty(s, options, letters)] or closing_line(text)
    chosen = {_chosen(s, options, letters) for s in statements}
    if chosen == {None}:
        chosen = {_chosen(s, options, letters) for s in _unmarked(text)}
        chosen |= {c for s in _decided_before(text) if chosen - {None} and (c := _chosen(s, options, letters))}
    unmarked = all(s.kind in ("closing", "whole") for s in statements)
    if unmarked and chosen <= {None}:
        chosen = {concluded(text, lambda part: _mentions(part, options, letters), alone=True)}
    if unmarked:
        chosen |= _lone_letters(text, letters)
    if chosen == {gold} and _doubted(text[statements[-1].end :], gold, letters):
        return judged(0.0, "undecided")
    if chosen == {gold}:
        return judged(1.0, f"chose {gold}")
    named = sorted(c for c in chosen if c)
    return judged(0.0, f"chose {' and '.join(named)}" if named else "no option chosen")


def _unmarked(text: str) -> list[Statement]:
    """The last sentence if it decides ("…. So B."), else the first line if an explanation follows it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    sentence = re.split(r"(?<=[.!?])\s+", lines[-1][-LONGEST:])[-1]
    if _DECIDES.match(sentence):
        return [Statement(sentence, "said", 0, len(text))]
    return [Statement(lines[0], "said", 0, len(text))] if len(lines) > 1 else []


def _decided_before(text: str) -> list[Statement]:
    """Sentences shortly before the last one that decide as well ("So A. So B." settles on nothing)."""
    sentences = re.split(r"(?<=[.!?])\s+|\n+", text.rstrip()[-NEAR:])[:-1]
    return [Statement(s, "said", 0, len(text)) for s in sentences if _DECIDES.match(s)]


def _mentions(sentence: str, options: Sequence[Any], letters: str) -> list[Mention]:
    """Options named in a sentence: a capital in brackets, behind "option" or alone (but no article A, no pronoun I),
    or the text of an option."""
    found: list[Mention] = []
    for match in _NAMED.finditer(sentence):
        letter = match.group(2) or match.group(3)
        if letter in letters and (match.group(1) or match.group(2) or letter not in "AI"):
            found.append((match.start(), match.end(), letter))
    spelled = [bare(str(option)) for option in options[: len(letters)]]
    texts = [(t, letters[k]) for k, t in enumerate(spelled) if len(t) > 1 and spelled.count(t) == 1]
    found += [m for m in name_mentions(sentence, texts) if not any(a < m[1] and m[0] < b for a, b, _ in found)]
    return sorted(found)


def _lone_letters(text: str, letters: str) -> set[str | None]:
    """Letters that stand alone on a line: in a text that marks no answer each is as good as the last."""
    return {m.group(1) for m in re.finditer(rf"^[ \t]*[(\[*]*([{letters}])[)\].*]*[ \t]*$", text, re.M)}


def _doubted(after: str, letter: str, letters: str) -> bool:
    """Whether the text takes its decision back ("B. But it could also be C")."""
    match = _BUT.match(after[:LONGEST])
    if match is None or _DENIED.search(match.group()):
        return False
    named = re.findall(rf"(?<![A-Za-z'])([{letters}])(?![A-Za-z'])", match.group(1))
    return any(name != letter for name in named)


def _letters(data: Mapping[str, Any], options: Sequence[Any]) -> str:
    letters = data.get("letters")
    if isinstance(letters, str) and letters:
        return letters.upper()
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(options) or 10]


def _gold(answer: Any, options: Sequence[Any], letters: str) -> str | None:
    if isinstance(answer, bool) or not isinstance(answer, str | int):
        return None
    if isinstance(answer, int):  # an index into options, as some data sets have it
        return letters[answer] if 0 <= answer < len(letters) and options else None
    letter = answer.strip().strip("().").upper()
    if len(letter) == 1 and letter in letters:
        return letter
    return _by_text(answer, options, letters)


def _by_text(text: str, options: Sequence[Any], letters: str) -> str | None:
    same = [k for k, option in enumerate(options[: len(letters)]) if bare(str(option)) == bare(text)]
    return letters[same[0]] if len(same) == 1 and bare(text) else None


def _chosen(statement: Statement, options: Sequence[Any], letters: str) -> str | None:
    text = statement.text.strip()[:LONGEST]
    by_text = _by_text(text, options, letters)
    if by_text is not None and not (len(bare(text)) == 1 and bare(text).upper() in letters):
        return by_text
    text = _WORDS.sub("", text, count=1) if _WORDS.match(text) else text
    match = _LETTER.fullmatch(text)
    if match is None:
        return _by_text(text, options, letters)
    letter, rest = match.group(1), match.group(2).strip()
    if letter.upper() not in letters or (letter.islower() and not _marked(statement, text, letter)):
        return None
    return letter.upper() if _agrees(letter.upper(), rest, options, letters) else None


def _marked(statement: Statement, text: str, letter: str) -> bool:
    """A small letter counts alone or in brackets, not as the article "a"."""
    return (
        bare(text).strip("()[]{} ") == letter
        or f"({letter})" in text
        or (statement.kind != "closing" and text[:2] == f"{letter})")
    )


def _agrees(letter: str, rest: str, options: Sequence[Any], letters: str) -> bool:
    """What follows the letter: nothing, the option's own text, or a reason that names no other option."""
    others_fail = _OTHERS_FAIL.search(rest)
    if others_fail is not None and others_fail.group("letter") != letter:
        rest = rest[: others_fail.start()]
    rest = _REJECTED.sub("", rest).strip(" \t\n.,()}]*_$:")
    if re.match(r"(?:if|unless|provided|assuming|when)\b", rest, re.I):
        return False
    if not rest:
        return True
    index = letters.index(letter)
    if index < len(options) and (beyond := _after(bare(str(options[index])), bare(rest))) is not None:
        return not _ANOTHER.match(beyond)
    if options and any(bare(rest) == bare(str(o)) for o in options):
        return False
    other = re.search(rf"(?<![A-Za-z'])[({{\[]?([{letters}])[)}}\]]?(?![A-Za-z'])", rest)
    if (
        other is not None
        and other.group(1) != letter
        and not (other.group(1) in "AI" and rest[other.end() : other.end() + 1] == " ")
    ):
        return False
    return not _UNDECIDED.search(rest.split(".")[0]) or (len(rest) > 40 and not re.match(r"\W*(?:or|and|/|&|\?)", rest))


def _after(option: str, rest: str) -> str | None:
    """What follows the option's text at the head of `rest`; None where it does not stand there as whole words."""
    match = re.match(re.escape(option) + r"(?!\w)", rest) if option else None
    return rest[match.end() :] if match else None


def _empty(statement: Statement, options: Sequence[Any], letters: str) -> bool:
    """A remark beside a decision that names nothing ("the answer is explained above")."""
    rest = _WORDS.sub("", statement.text.strip()[:LONGEST], count=1)
    return statement.kind == "said" and not _LETTER.fullmatch(rest) and _chosen(statement, options, letters) is None
