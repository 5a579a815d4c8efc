"""The checkers, one file per family. Importing this package fills the registry."""

from rlstack.rewards.ifeval.checks import (
    case,
    format,
    keywords,
    length,
    repeat,
)

__all__ = ["case", "format", "keywords", "length", "repeat"]
