"""Learning-rate schedules: the share of the peak at an optimizer step, a pure function of the step.

`step` counts finished updates: the first update of a stage uses `lr_factor(0, ...)`. After warm-up the
curve f runs over T = steps - warm-up with f(0) = 1 and f(T) = end; `lr_factor(steps, ...)` is therefore where
the phase ended and where the next one starts (`phase_peaks`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rlstack.config.optim import ScheduleConfig


def warmup_steps(steps: int, cfg: ScheduleConfig) -> int:
    """Updates before the peak is reached."""
    return min(steps, cfg.warmup_steps + round(cfg.warmup_share * steps))


def lr_factor(step: int, steps: int, cfg: ScheduleConfig) -> float:
    """Share of `optim.lr` for the update after `step` finished ones, out of `steps`.

    Warm-up is linear, (step + 1) / (w + 1): its first update is not wasted on a rate of 0. Then, with
    x = step - w of T = steps - w and d = `end`:
    - constant 1; linear 1 - (1 - d) x/T; cosine d + (1 - d)(1 + cos(pi x/T)) / 2;
    - exponential (1 - d) e/(e - 1) exp(-x/T) + (d e - 1)/(e - 1): slope of exp, but exactly 1 and d at its ends;
    - power min(1, (n/anchor)^b): see `power_anchor`. It has no end and ignores `steps`.
    """
    warmup = warmup_steps(steps, cfg)
    if step < warmup:
        return (step + 1) / (warmup + 1) * _peak(cfg, warmup)
    if cfg.kind == "power":
        return _power(step, cfg, warmup)
    if cfg.kind == "constant":
        return 1.0
    span = steps - warmup
    x = min(1.0, (step - warmup) / span) if span else 1.0
    if cfg.kind == "linear":
        return 1.0 - (1.0 - cfg.end) * x
    if cfg.kind == "cosine":
        return cfg.end + (1.0 - cfg.end) * (1.0 + math.cos(math.pi * x)) / 2.0
    return ((1.0 - cfg.end) * math.e * math.exp(-x) + cfg.end * math.e - 1.0) / (math.e - 1.0)


def power_anchor(lr: float, *, rows: int, row_tokens: int, exponent: float = -0.51, amplitude: float = 4.0) -> float:
    """The step where the absolute power law leaves its plateau at `lr` (arXiv 2408.13359).

    The law is lr(n) = min(lr, amplitude * rows * tokens(n)^exponent) with `rows` the global batch in
    sequences and tokens(n) = n * rows * row_tokens. It equals lr * min(1, (n/anchor)^exponent), so this one
    number turns the absolute form into the anchored one: put it into `schedule.power_anchor_steps`.
    """
    return (lr / (amplitude * rows)) ** (1.0 / exponent) / (rows * row_tokens)


def phase_peaks(lr: float, phases: Sequence[tuple[int, ScheduleConfig]]) -> list[float]:
    """Peak learning rate of each phase of (steps, schedule), each starting where the one before ended."""
    peaks = [lr]
    for steps, cfg in phases[:-1]:
        peaks.append(peaks[-1] * lr_factor(steps, steps, cfg))
    return peaks


def _peak(cfg: ScheduleConfig, warmup: int) -> float:
    """What warm-up rises to: 1, or less where the power law has left its plateau by then."""
    return _power(warmup, cfg, warmup) if cfg.kind == "power" else 1.0


def _power(step: int, cfg: ScheduleConfig, warmup: int) -> float:
    anchor = cfg.power_anchor_steps if cfg.power_anchor_steps is not None else max(1, warmup)
    return min(1.0, (max(1, step + cfg.power_start_step) / anchor) ** cfg.power_exponent)
