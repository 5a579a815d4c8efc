"""Optional trackers beside metrics.jsonl: TensorBoard and Weights & Biases, each an extra."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from rlstack.errors import ConfigError, nearest
from rlstack.types import StepReport


class Tracker(Protocol):
    def log(self, report: StepReport) -> None: ...
    def close(self) -> None: ...


class TensorBoard:
    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        tensorboard = _module("tensorboard.summary")
        self._writer = tensorboard.Writer(str(folder / "tensorboard"))

    def log(self, report: StepReport) -> None:
        for name, value in report.metrics.items():
            self._writer.add_scalar(f"{report.stage}/{name}", value, report.step)

    def close(self) -> None:
        self._writer.close()


class WandB:
    """Offline unless WANDB_MODE says otherwise: a run never waits for the network."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self._run = _module("wandb").init(dir=str(folder), project="rlstack", name=folder.name, config=dict(config))

    def log(self, report: StepReport) -> None:
        self._run.log({f"{report.stage}/{name}": value for name, value in report.metrics.items()})

    def close(self) -> None:
        self._run.finish()


class Trackers:
    """All trackers of a run. One that fails while logging is dropped with a message; the run goes on."""

    def __init__(self, names: Sequence[str], folder: Path, config: Mapping[str, Any], say: Any) -> None:
        known = {"tensorboard": TensorBoard, "wandb": WandB}
        for name in names:
            if name not in known:
                raise ConfigError(f"trackers: unknown tracker '{name}', {nearest(name, known)}")
        self._say = say
        self._open: dict[str, Tracker] = {name: known[name](folder, config) for name in names}

    def log(self, report: StepReport) -> None:
        for name in list(self._open):
            try:
                self._open[name].log(report)
            except Exception as error:  # a border: somebody else's service
                self._say(f"warning: tracker '{name}' failed and is off from here: {error!r}")
                del self._open[name]

    def close(self) -> None:
        for tracker in self._open.values():
            tracker.close()


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        extra = name.split(".")[0]
        raise ConfigError(f"trackers: '{extra}' is not installed: pip install 'rlstack[{extra}]'") from error
