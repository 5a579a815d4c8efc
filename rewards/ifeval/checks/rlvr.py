"""The IF-RLVR training types that ask for words at places, marks around words, and counts."""

from __future__ import annotations

import re
from itertools import pairwise

from rlstack.rewards.ifeval import tokens
from rlstack.rewards.ifeval.checks.keywords import as_pattern, letter, letter_frequency, occurrences
from rlstack.rewards.ifeval.checks.length import DIVIDER, divided, filled
from rlstack.rewards.ifeval.registry import (
    count,
    first_phrase,
    holds,
    instruction,
    phrase,
    positive,
    relation,
)
from rlstack.rewards.ifeval.rules import sentences
from rlstack.rewards.ifeval.text import Text

_LOWERCASE_WORD = re.compile(r"\b[a-z]+\b")
_LETTER = re.compile(r"[a-zA-Z]")
_NO_WORD = re.compile(r"[^\w\s]")


@instruction("keywords:word_once", keyword=as_pattern)
def word_once(text: Text, keyword: str) -> bool:
    return occurrences(text, keyword) == 1


@instruction("keywords:word_count_different_numbers", keyword=as_pattern, frequency=count, relation=relation)
def word_count(text: Text, keyword: str, frequency: int, relation: str) -> bool:
    return holds(occurrences(text, keyword), relation, frequency)


@instruction("count:count_increment_word", keyword1=as_pattern, keyword2=as_pattern)
def once_and_twice(text: Text, keyword1: str, keyword2: str) -> bool:
    return occurrences(text, keyword1) == 1 and occurrences(text, keyword2) == 2


@instruction("keywords:exclude_word_harder", keyword=phrase, instruction=phrase, optional=("instruction",))
def exclude_word(text: Text, keyword: str, instruction: str = "") -> bool:
    """Not between two blanks in this case; next to a mark or a line end it may stand, as published."""
    return f" {keyword} " not in text.raw


@instruction("keywords:no_adjacent_consecutive")
def no_adjacent_consecutive(text: Text) -> bool:
    """No word begins with the letter (code point) after the one before it."""
    firsts = [chunk[0].lower() for chunk in text.chunks]
    if len(firsts) > 1 and any(len(first) != 1 for first in firsts):
        return False
    return all(ord(b) - ord(a) != 1 for a, b in pairwise(firsts))


@instruction("keywords:palindrome")
def palindrome(text: Text) -> bool:
    """Any chunk that reads the same backwards, "a" too."""
    return any(chunk == chunk[::-1] for chunk in text.chunks)


@instruction("keywords:keyword_specific_position", keyword=first_phrase, n=positive, m=positive)
def keyword_at(text: Text, keyword: str, n: int, m: int) -> bool:
    """The m-th token of the n-th sentence; marks are tokens and case matters."""
    if len(text.ruled_sentences) < n:
        return False
    return tokens.words(text.ruled_sentences[n - 1])[m - 1 : m] == [keyword]


@instruction("keywords:start_end")
def start_end(text: Text) -> bool:
    """First and last token alike but for case."""
    return len(text.tokens) > 1 and text.tokens[0].lower() == text.tokens[-1].lower()


@instruction("first_word:first_word_sent", first_word=first_phrase)
def first_word_of_sentences(text: Text, first_word: str) -> bool:
    return all(one and one.split()[0].lower() == first_word.lower() for one in text.ruled_sentences)


@instruction("first_word:first_word_answer", first_word=phrase)
def first_word_of_answer(text: Text, first_word: str) -> bool:
    return text.chunks[0].lower() == first_word.lower()


@instruction("last_word:last_word_sent", last_word=first_phrase)
def last_word_of_sentences(text: Text, last_word: str) -> bool:
    return all(one and _last_word(one) == last_word.lower() for one in text.ruled_sentences)


@instruction("last_word:last_word_answer", last_word=phrase)
def last_word_of_answer(text: Text, last_word: str) -> bool:
    return _last_word(text.raw) == last_word.lower()


def _last_word(text: str) -> str:
    """The last chunk without its marks, in lower case."""
    return _NO_WORD.sub("", text.rsplit(None, 1)[-1].strip()).lower()


@instruction("paragraphs:paragraphs")
def two_divided(text: Text) -> bool:
    return divided(text) == 2


@instruction("paragraphs:paragraphs2")
def two_paragraphs(text: Text) -> bool:
    return filled(text.raw.split("\n\n")) == 2


@instruction("detectable_format:sentence_hyphens")
def sentence_hyphens(text: Text) -> bool:
    """What stands between hyphens is one sentence each, without white space at its ends."""
    wanted = sentences(text.raw.replace("-", " "))
    return all(part == part.strip() == one for part, one in zip(text.raw.split("-"), wanted, strict=False))


@instruction("detectable_format:square_brackets")
def square_brackets(text: Text) -> bool:
    return all(chunk[0] == "[" and chunk[-1] == "]" for chunk in text.chunks)


@instruction("detectable_format:bigram_wrapping")
def bigram_wrapping(text: Text) -> bool:
    """Each <<two words>>; an odd last one is free."""
    pairs = zip(text.chunks[::2], text.chunks[1::2], strict=False)
    return all(first.startswith("<<") and second.endswith(">>") for first, second in pairs)


@instruction("punctuation:punctuation_dot")
def no_dot(text: Text) -> bool:
    return "." not in text.raw


@instruction("punctuation:punctuation_exclamation")
def no_exclamation(text: Text) -> bool:
    return "!" not in text.raw


@instruction("count:lowercase_counting", N=positive)
def lowercase_counting(text: Text, N: int) -> bool:
    """At most so many words of the letters a to z only."""
    return sum(1 for _ in _LOWERCASE_WORD.finditer(text.raw)) <= N


@instruction("letters:letter_counting", N=positive, relation=relation)
def letter_counting(text: Text, N: int, relation: str) -> bool:
    return holds(len(_LETTER.findall(text.raw)), relation, N)


@instruction("letters:letter_counting2", letter=letter, let_frequency=count, let_relation=relation)
def letter_counting2(text: Text, letter: str, let_frequency: int, let_relation: str) -> bool:
    return letter_frequency(text, letter, let_frequency, let_relation)


@instruction("count:count_unique")
def count_unique(text: Text) -> bool:
    """No token twice in the same case; marks are tokens, so only one full stop."""
    return len(set(text.tokens)) == len(text.tokens)


@instruction("count:counting_composition", n_sent=positive, n_words=positive)
def counting_composition(text: Text, n_sent: int, n_words: int) -> bool:
    """Three paragraphs between `***`, each of so many sentences, each of so many tokens."""
    parts = DIVIDER.split(text.raw)
    if len(parts) != 3:
        return False
    for part in parts:
        cut = sentences(part)
        if len(cut) != n_sent or any(len(tokens.words(one)) != n_words for one in cut):
            return False
    return True
