"""How many words, sentences, paragraphs."""

from __future__ import annotations

import re

from rlstack.rewards.ifeval.registry import count, holds, instruction, relation, string
from rlstack.rewards.ifeval.text import Text

DIVIDER = re.compile(r"\s?\*\*\*\s?")


@instruction("length_constraints:number_words", num_words=count, relation=relation)
def number_words(text: Text, num_words: int, relation: str) -> bool:
    return holds(len(text.words), relation, num_words)


@instruction("length_constraints:number_sentences", num_sentences=count, relation=relation)
def number_sentences(text: Text, num_sentences: int, relation: str) -> bool:
    return holds(len(text.sentences), relation, num_sentences)


def divided(text: Text) -> int | None:
    """Paragraphs between `***` dividers, blank ones at both ends left out; None if one in the middle is blank."""
    return filled(DIVIDER.split(text.raw))


def filled(parts: list[str]) -> int | None:
    """How many parts are not blank; None if a blank one lies between others."""
    blank = [index for index, part in enumerate(parts) if not part.strip()]
    if any(0 < index < len(parts) - 1 for index in blank):
        return None
    return len(parts) - len(blank)


@instruction("length_constraints:number_paragraphs", num_paragraphs=count)
def number_paragraphs(text: Text, num_paragraphs: int) -> bool:
    return divided(text) == num_paragraphs


@instruction(
    "length_constraints:nth_paragraph_first_word", num_paragraphs=count, nth_paragraph=count, first_word=string
)
def nth_paragraph_first_word(text: Text, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool:
    """Paragraphs are parted by one empty line. The blank ones do not count but keep their place."""
    parts = text.raw.split("\n\n")
    filled = sum(1 for part in parts if part.strip())
    # The published code draws a random place when the number lies outside 1..num_paragraphs.
    if filled != num_paragraphs or not 1 <= nth_paragraph <= filled:
        return False
    words = parts[nth_paragraph - 1].split(None, 1)
    if not words:
        return False
    start = words[0].lstrip("'").lstrip('"')
    # Letter by letter, as published: a capital sigma at the end of a word then stays an ordinary one.
    begun = re.split(r"[.,?!'\"]", start, maxsplit=1)[0]
    return "".join(map(str.lower, begun)) == first_word.lower()
