"""Errors, named after the boundary that was crossed.

Every message says what was found, where, what is allowed and what to do next. The command line prints
the message of an `RlstackError` without a traceback; anything else is a defect and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RlstackError(Exception):
    """Base of every error that a user can mend; `str(error)` is the whole message."""


class ConfigError(RlstackError):
    """The configuration names something unknown, of the wrong type, or out of range."""


class PluginError(RlstackError):
    """An environment or a reward cannot be found, imported, or breaks its contract."""


class UnknownPluginError(PluginError, ConfigError):
    """No environment or reward has that name or lies at that path, or several have the name."""


class RunDirError(RlstackError):
    """The run directory is in use, belongs to another configuration, or does not verify."""


class EngineError(RlstackError):
    """A rollout engine failed, died, or serves other weights than it should."""


class LearnerError(RlstackError):
    """A learner failed, died, or met a loss or gradient that is not finite."""


class ScoringError(RlstackError):
    """Too many samples could not be judged."""


class DeadlineError(RlstackError):
    """A wait ran past its deadline; the message says who waited for whom."""


class MismatchError(RlstackError):
    """Engine and learner disagree on the log-probabilities or on the weights."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """A hint ending an error message: the nearest allowed name, else the whole list.

    >>> nearest("maht", ["math", "logic"])
    "did you mean 'math'?"
    """
    allowed = sorted(allowed)
    close = difflib.get_close_matches(name, allowed, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known: {', '.join(allowed) or 'none'}"
