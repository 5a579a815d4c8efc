"""The failure budget: how many unjudged samples a step may have before the run ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rlstack.errors import ScoringError
from rlstack.types import Score

_SHOWN = 5


def check_budget(scores: Iterable[Score], max_share: float, where: str = "") -> float:
    """The share of scores that are not ok.

    Raises ScoringError when it is above `max_share`, with the commonest reasons and how often each came;
    `where` names the step or the env in that message.
    """
    scores = list(scores)
    unjudged = [score for score in scores if score.status != "ok"]
    share = len(unjudged) / len(scores) if scores else 0.0
    if share <= max_share:
        return share
    reasons = Counter((score.status, score.detail) for score in unjudged).most_common()
    lines = [f"  {count} x {status}: {detail or 'no detail'}" for (status, detail), count in reasons[:_SHOWN]]
    if len(reasons) > _SHOWN:
        lines.append(f"  … and {len(reasons) - _SHOWN} other reasons")
    raise ScoringError(
        f"{len(unjudged)} of {len(scores)} samples could not be judged{f' ({where})' if where else ''}: "
        f"{share:.1%}, allowed is {max_share:.1%} (scoring.max_error_share)\n" + "\n".join(lines)
    )
