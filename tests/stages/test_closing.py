"""What went wrong first is what the user sees."""

from __future__ import annotations

import contextlib
import functools

import pytest

from rlstack.errors import EngineError, LearnerError
from rlstack.stages.rl_parts import _close


class _Dead:
    """Learners whose processes are gone: closing them fails."""

    def close(self) -> None:
        raise LearnerError("learner 0 died while closing")


def _fail_while_open(error: Exception | None) -> None:
    with contextlib.ExitStack() as stack:
        stack.push(functools.partial(_close, _Dead()))  # type: ignore[arg-type]
        if error is not None:
            raise error


def test_the_first_error_is_not_replaced_by_one_of_closing() -> None:
    with pytest.raises(EngineError, match="engine 0 died"):
        _fail_while_open(EngineError("engine 0 died while starting"))


def test_an_error_of_closing_alone_is_shown() -> None:
    with pytest.raises(LearnerError, match="while closing"):
        _fail_while_open(None)
