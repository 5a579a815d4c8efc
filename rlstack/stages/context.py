"""What every stage is given and what it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlstack.config.run import RunConfig
from rlstack.rundir import RunDir
from rlstack.track.trackers import Trackers
from rlstack.view.display import Display

if TYPE_CHECKING:
    from rlstack.cluster.processes import Processes


@dataclass(frozen=True)
class StageContext:
    name: str  # the slot in `stages`
    config: RunConfig
    model: Path  # the stage's input checkpoint, Hugging Face format
    run_dir: RunDir
    display: Display
    trackers: Trackers
    launched: float  # seconds since the epoch: when the command started
    processes: Processes  # of this stage, already started

    @property
    def folder(self) -> Path:
        return self.run_dir.path / self.name

    @property
    def logs(self) -> Path:
        return logs_of(self.run_dir, self.name)


def logs_of(run_dir: RunDir, name: str) -> Path:
    """Where the processes of a stage write."""
    return run_dir.path / "logs" / name


@dataclass(frozen=True)
class StageSummary:
    """One stage's entry of summary.json."""

    facts: Mapping[str, Any]
    export: Path
