from __future__ import annotations

import pytest

from rlstack.errors import ScoringError
from rlstack.scoring import check_budget
from rlstack.types import Score

OK = Score(1.0)


def test_the_share_within_the_budget_is_returned() -> None:
    assert check_budget([], 0.0) == 0.0
    assert check_budget([OK] * 5, 0.0) == 0.0
    assert check_budget([OK] * 9 + [Score(0.0, "timeout")], 0.1) == pytest.approx(0.1)


def test_above_it_the_commonest_reasons_are_counted() -> None:
    scores = [OK] * 4 + [Score(0.0, "error", {}, "KeyError: 'x' at a.py:3 score")] * 3
    scores += [Score(0.0, "timeout")] * 2 + [Score(0.0, "invalid", {}, f"gold {n}") for n in range(6)]
    with pytest.raises(ScoringError) as caught:
        check_budget(scores, 0.5, "step 7")
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("11 of 15 samples could not be judged (step 7): 73.3%, allowed is 50.0%")
    assert lines[1:3] == ["  3 x error: KeyError: 'x' at a.py:3 score", "  2 x timeout: no detail"]
    assert lines[-1] == "  … and 3 other reasons"
