"""The whole configuration of a run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rlstack.config.base import Count, Section
from rlstack.config.cluster import ClusterConfig
from rlstack.config.model import ModelConfig
from rlstack.config.rl import RLStage
from rlstack.config.train import TrainStage

Stage = Annotated[RLStage | TrainStage, Field(discriminator="kind")]


class RunConfig(Section):
    """The root of the tree."""

    recipe: str
    """The recipe's name, for people, and part of the default run directory."""
    model: ModelConfig
    cluster: ClusterConfig
    stages: dict[str, Stage] = Field(min_length=1)
    """Named slots, run in order: each starts from the one before."""
    seed: Count = 0
    """Everything random is a function of it, the stage, the step and what is drawn."""
    run_dir: str
    """Where results go; null in the tree becomes `runs/<recipe>[-<env>]-<model>-seed<seed>[-<hash>]`."""
    resume: bool = True
    """Go on with an unfinished run of the same configuration in `run_dir`."""
    trackers: tuple[str, ...] = ()
    """Besides metrics.jsonl: tensorboard, wandb."""
    dry_run: bool = False
    """Print the plan and stop."""
