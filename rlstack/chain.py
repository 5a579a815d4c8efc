"""A run: its stages in order, each starting from the checkpoint that the one before left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlstack.config.rl import RLStage
from rlstack.config.run import RunConfig
from rlstack.errors import RunDirError
from rlstack.rundir import RunDir, write_atomically
from rlstack.stages.context import StageContext, logs_of
from rlstack.startup import uncollected
from rlstack.track.trackers import Trackers
from rlstack.view.display import Display

if TYPE_CHECKING:
    from rlstack.cluster.processes import Processes


def run_chain(config: RunConfig) -> dict[str, Any]:
    """Runs, or goes on with, every stage; returns what summary.json holds.

    A finished stage is skipped. SIGTERM ends a run like Ctrl-C: as KeyboardInterrupt, with every finished
    step kept and no process left.
    """
    launched = _process_start()
    path = Path(config.run_dir)
    if path.exists() and not config.resume and any(path.iterdir()):
        raise RunDirError(f"{path} exists and resume=false: choose another run_dir=…, or delete the folder")
    run_dir = RunDir(path, config.model_dump(mode="json"))
    with contextlib.ExitStack() as stack:
        stack.callback(run_dir.close)
        stack.enter_context(_sigterm_as_interrupt())
        display = stack.enter_context(Display())
        trackers = Trackers(config.trackers, path, config.model_dump(mode="json"), display.say)
        stack.callback(trackers.close)
        summary = {"recipe": config.recipe, "seed": config.seed, "stages": {}}
        finished = {name: record for name in config.stages if (record := _finished(run_dir, name))}
        if len(finished) < len(config.stages):
            from rlstack.cluster.session import session
            from rlstack.models.source import resolve

            model = resolve(config.model)
            display.phase("starting Ray")
            with uncollected():
                stack.enter_context(session(config.cluster))
            stack.enter_context(_sigterm_as_interrupt())  # again: Ray has put a handler of its own in place
        for name in config.stages:
            if record := finished.get(name):
                display.say(f"{name}: finished before, skipped ({path / name})")
            else:
                with _processes(config, name, run_dir) as processes:
                    ctx = StageContext(name, config, model, run_dir, display, trackers, launched, processes)
                    record = _run_stage(ctx)
            summary["stages"][name] = record
            model = Path(record["export"])
        write_atomically(path / "summary.json", json.dumps(summary, indent=2) + "\n")
        display.say(_closing(path, summary))
    return summary


def _processes(config: RunConfig, name: str, run_dir: RunDir) -> AbstractContextManager[Processes]:
    from rlstack.cluster.processes import processes

    return processes(config.cluster, logs_of(run_dir, name), engines=isinstance(config.stages[name], RLStage))


def _run_stage(ctx: StageContext) -> dict[str, Any]:
    with uncollected():  # the stage's processes import at the same time
        from rlstack.stages import rl, train

    stage = ctx.config.stages[ctx.name]
    facts = (rl.run(stage, ctx) if isinstance(stage, RLStage) else train.run(stage, ctx)).facts
    write_atomically(ctx.folder / "done.json", json.dumps(facts, indent=2) + "\n")
    return dict(facts)


def _finished(run_dir: RunDir, stage: str) -> dict[str, Any] | None:
    file = run_dir.path / stage / "done.json"
    return json.loads(file.read_text()) if file.exists() else None


def _closing(path: Path, summary: dict[str, Any]) -> str:
    lines = []
    for name, facts in summary["stages"].items():
        before = facts.get("resumed_after", 0)
        new = f", {facts['steps'] - before} of them" if before else ""
        lines.append(f"[bold]{name}[/bold]: {facts['steps']} steps{new} in {facts['seconds']:.0f} s")
        if flat := facts.get("flat_steps", 0):
            what = "had nothing to learn from: all samples of each prompt scored the same"
            lines.append(f"  {flat} of {facts['steps'] - before} steps {what}")
        for label, key, form in (
            ("first step after", "time_to_first_step_s", "{:.0f} s"),
            ("trained tokens/s", "tokens_per_s", "{:.0f}"),
            ("largest |log-prob gap|", "max_abs_logprob_gap", "{:.2e}"),
            ("checkpoint", "checkpoint", "{}"),
            ("export", "export", "{}"),
        ):
            if facts.get(key) is not None:
                lines.append(f"  {label:<24}{form.format(facts[key])}")
    return "\n".join([*lines, f"summary: {path / 'summary.json'}"])


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _process_start() -> float:
    """When this process began (seconds since the epoch): imports count towards the time to the first step."""
    with contextlib.suppress(OSError, ValueError):
        ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
    return time.time()
