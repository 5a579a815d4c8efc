"""Optimizer and learning-rate schedule, shared by every stage that trains."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rlstack.config.base import Count, Positive, Section, Share


class ScheduleConfig(Section):
    """Learning rate as a share of `optim.lr`, by optimizer step. Formulas in `rlstack/learner/schedule.py`."""

    kind: Literal["constant", "linear", "cosine", "exponential", "power"] = "constant"
    warmup_steps: Count = 0
    warmup_share: Share = 0.0
    """Of all steps; adds to `warmup_steps`."""
    end: Share = 0.0
    """Share of the peak at the last step (linear, cosine, exponential)."""
    power_exponent: float = -0.51
    power_anchor_steps: Positive = 1
    """The power schedule leaves its plateau here."""


class OptimConfig(Section):
    lr: float = Field(gt=0.0)
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = Field(1e-8, gt=0.0)
    weight_decay: float = Field(0.0, ge=0.0)
    """None on norms and biases."""
    grad_clip: float = Field(1.0, gt=0.0)
    """Largest norm of the reduced gradient."""
    schedule: ScheduleConfig = ScheduleConfig()
