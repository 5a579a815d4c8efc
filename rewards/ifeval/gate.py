"""The content gate: does the response say anything of its own, beyond meeting its constraints?

Form alone is cheap: a text of markers, filler and required keywords satisfies most constraint checkers and
answers nothing. The gate refuses what no reader would take for an answer and lets everything doubtful pass, so
that it never overrules a real answer. It reads four signs:

- words of its own: letters in any script, outside the keywords that the constraints hand over;
- variety: how many different words there are for the length (Guiraud's V/√N), and how many different triples;
- the topic: word stems shared with the prompt, constraint keywords apart;
- the echo: how much of the response is the prompt given back.

Only nothing at all, plain repetition or a bare echo refuses alone. No shared topic refuses only together with a
second sign, since a good answer may use other words or another language than its prompt. Where the data say which
words the topic goes by (`topic`), one of them is demanded.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from rlstack.rewards.ifeval.wordlists import ABOUT_FORM, FUNCTION_WORDS

MIN_WORDS = 3  # different words of its own
SHORT = 5  # words: below this a reply off the topic is no answer
LONG = 40  # words: from here on variety can be measured
FEW_TRIPLES = 0.2  # share of different triples in plain repetition
POOR, POOR_OFF_TOPIC = 1.6, 3.2  # V/√N; English prose of 50 to 1000 words lies between 5 and 13
FEW_FUNCTION_WORDS = 0.04  # English prose has .3 to .5
ECHO = 0.9  # share of triples taken from the prompt

_WORD = re.compile(r"[^\W\d_]+")
# Scripts written without spaces: each sign stands for about half a word.
_DENSE = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_PARTED = re.compile("[\u0041-\u052f\u1e00-\u1fff\uac00-\ud7a3]")  # Latin, Greek, Cyrillic, Hangul: words stand apart


def refusal(response: str, prompt: str, values: Iterable[Mapping[str, Any]], copies: bool) -> str:
    """Why the response has no content of its own, or "" if it may have.

    `values` are the kwargs of the instructions; `copies` says that giving the prompt back is asked for.
    """
    words = [word.lower() for word in _WORD.findall(response)]
    dense = _DENSE.search(response) is not None
    length = len(words) + (len(_DENSE.findall(response)) // 2 if dense else 0)
    given = _given(values)
    own = {word for word in words if word not in given}
    if not dense and len(own) < MIN_WORDS:
        return f"{len(own)} different words of its own"
    if dense:
        return "" if len(set(_DENSE.findall(response))) + len(own) >= MIN_WORDS else "hardly a sign of its own"
    triples = list(zip(words, words[1:], words[2:], strict=False))
    variety = len(set(words)) / length**0.5
    if length >= LONG and (variety < POOR or len(set(triples)) < FEW_TRIPLES * len(triples)):
        return "it repeats itself"
    if not prompt:
        return ""
    asked_triples, topic = _prompt_signs(prompt)
    if not copies and triples and sum(one in asked_triples for one in triples) > ECHO * len(triples):
        return "it gives the prompt back"
    topic = topic - {_stem(word) for word in given}
    if len(topic) < MIN_WORDS or any(_stem(word) in topic for word in own):
        return ""
    return _off_topic(words, variety, triples, prompt)


def misses(response: str, topic: Iterable[str]) -> bool:
    """Whether none of the words or stems of `topic` stands in the response.

    A stem counts at the head of a word, so that its inflected forms do; where words are not parted by spaces, or take
    prefixes as in Arabic, anywhere.
    """
    text = unicodedata.normalize("NFKC", response).casefold()
    for stem in topic:
        stem = unicodedata.normalize("NFKC", stem).casefold().strip()
        found = text.find(stem)
        while found >= 0:
            if not _PARTED.match(stem) or found == 0 or not text[found - 1].isalpha():
                return False
            found = text.find(stem, found + 1)
    return True


def _off_topic(words: list[str], variety: float, triples: list[tuple[str, str, str]], prompt: str) -> str:
    """For a response that shares no word with its prompt: is there a second sign?"""
    if not all(map(str.isascii, words)) or not _is_english(prompt):
        return ""
    if len(words) < SHORT:
        return "too short to answer without a word of the prompt"
    if len(words) < LONG:
        return ""
    if variety < POOR_OFF_TOPIC or len(set(triples)) < 0.5 * len(triples):
        return "it repeats itself and shares no word with the prompt"
    if sum(word in FUNCTION_WORDS for word in words) < FEW_FUNCTION_WORDS * len(words):
        return "a list of words that shares none with the prompt"
    return ""


def _given(values: Iterable[Mapping[str, Any]]) -> set[str]:
    """Words that the constraints hand over: using them is following, not answering."""
    found: set[str] = set()
    for kwargs in values:
        for key, value in kwargs.items():
            if key in ("prompt_to_repeat", "reference_text"):
                continue
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str):
                    found.update(word.lower() for word in _WORD.findall(text))
    return found


@lru_cache(maxsize=4096)
def _prompt_signs(prompt: str) -> tuple[frozenset[tuple[str, str, str]], frozenset[str]]:
    """Triples of the prompt and the stems of its topic."""
    words = [word.lower() for word in _WORD.findall(prompt[:100_000])]
    topic = {_stem(word) for word in words if len(word) > 3 and word not in FUNCTION_WORDS | ABOUT_FORM}
    return frozenset(zip(words, words[1:], words[2:], strict=False)), frozenset(topic)


def _is_english(prompt: str) -> bool:
    words = [word.lower() for word in _WORD.findall(prompt[:100_000])]
    return sum(word in FUNCTION_WORDS for word in words) > 0.15 * len(words)


def _stem(word: str) -> str:
    """The first five letters: crude, and errs towards seeing a shared topic."""
    return word[:5]
