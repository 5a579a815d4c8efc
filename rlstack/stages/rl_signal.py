"""Notices when there is nothing to learn from: steps whose groups all agree, and so have no advantage."""

from __future__ import annotations

from dataclasses import dataclass

from rlstack.config.rl import RLStage
from rlstack.types import StepReport

PATIENCE = 5  # steps in a row before it is said, once


@dataclass
class Signal:
    """Over the steps of this process."""

    stage: RLStage
    in_a_row: int = 0
    flat: int = 0
    steps: int = 0
    told: bool = False

    def add(self, report: StepReport) -> str:
        """What to say after this step; "" mostly."""
        self.steps += 1
        if not self._is_flat(report):
            self.in_a_row = 0
            return ""
        self.flat += 1
        self.in_a_row += 1
        if self.told or self.in_a_row < PATIENCE:
            return ""
        self.told = True
        reward = report.metrics.get("reward/mean", 0.0)
        return (
            f"warning: {self.in_a_row} steps in a row in which all samples of each prompt score the same (mean reward "
            f"{reward:.3f}): nothing is learned from them. {self._advice(reward)}"
        )

    def _is_flat(self, report: StepReport) -> bool:
        if self.stage.advantage.kind == "reinforce_pp":  # its baseline is the whole batch
            return False
        return report.metrics.get("group/zero_variance", 0.0) >= 1.0

    def _advice(self, reward: float) -> str:
        envs = sorted(self.stage.envs)
        look = f"rlstack env difficulty {self.stage.envs[envs[0]].path or envs[0]} --model … measures each level"
        if reward > 0.0:
            return f"Where all answers pass, take a harder level; where none does, an easier one: {look}"
        return (
            "Where no answer passes, fine-tune on the env's drafts first (recipe=sft_rl), take an easier level, or "
            f"reward parts of the way: {look}"
        )
