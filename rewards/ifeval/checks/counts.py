"""IFBench `count:` and `ratio:`: how much of what is in the response."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from rlstack.rewards.ifeval import tokens
from rlstack.rewards.ifeval.registry import count, instruction, number, phrase, positive, string
from rlstack.rewards.ifeval.text import Text
from rlstack.rewards.ifeval.wordlists import PERSON_NAMES, PRONOUNS, STOP_WORDS

_DIGITS = re.compile(r"\d+")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_CONJUNCTIONS = frozenset(("and", "but", "for", "nor", "or", "so", "yet"))
_SENTENCE_MARKS = frozenset(".,!?;:")
_SLACK = 2  # percentage points


@instruction("count:word_count_range", min_words=count, max_words=count)
def word_count_range(text: Text, min_words: int, max_words: int) -> bool:
    return min_words <= len(text.words) <= max_words


@instruction("count:unique_word_count", N=count)
def unique_word_count(text: Text, N: int) -> bool:
    """Different chunks, marks at their ends and case apart; a chunk of marks only counts as one word, once."""
    return len({chunk.strip(Text.MARKS) for chunk in text.lower.split()}) >= N


@instruction("count:conjunctions", small_n=count)
def conjunctions(text: Text, small_n: int) -> bool:
    """Different spellings of coordinating conjunctions: "and", "And" and "and," are three, as published."""
    return len({chunk for chunk in text.chunks if chunk.strip(Text.MARKS).lower() in _CONJUNCTIONS}) >= small_n


@instruction("count:person_names", N=count)
def person_names(text: Text, N: int) -> bool:
    """Different names of a fixed list, as whole words in this case."""
    return len(PERSON_NAMES & set(text.words)) >= N


@instruction("count:numbers", N=count)
def numbers(text: Text, N: int) -> bool:
    """Exactly so many runs of digits once all marks are gone: 1,000 is one, 2020-21 too."""
    return len(_DIGITS.findall(text.plain)) == N


@instruction("count:punctuation")
def punctuation(text: Text) -> bool:
    """An interrobang, and beside it each of . , ! ? ; and :."""
    raw = text.raw
    if not any(mark in raw for mark in ("?!", "!?", "‽")):
        return False
    rest = raw.replace("?!", "", 1) if "?!" in raw else raw.replace("!?", "", 1)
    return set(rest) >= _SENTENCE_MARKS


@instruction("count:words_japanese", N=positive)
def words_japanese(text: Text, N: int) -> bool:
    """Every N-th chunk holds kana or kanji, unless it is marks or a number."""
    due = (chunk.strip(Text.MARKS) for chunk in text.chunks[N - 1 :: N])
    return all(not word or word.isdigit() or _JAPANESE.search(word) for word in due)


@instruction("count:pronouns", N=count)
def pronouns(text: Text, N: int) -> bool:
    return sum(token in PRONOUNS for token in tokens.words(text.raw.replace("/", " ").lower())) >= N


@lru_cache(maxsize=4096)
def _whole_word(word: str) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)


def times(text: str, word: str) -> int:
    """How often a word occurs as a whole, ignoring case; its signs stand for themselves."""
    return sum(1 for _ in _whole_word(word).finditer(text))


def keyword(value: object) -> str:
    return string(value).strip()


@instruction(
    "count:keywords_multiple",
    keyword1=keyword,
    keyword2=keyword,
    keyword3=keyword,
    keyword4=keyword,
    keyword5=keyword,
)
def keywords_multiple(text: Text, **keywords: str) -> bool:
    """Whole words, exactly once, twice, 3, 5 and 7 times."""
    wanted = (1, 2, 3, 5, 7)
    return all(times(text.raw, keywords[f"keyword{k}"]) == n for k, n in enumerate(wanted, 1))


@instruction("ratio:stop_words", percentage=number)
def stop_words(text: Text, percentage: float) -> bool:
    stops = sum(word.lower() in STOP_WORDS for word in text.words)
    return bool(text.words) and stops / len(text.words) * 100 <= percentage


def _ending(sentences: Collection[str], mark: str) -> int:
    return sum(one.endswith(mark) for one in sentences)


@instruction("ratio:sentence_type")
def sentence_type(text: Text) -> bool:
    """Twice as many sentences that end in `.` as in `?`; none of either passes, as published."""
    return _ending(text.sentences, ".") == 2 * _ending(text.sentences, "?")


@instruction("ratio:sentence_balance")
def sentence_balance(text: Text) -> bool:
    return len({_ending(text.sentences, mark) for mark in ".?!"}) == 1


@instruction("ratio:sentence_words")
def sentence_words(text: Text) -> bool:
    """Three sentences of one length in characters, no word twice."""
    cut = [one.strip() for one in text.sentences]
    if len(cut) != 3 or len({len(one) for one in cut}) != 1:
        return False
    words = Text(" ".join(cut)).plain_words
    return len(words) == len(set(words))


@instruction("ratio:overlap", reference_text=phrase, percentage=number)
def overlap(text: Text, reference_text: str, percentage: float) -> bool:
    """The share of different token triples that the reference has too, within two points of the percentage."""
    triples = set(zip(text.tokens, text.tokens[1:], text.tokens[2:], strict=False))
    if not triples:
        return False
    share = len(triples & _triples(reference_text)) / len(triples) * 100
    return percentage - _SLACK <= share <= percentage + _SLACK


@lru_cache(maxsize=256)
def _triples(text: str) -> frozenset[tuple[str, str, str]]:
    cut = tokens.words(text)
    return frozenset(zip(cut, cut[1:], cut[2:], strict=False))
