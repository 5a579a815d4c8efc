"""A response as the checkers see it: one string and its cuts into words, sentences and tokens, each made once."""

from __future__ import annotations

import re
import string
from functools import cached_property

from rlstack.rewards.ifeval import language, punkt, tokens

_WORD = re.compile(r"\w+")
_LETTERS = re.compile(r"[^\W\d_]+")


class Text:
    """An immutable view; equal cuts are computed once however many instructions ask."""

    MARKS = string.punctuation + " "
    _NO_MARKS = str.maketrans("", "", string.punctuation)

    def __init__(self, raw: str) -> None:
        self.raw = raw

    @cached_property
    def stripped(self) -> str:
        return self.raw.strip()

    @cached_property
    def lower(self) -> str:
        return self.raw.lower()

    @cached_property
    def bare(self) -> str:
        """Without ASCII marks and blanks at both ends."""
        return self.raw.strip(self.MARKS)

    @cached_property
    def plain(self) -> str:
        """Without any ASCII mark."""
        return self.without_marks(self.raw)

    @classmethod
    def without_marks(cls, text: str) -> str:
        return text.translate(cls._NO_MARKS)

    @cached_property
    def plain_words(self) -> list[str]:
        """Lower case, marks dropped, split at white space."""
        return self.without_marks(self.lower).split()

    @cached_property
    def words(self) -> list[str]:
        """Runs of letters, digits and underscores: what "number of words" counts."""
        return _WORD.findall(self.raw)

    @cached_property
    def letters(self) -> list[str]:
        """Runs of letters only, in any script."""
        return _LETTERS.findall(self.raw)

    @cached_property
    def chunks(self) -> list[str]:
        """What stands between white space."""
        return self.raw.split()

    @cached_property
    def tokens(self) -> list[str]:
        """Treebank tokens, punctuation among them."""
        return tokens.words(self.raw)

    @cached_property
    def sentences(self) -> list[str]:
        """Sentences by Punkt."""
        return punkt.sentences(self.raw)

    @cached_property
    def ruled_sentences(self) -> list[str]:
        """Sentences by the rule list of the IF-RLVR graders."""
        from rlstack.rewards.ifeval.rules import sentences

        return sentences(self.raw)

    @cached_property
    def language(self) -> str | None:
        return language.detect(self.raw)
