"""The checkers, one file per family. Importing this package fills the registry."""

from rlstack.rewards.ifeval.checks import case, counts, custom, format, keywords, length, repeat, rlvr, shape, words

from rlstack.rewards.ifeval.checks import edition2025  # isort: skip  it builds on the others

__all__ = [
    "case",
    "counts",
    "custom",
    "edition2025",
    "format",
    "keywords",
    "length",
    "repeat",
    "rlvr",
    "shape",
    "words",
]
