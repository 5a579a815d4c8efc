"""How much is sampled for a verification, and the stage it is sampled for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rlstack.config.rl import RLStage
from rlstack.config.run import RunConfig
from rlstack.errors import ConfigError

TINY_RATE = 3e-7  # at which weights in bfloat16 would not move
_NOT_ONE = 0.7  # a temperature at which forgetting to divide by it shows


@dataclass(frozen=True, slots=True)
class Size:
    """How much is sampled."""

    prompts: int = 6
    samples: int = 4  # of each prompt
    tokens: int = 32  # longest completion


def rl_stage(config: RunConfig, size: Size) -> tuple[str, RLStage]:
    """The first stage of reinforcement learning, cut to `size`, with a temperature other than 1 and a tiny rate.

    Raises ConfigError when the recipe has none.
    """
    for name, stage in config.stages.items():
        if isinstance(stage, RLStage):
            optim = stage.optim.model_copy(
                update={"lr": TINY_RATE, "weight_decay": 0.0, "schedule": type(stage.optim.schedule)()}
            )
            sampling: dict[str, Any] = {
                "samples_per_prompt": size.samples,
                "max_tokens": size.tokens,
                "temperature": stage.sampling.temperature if stage.sampling.temperature != 1.0 else _NOT_ONE,
            }
            changes = {
                "optim": optim,
                "prompts_per_step": max(size.prompts, len(stage.envs)),
                "sampling": stage.sampling.model_copy(update=sampling),
            }
            return name, stage.model_copy(update=changes)
    raise ConfigError(f"recipe={config.recipe} has no stage of reinforcement learning: choose recipe=single env=<name>")
