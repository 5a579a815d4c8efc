"""Words as the published graders cut them: Penn Treebank conventions in the dialect of NLTK 3.9.

Each sentence goes through an ordered list of substitutions that put spaces around what is to become a token
of its own; then it is split at spaces. The order is part of the definition. Every pattern is linear.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rlstack.rewards.ifeval.punkt import sentences

_QUOTES_OPEN = (
    (re.compile(r"[«“‘„]|`+"), r" \g<0> "),
    (re.compile(r'^"'), "``"),
    (re.compile(r"``"), " `` "),
    (re.compile(r"""([ (\[{<])(?:"|'')"""), r"\1 `` "),
    (re.compile(r"(?i)'(?!re|ve|ll|[mtsdn])(\w)\b"), r"' \1"),
)
_QUOTES_CLOSE = (
    (re.compile(r"[»”’]"), r" \g<0> "),
    (re.compile(r"""''|\""""), " '' "),
    (re.compile(r"\s+"), " "),
    (re.compile(r"([^' ])('[sSmMdD]?) "), r"\1 \2 "),
    (re.compile(r"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) "), r"\1 \2 "),
)
_COLON_COMMA = ((re.compile(r"([:,])(\D)"), r" \1 \2"), (re.compile(r"[:,]$"), r" \g<0> "))
_DOTS = (re.compile(r"\.{2,}"), r" \g<0> ")
_LONE_QUOTE = (re.compile(r"([^'])' "), r"\1 ' ")
_SIGNS = str.maketrans({sign: f" {sign} " for sign in ";@#$%&"})
_EXCLAIM = str.maketrans({sign: f" {sign} " for sign in "?!"})
_BRACKETS = str.maketrans({sign: f" {sign} " for sign in "*[](){}<>"})
_FUSED = (
    re.compile(r"(?i)\b(can)(not)\b"),
    re.compile(r"(?i)\b(d)('ye)\b"),
    re.compile(r"(?i)\b(gim)(me)\b"),
    re.compile(r"(?i)\b(gon)(na)\b"),
    re.compile(r"(?i)\b(got)(ta)\b"),
    re.compile(r"(?i)\b(lem)(me)\b"),
    re.compile(r"(?i)\b(more)('n)\b"),
    re.compile(r"(?i)\b(wan)(na)(?=\s)"),
    re.compile(r"(?i) ('t)(is)\b"),
    re.compile(r"(?i) ('t)(was)\b"),
)
_FUSED_HINT = re.compile(r"(?i)cannot|d'ye|gimme|gonna|gotta|lemme|more'n|wanna|'tis|'twas")


def _final_stop(text: str, closers: str, gap: str) -> str:
    """Sets off the last full stop when only `closers` follow it: a search from the end, so linear."""
    tail = text.rstrip()
    stem = tail.rstrip(closers)
    if len(stem) < 2 or stem[-1] != "." or stem[-2] == ".":
        return text
    return f"{stem[:-1]} . {gap}{tail[len(stem) :]} "


def _sentence_words(text: str) -> list[str]:
    for pattern, by in _QUOTES_OPEN:
        text = pattern.sub(by, text)
    text = _final_stop(text, "])}>\"'»”’ ", " ")
    for pattern, by in _COLON_COMMA:
        text = pattern.sub(by, text)
    if ".." in text:
        text = _DOTS[0].sub(_DOTS[1], text)
    text = text.translate(_SIGNS)
    text = _final_stop(text, "])}>\"'", "")
    text = text.translate(_EXCLAIM)
    if "' " in text:
        text = _LONE_QUOTE[0].sub(_LONE_QUOTE[1], text)
    text = text.translate(_BRACKETS).replace("--", " -- ")
    text = f" {text} "
    for pattern, by in _QUOTES_CLOSE:
        text = pattern.sub(by, text)
    if _FUSED_HINT.search(text):
        for pattern in _FUSED:
            text = pattern.sub(r" \1 \2 ", text)
    return text.split()


# The loose variants of a response share most of their sentences. Only short ones are kept, so memory stays small.
_kept = lru_cache(maxsize=2048)(_sentence_words)
_KEPT_LENGTH = 400


def words(text: str) -> list[str]:
    """All tokens of `text`, punctuation marks among them."""
    found: list[str] = []
    for sentence in sentences(text):
        found += _kept(sentence) if len(sentence) <= _KEPT_LENGTH else _sentence_words(sentence)
    return found
