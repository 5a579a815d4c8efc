"""The checkers, one file per family. Importing this package fills the registry."""

from rlstack.rewards.ifeval.checks import case, counts, custom, format, keywords, length, repeat, rlvr, shape, words

__all__ = ["case", "counts", "custom", "format", "keywords", "length", "repeat", "rlvr", "shape", "words"]
