"""Induction from examples (rules, sequences, list functions): the final answer is the gold answer exactly.

`data` and comparison are those of the `logic` reward: `{"answer": …}` or a reasoning-gym entry.
"""

from __future__ import annotations

from rlstack.rewards.logic import DEADLINE_S, score

__all__ = ["DEADLINE_S", "score"]
