"""Language, capitals and single marks."""

from __future__ import annotations

from rlstack.errors import nearest
from rlstack.rewards.ifeval.language import CODES
from rlstack.rewards.ifeval.registry import count, holds, instruction, relation, string
from rlstack.rewards.ifeval.text import Text


def language_code(value: object) -> str:
    if string(value) not in (*CODES, "zh"):
        raise ValueError(f"{value!r} is no language that can be told; {nearest(str(value), CODES)}")
    return str(value)


@instruction("language:response_language", language=language_code)
def response_language(text: Text, language: str) -> bool:
    """A text with nothing to detect passes here, as published; the content gate refuses it."""
    found = text.language
    return found is None or found == language or (language == "zh" and found.startswith("zh-"))


@instruction("change_case:english_capital")
def english_capital(text: Text) -> bool:
    return text.raw.isupper() and text.language in ("en", None)


@instruction("change_case:english_lowercase")
def english_lowercase(text: Text) -> bool:
    return text.raw.islower() and text.language in ("en", None)


@instruction("change_case:capital_word_frequency", capital_frequency=count, capital_relation=relation)
def capital_word_frequency(text: Text, capital_frequency: int, capital_relation: str) -> bool:
    """Tokens with letters, all of them capitals; a hyphenated word is one token."""
    return holds(sum(map(str.isupper, text.tokens)), capital_relation, capital_frequency)


@instruction("punctuation:no_comma")
def no_comma(text: Text) -> bool:
    return "," not in text.raw
