"""Options that nothing reads as the others are set: changing them would do nothing, silently."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from rlstack.config.optim import ScheduleConfig
from rlstack.config.problems import Problem
from rlstack.config.rl import RLStage
from rlstack.config.train import TrainStage


@dataclass(frozen=True, slots=True)
class _Option:
    path: str  # below the section
    counts_with: str  # what makes it count, as one would type it
    counts: Callable[[Any], bool]  # of the section


_SCHEDULE = (
    _Option("end", "kind=linear, cosine or exponential", lambda s: s.kind in ("linear", "cosine", "exponential")),
    *(
        _Option(name, "kind=power", lambda s: s.kind == "power")
        for name in ("power_exponent", "power_anchor_steps", "power_start_step")
    ),
)

_RL = (
    _Option("loss.clip_low", "loss.kind=dapo or ppo", lambda s: s.loss.kind in ("dapo", "ppo")),
    _Option("loss.clip_high", "loss.kind=dapo", lambda s: s.loss.kind == "dapo"),
    _Option("loss.dual_clip", "loss.kind=ppo", lambda s: s.loss.kind == "ppo"),
    _Option("loss.gspo_clip_low", "loss.kind=gspo", lambda s: s.loss.kind == "gspo"),
    _Option("loss.gspo_clip_high", "loss.kind=gspo", lambda s: s.loss.kind == "gspo"),
    _Option("loss.cispo_cap", "loss.kind=cispo", lambda s: s.loss.kind == "cispo"),
    _Option("loss.constant_length", "loss.reduction=constant", lambda s: s.loss.reduction == "constant"),
    _Option(
        "loss.correction_low",
        "loss.correction=mask_token or mask_sequence",
        lambda s: s.loss.correction in ("mask_token", "mask_sequence"),
    ),
    _Option("loss.correction_high", "a loss.correction", lambda s: s.loss.correction != "none"),
    _Option("sampling.overlong_weight", "sampling.overlong_cache above 0", lambda s: s.sampling.overlong_cache > 0),
    _Option("kl.horizon", "a kl.target", lambda s: s.kl.target is not None),
    _Option("kl.estimator", "kl.place=loss and kl.beta above 0", lambda s: s.kl.place == "loss" and s.kl.beta > 0),
    _Option("difficulty.floor", "difficulty.kind=learnable", lambda s: s.difficulty.kind == "learnable"),
    _Option("difficulty.memory", "difficulty.kind=learnable", lambda s: s.difficulty.kind == "learnable"),
    _Option("guard.max_stale_mismatch", "ahead=1", lambda s: s.ahead == 1),
)


def of_stage(where: str, stage: RLStage | TrainStage) -> Iterator[Problem]:
    """Options of a stage that differ from their defaults and count for nothing.

    The default is no problem wherever it was written: a recipe may spell out what it is built on.
    """
    if isinstance(stage, RLStage):
        yield from _idle(where, stage, _RL)
    yield from _idle(f"{where}.optim.schedule", stage.optim.schedule, _SCHEDULE)


def _idle(where: str, section: RLStage | ScheduleConfig, table: tuple[_Option, ...]) -> Iterator[Problem]:
    for option in table:
        *above, name = option.path.split(".")
        holder: BaseModel = section
        for part in above:
            holder = getattr(holder, part)
        found, default = getattr(holder, name), type(holder).model_fields[name].default
        if found != default and not option.counts(section):
            written = "null" if default is None else f"{default:g}" if isinstance(default, float) else default
            yield Problem(
                f"{where}.{option.path}",
                f"found {found}, but nothing reads it here: it counts with {option.counts_with}; "
                f"write that, or leave it at {written}",
            )
