"""The run directory: what a run leaves behind, and how a step is committed to it.

    config.json            the whole configuration
    metrics.jsonl          one line per committed step
    summary.json           written at the end
    logs/                  output of every actor
    <stage>/rollouts/step-000012.jsonl      sealed before the weights of step 12 are committed
    <stage>/checkpoints/step-000012/        weights, optimizer, state.json; manifest.json is written last
    <stage>/eval/{before,after,…}.jsonl
    <stage>/export/                         Hugging Face format

A directory counts only if its manifest verifies, and it appears by one rename: a run killed at any moment
resumes from the last step that was committed whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlstack.errors import RunDirError

_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Committed:
    """A checkpoint whose manifest verifies."""

    step: int
    folder: Path
    state: Mapping[str, Any]


class RunDir:
    """One run's folder, locked for as long as the object lives.

    Raises RunDirError when another process holds it, or when it belongs to another configuration.
    """

    def __init__(self, path: Path, config: Mapping[str, Any]) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._lock = open(path / ".lock", "w")  # noqa: SIM115 - held for the life of the run
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunDirError(f"{path} is in use by another run. Wait for it, or choose another run_dir=…") from None
        self._claim(config)

    def _claim(self, config: Mapping[str, Any]) -> None:
        file = self.path / "config.json"
        if not file.exists():
            strangers = [p.name for p in self.path.iterdir() if p.name != ".lock"]
            if strangers:
                raise RunDirError(
                    f"{self.path} exists and is not a run directory (it holds {', '.join(sorted(strangers)[:3])}); "
                    "nothing was touched. Choose another run_dir=…"
                )
            write_atomically(file, json.dumps(config, indent=2))
            return
        if changed := _differences(json.loads(file.read_text()), config):
            raise RunDirError(
                f"{self.path} holds a run of another configuration:\n  "
                + "\n  ".join(changed[:12])
                + "\nNothing was touched. Choose another run_dir=…, or delete the folder."
            )

    def close(self) -> None:
        self._lock.close()

    # Metrics

    @property
    def metrics_file(self) -> Path:
        return self.path / "metrics.jsonl"

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        with self.metrics_file.open("a") as file:
            file.write(json.dumps(row) + "\n")

    def forget_metrics_after(self, stage: str, step: int) -> None:
        """Drops lines of steps that were never committed, and a line that a kill cut short."""
        if not self.metrics_file.exists():
            return
        kept = []
        for line in self.metrics_file.read_text().splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if row.get("stage") != stage or row.get("step", 0) <= step:
                kept.append(line)
        write_atomically(self.metrics_file, "".join(line + "\n" for line in kept))

    # Rollouts and other records

    def seal_rows(self, file: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
        """Writes JSON lines under `file` (relative) so that it is either whole or absent."""
        target = self.path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, "".join(json.dumps(row) + "\n" for row in rows))
        return target

    # Checkpoints

    def checkpoints(self, stage: str) -> Path:
        return self.path / stage / "checkpoints"

    def commit(
        self, stage: str, step: int, state: Mapping[str, Any], write: Callable[[Path], None], *, keep: int
    ) -> Path:
        """Checkpoint of `step`: `write` fills a temporary folder, then a manifest, then one rename."""
        parent = self.checkpoints(stage)
        final, partial = parent / f"step-{step:06d}", parent / f".partial-{step:06d}"
        for leftover in (partial, final):  # a `final` here did not verify, else we would have resumed from it
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir(parents=True)
        write(partial)
        (partial / "state.json").write_text(json.dumps({"step": step, **state}))
        _seal(partial)
        os.replace(partial, final)
        _sync_folder(parent)
        for old in sorted(parent.glob("step-*"))[:-keep]:
            shutil.rmtree(old, ignore_errors=True)
        return final

    def latest(self, stage: str) -> Committed | None:
        """The newest checkpoint that verifies; broken ones are passed over."""
        for folder in sorted(self.checkpoints(stage).glob("step-*"), reverse=True):
            if verify(folder) is None:
                state = json.loads((folder / "state.json").read_text())
                return Committed(int(state["step"]), folder, state)
        return None


def verify(folder: Path) -> str | None:
    """What is wrong with a committed folder, or None: every file's size and sha256 against the manifest."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text())
    except (OSError, json.JSONDecodeError) as error:
        return f"manifest unreadable: {error}"
    for name, expected in manifest["files"].items():
        file = folder / name
        if not file.is_file() or file.stat().st_size != expected["bytes"]:
            return f"{name} is missing or has another size"
        if _sha256(file) != expected["sha256"]:
            return f"{name} does not match its sha256"
    return None


def write_atomically(file: Path, text: str) -> None:
    """Replaces `file` by one rename, after its bytes are on disk."""
    partial = file.with_name(f".{file.name}.partial")
    with partial.open("w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(partial, file)


def _seal(folder: Path) -> None:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    entries = {}
    for file in files:
        with file.open("rb+") as handle:
            os.fsync(handle.fileno())
        entries[str(file.relative_to(folder))] = {"bytes": file.stat().st_size, "sha256": _sha256(file)}
    write_atomically(folder / _MANIFEST, json.dumps({"files": entries}, indent=1))
    _sync_folder(folder)


def _sha256(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


_FREE_TO_CHANGE = {"run_dir", "resume", "dry_run", "trackers"}


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> list[str]:
    """Dotted keys whose values differ, leaving out those that do not change results."""
    found = []
    for key in sorted(set(old) | set(new)):
        here = f"{path}{key}"
        if here in _FREE_TO_CHANGE or here.startswith("cluster.deadlines"):
            continue
        a, b = old.get(key), new.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            found += _differences(a, b, here + ".")
        elif a != b:
            found.append(f"{here}: {a!r} there, {b!r} now")
    return found
