"""Scores of groups → advantages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from parts.lengths import log_normal

_GROUPS, _SAMPLES = 64, 16


def prepare(sides: Sequence[str]) -> tuple[dict[str, Callable[[], Any]], str]:
    import torch

    from rlstack.config.rl import AdvantageConfig
    from rlstack.grpo import advantage

    n = _GROUPS * _SAMPLES
    scores = np.random.default_rng(4).random(n)
    group, valid, lengths = np.repeat(np.arange(_GROUPS), _SAMPLES), np.ones(n, bool), log_normal(n, 5)

    def ours() -> np.ndarray:
        """On every token of the flat batch, as the learner takes them."""
        found = advantage.compute(AdvantageConfig(), scores, valid, group, np.zeros(n, int))
        return np.repeat(found, lengths)

    actions: dict[str, Callable[[], Any]] = {"ours": ours}
    if "verl" in sides:
        from verl.trainer.ppo import core_algos

        mask = torch.from_numpy(np.arange(lengths.max())[None] < lengths[:, None]).float()
        rewards = torch.zeros_like(mask)
        rewards[torch.arange(n), torch.from_numpy(lengths - 1)] = torch.from_numpy(scores).float()
        names = np.array([f"p{g}" for g in group], dtype=object)
        for label, function in (
            ("verl", core_algos.compute_grpo_outcome_advantage),
            ("verl, vectorised", core_algos.compute_grpo_vectorized_outcome_advantage),
        ):
            actions[label] = lambda function=function: function(rewards, mask, names)
            found = actions[label]()[0][mask.bool()].numpy()
            if not np.allclose(found, ours(), rtol=2e-3, atol=1e-4):  # their epsilon is another one
                raise RuntimeError(f"{label} and ours disagree by up to {np.abs(found - ours()).max():.2g}")
    return actions, f"GRPO, {n:,} samples of {_GROUPS} prompts"
