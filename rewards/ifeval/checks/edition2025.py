"""IFBench as first published in 2025, where its graders differ from today's.

Upstream mended several checkers in 2026 (whole words instead of substrings, marks that no longer count as words,
another sentence splitter). Figures published in 2025 rest on the first edition: `"ifbench_edition": "2025"` in a
row's data asks for it.
"""

from __future__ import annotations

from collections.abc import Callable

from rlstack.rewards.ifeval.checks.shape import quote_unquote
from rlstack.rewards.ifeval.registry import EDITION_2025, INSTRUCTIONS, Check
from rlstack.rewards.ifeval.text import Text
from rlstack.rewards.ifeval.wordlists import PERSON_NAMES, PERSONAL_PRONOUNS


class RuledText(Text):
    """A text whose sentences are cut by the rule list."""

    @property
    def sentences(self) -> list[str]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.ruled_sentences


# Same checkers, sentences by the rule list.
_RULED = (
    "ratio:sentence_type",
    "ratio:sentence_balance",
    "sentence:alliteration_increment",
    "sentence:increment",
    "words:last_first",
    "format:emoji",
    "format:no_bullets_bullets",
)


def _by_rules(check: Check) -> Check:
    return lambda text, **kwargs: check(RuledText(text.raw), **kwargs)


def in_2025(one: str) -> Callable[[Check], Check]:
    """Registers the first edition's checker of an instruction; its kwargs are today's."""

    def register(check: Check) -> Check:
        now = INSTRUCTIONS[one]
        EDITION_2025[one] = type(now)(one, check, now.converters, now.optional, now.any_kwargs, now.exact)
        return check

    return register


for _one in _RULED:
    in_2025(_one)(_by_rules(INSTRUCTIONS[_one].check))


@in_2025("ratio:sentence_words")
def sentence_words(text: Text) -> bool:
    """Three sentences of one length; words may recur."""
    return len(text.ruled_sentences) == 3 and len({len(one) for one in text.ruled_sentences}) == 1


@in_2025("ratio:overlap")
def overlap(text: Text, reference_text: str, percentage: float) -> bool:
    """Triples of characters, not of words."""
    triples, wanted = _triples(text.raw), _triples(reference_text)
    return bool(triples) and abs(len(triples & wanted) / len(triples) * 100 - percentage) <= 2


def _triples(text: str) -> set[str]:
    return {text[k : k + 3] for k in range(len(text) - 2)}


@in_2025("count:person_names")
def person_names(text: Text, N: int) -> bool:
    """Names may be part of longer words."""
    return sum(name in text.raw for name in PERSON_NAMES) >= N


@in_2025("count:pronouns")
def pronouns(text: Text, N: int) -> bool:
    """Personal, possessive and reflexive pronouns only."""
    words = Text.without_marks(text.raw.replace("/", " ").lower()).split()
    return sum(word in PERSONAL_PRONOUNS for word in words) >= N


@in_2025("count:keywords_multiple")
def keywords_multiple(text: Text, **keywords: str) -> bool:
    """Substrings count."""
    wanted = (1, 2, 3, 5, 7)
    return all(text.lower.count(keywords[f"keyword{k}"].lower()) == n for k, n in enumerate(wanted, 1))


@in_2025("sentence:keyword")
def sentence_keyword(text: Text, word: str, N: int) -> bool:
    return len(text.ruled_sentences) >= N and word.lower() in text.ruled_sentences[N - 1].lower()


@in_2025("words:keywords_specific_position")
def keyword_at(text: Text, keyword: str, n: int, m: int) -> bool:
    """Marks count as words and case matters."""
    if len(text.ruled_sentences) < n:
        return False
    return Text(text.ruled_sentences[n - 1]).tokens[m - 1 : m] == [keyword]


@in_2025("words:words_position")
def second_and_last_but_one(text: Text, keyword: str) -> bool:
    """Marks count as words and case matters."""
    return len(text.tokens) > 1 and text.tokens[1] == text.tokens[-2] == keyword


@in_2025("custom:sentence_alphabet")
def sentence_alphabet(text: Text) -> bool:
    """A mark before the first word of a sentence spoils it."""
    firsts = [one[:1].lower()[:1] for one in text.ruled_sentences]
    return firsts == [chr(ord("a") + k) for k in range(26)]


@in_2025("format:quote_unquote")
def quotes_of_both_kinds(text: Text) -> bool:
    return quote_unquote(Text(text.raw.replace("“", '"').replace("”", '"')))


@in_2025("format:title_case")
def title_case(text: Text) -> bool:
    """A single small letter passes."""
    return not any(token[0].islower() and (token[1:].isupper() or token[1:].islower()) for token in text.tokens)


@in_2025("repeat:repeat_span")
def repeat_span(text: Text, prompt_to_repeat: str, n_start: int, n_end: int) -> bool:
    """Word `n_end` is not part of the span."""
    return text.lower.split() == prompt_to_repeat.lower().split()[n_start:n_end]
