"""Which words and letters occur, and how often."""

from __future__ import annotations

from collections.abc import Callable

from rlstack.rewards.ifeval import pattern
from rlstack.rewards.ifeval.registry import count, holds, instruction, phrase, relation, string, strings
from rlstack.rewards.ifeval.text import Text


def as_pattern(value: object) -> str:
    """A keyword that compiles. It is a regular expression because the published code takes it as one."""
    pattern.counter(word := phrase(value))
    return word


def as_patterns(value: object) -> tuple[str, ...]:
    for word in (words := strings(value)):
        pattern.counter(word)
    return words


def as_words(value: object) -> tuple[str, ...]:
    for word in (words := strings(value)):
        whole(word)
    return words


def whole(word: str) -> Callable[[str], int]:
    return pattern.counter(word, before=r"\b", after=r"\b")


def occurrences(text: Text, keyword: str) -> int:
    """Matches of the keyword anywhere, also inside words, ignoring case."""
    return pattern.counter(keyword)(text.raw)


@instruction("keywords:existence", keywords=as_patterns)
def existence(text: Text, keywords: tuple[str, ...]) -> bool:
    return all(occurrences(text, keyword) for keyword in keywords)


@instruction("keywords:frequency", keyword=as_pattern, frequency=count, relation=relation)
def frequency(text: Text, keyword: str, frequency: int, relation: str) -> bool:
    return holds(occurrences(text, keyword), relation, frequency)


@instruction("keywords:forbidden_words", forbidden_words=as_words)
def forbidden_words(text: Text, forbidden_words: tuple[str, ...]) -> bool:
    """Whole words only: "cat" may occur in "category"."""
    return not any(whole(word)(text.raw) for word in forbidden_words)


def letter(value: object) -> str:
    if len(string(value)) != 1:
        raise ValueError(f"{value!r} is not one character")
    return str(value).strip().lower()


@instruction("keywords:letter_frequency", letter=letter, let_frequency=count, let_relation=relation)
def letter_frequency(text: Text, letter: str, let_frequency: int, let_relation: str) -> bool:
    """Upper and lower case count alike; any one character is a letter here, "#" too."""
    return holds(text.lower.count(letter) if letter else 0, let_relation, let_frequency)
