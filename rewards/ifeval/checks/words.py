"""IFBench `words:` and `sentence:`: which words may follow which, and where they stand."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from rlstack.rewards.ifeval import tokens
from rlstack.rewards.ifeval.checks.counts import keyword, times
from rlstack.rewards.ifeval.registry import count, instruction, positive
from rlstack.rewards.ifeval.registry import string as text_value
from rlstack.rewards.ifeval.text import Text
from rlstack.rewards.ifeval.verbs import begins_with_verb

_ALPHABET = string.ascii_lowercase
_CONSONANTS = frozenset("bcdfghjklmnpqrstvwxyz")
_PRIMES = frozenset(n for n in range(2, 98) if all(n % d for d in range(2, n)))


@instruction("words:alphabet")
def alphabet(text: Text) -> bool:
    """Each word begins with the letter after the one before, z being followed by a."""
    words = text.plain.split()
    first = words[0][0].lower() if words else "-"
    if first not in _ALPHABET:
        return False
    due = _ALPHABET.index(first)
    return all(word.lower()[0] == _ALPHABET[(due + k) % 26] for k, word in enumerate(words))


@instruction("words:vowel")
def few_vowels(text: Text) -> bool:
    """One line with at most three different vowels of a, e, i, o, u."""
    return "\n" not in text.stripped and len(set("aeiou") & set(text.lower)) <= 3


@instruction("words:consonants")
def consonants(text: Text) -> bool:
    """Every chunk has two consonants side by side."""
    return all(any(a in _CONSONANTS and b in _CONSONANTS for a, b in pairwise(chunk)) for chunk in text.lower.split())


@instruction("words:palindrome")
def palindromes(text: Text) -> bool:
    return sum(len(word) >= 5 and word == word[::-1] for word in text.plain.lower().split()) >= 10


@instruction("words:prime_lengths")
def prime_lengths(text: Text) -> bool:
    return all(len(word) in _PRIMES for word in text.plain.split())


@instruction("words:repeats", small_n=count)
def repeats(text: Text, small_n: int) -> bool:
    return max(Counter(text.plain_words).values(), default=0) <= small_n


@instruction("words:no_consecutive")
def no_consecutive(text: Text) -> bool:
    return all(a[0] != b[0] for a, b in pairwise(text.plain_words))


@instruction("words:odd_even_syllables")
def odd_even_syllables(text: Text) -> bool:
    import syllapy

    parities = [syllapy.count(word) % 2 for word in text.plain.lower().split()]
    return all(a != b for a, b in pairwise(parities))


@instruction("words:start_verb")
def start_verb(text: Text) -> bool:
    return begins_with_verb(text.tokens)


@instruction("words:last_first")
def last_first(text: Text) -> bool:
    """The last word of a sentence is the first of the next, marks and case apart."""
    for sentence, following in pairwise(text.sentences):
        last, first = sentence.rstrip(Text.MARKS).split(), following.lstrip(Text.MARKS).split()
        if not last or not first or last[-1].lower() != first[0].lower():
            return False
    return True


@instruction("words:paragraph_last_first")
def paragraph_last_first(text: Text) -> bool:
    """Each line with a word in it begins and ends with the same one."""
    lines = (line.strip().lower().strip(Text.MARKS).split() for line in text.raw.split("\n"))
    return all(words[0] == words[-1] for words in lines if words)


def wordlike(found: Iterable[str]) -> list[str]:
    """Tokens with a letter or a digit in them."""
    return [token for token in found if any(map(str.isalnum, token))]


@instruction("words:keywords_specific_position", keyword=keyword, n=positive, m=positive)
def keyword_at(text: Text, keyword: str, n: int, m: int) -> bool:
    """The m-th word of the n-th sentence, ignoring case; marks are no words here."""
    if len(text.sentences) < n:
        return False
    found = wordlike(tokens.words(text.sentences[n - 1]))
    return len(found) >= m and found[m - 1].lower() == keyword.lower()


@instruction("words:words_position", keyword=keyword)
def second_and_last_but_one(text: Text, keyword: str) -> bool:
    found = wordlike(text.tokens)
    return len(found) > 1 and found[1].lower() == found[-2].lower() == keyword.lower()


@instruction("sentence:keyword", word=text_value, N=count)
def sentence_keyword(text: Text, word: str, N: int) -> bool:
    """The word as a whole in the N-th sentence; 0 stands for the last one."""
    return len(text.sentences) >= N and times(text.sentences[N - 1], word) > 0


@instruction("sentence:increment", small_n=count)
def sentence_increment(text: Text, small_n: int) -> bool:
    lengths = [len(Text.without_marks(one).split()) for one in text.sentences]
    return all(b - a == small_n for a, b in pairwise(lengths))


@instruction("sentence:alliteration_increment")
def alliteration_increment(text: Text) -> bool:
    """Each sentence has more words in runs of one first letter than the sentence before."""
    before = -1
    for sentence in text.sentences:
        firsts = [word[0] for chunk in sentence.lower().split() if (word := chunk.lstrip(Text.MARKS))]
        inside = [a == b for a, b in pairwise(firsts)]
        # A run of k words has k-1 equal pairs and counts k: one for each pair, one more for each run's start.
        found = sum(inside) + sum(now and not last for last, now in pairwise([False, *inside]))
        if found <= before:
            return False
        before = found
    return True
