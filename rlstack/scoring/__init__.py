"""Judging finished answers in worker processes that can be killed.

    driver ──groups──► server (warm, single-threaded) ──calls──► workers (forked, limited, killable)

`ScoringPool` is what the training loop sees: a future of scores per group. Nothing here imports torch,
Ray or vLLM, and the driver process is never forked (docs/scoring.md).
"""

from rlstack.scoring.budget import check_budget
from rlstack.scoring.pool import ScoringPool
from rlstack.scoring.probe import probe

__all__ = ["ScoringPool", "check_budget", "probe"]
