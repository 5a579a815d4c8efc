"""Optimizer and learning-rate schedule, shared by every stage that trains."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rlstack.config.base import Count, Section, Share


class ScheduleConfig(Section):
    """Learning rate as a share of `optim.lr`, by optimizer step. Formulas in `rlstack/learner/schedule.py`."""

    kind: Literal["constant", "linear", "cosine", "exponential", "power"] = "constant"
    """Shape of the curve after warm-up."""
    warmup_steps: Count = 0
    """Optimizer updates of linear warm-up."""
    warmup_share: Share = 0.0
    """Of all steps; adds to `warmup_steps`."""
    end: Share = 0.0
    """Share of the peak when the stage ends (linear, cosine, exponential)."""
    power_exponent: float = Field(default=-0.51, lt=0.0)
    """Exponent of the power law."""
    power_anchor_steps: float | None = Field(default=None, gt=0.0)
    """The power law leaves its plateau here; null: where warm-up ends. `power_anchor` of
    `rlstack/learner/schedule.py` computes it for the law in absolute tokens."""
    power_start_step: Count = 0
    """Updates of earlier phases that the power law counts, when it goes on from one."""


class OptimConfig(Section):
    """AdamW on float32 master weights."""

    lr: float = Field(gt=0.0)
    """Learning rate at the peak of the schedule."""
    betas: tuple[float, float] = (0.9, 0.95)
    """Decay of the first and second moment."""
    eps: float = Field(default=1e-8, gt=0.0)
    """Added to the root of the second moment."""
    weight_decay: float = Field(default=0.0, ge=0.0)
    """None on norms and biases."""
    grad_clip: float = Field(default=1.0, gt=0.0)
    """Largest norm of the reduced gradient."""
    schedule: ScheduleConfig = ScheduleConfig()
