"""A stage of supervised training: pretraining or SFT."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rlstack.config.base import Positive, Section
from rlstack.config.optim import OptimConfig
from rlstack.config.rl import CheckpointConfig


class TrainStage(Section):
    """A stage of `kind: pretrain` or `kind: sft`."""

    kind: Literal["pretrain", "sft"]
    """`pretrain` learns every token, `sft` what the assistant wrote."""
    data: dict[str, float] = Field(min_length=1)
    """Source name → share of tokens (pretrain) or of samples (sft)."""
    steps: Positive
    """Optimizer updates."""
    rows_per_step: Positive
    """Packed rows in one optimizer step over all ranks."""
    row_tokens: Positive
    """Length of one packed row."""
    optim: OptimConfig
    checkpoint: CheckpointConfig = CheckpointConfig(every=100)
