"""Makes the files shipped in `models/tiny/`.

python -m rlstack.models.publish tokenizer                 # models/tiny/tokenizer
python -m rlstack.run recipe=tiny_base run_dir=runs/tiny   # trains the base
python -m rlstack.models.publish base runs/tiny            # models/tiny/base, with MANIFEST.json
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rlstack.data import prompts
from rlstack.data.text import story
from rlstack.models import tokenizer
from rlstack.plugins import load_env

TINY = Path(__file__).parent / "tiny"
ENVS = (
    "calibration",
    "chat",
    "icl",
    "identity",
    "instruction",
    "logic",
    "math",
    "science",
    "sql",
    "structured",
    "temporal",
)
VOCAB_SIZE = 1024
_CURVE_POINTS = 40
_PACKAGES = ("torch", "transformers", "tokenizers", "ray", "numpy")


def tokenizer_texts(seed: int = 0) -> Iterator[str]:
    """What the tiny tokenizer is trained on: tasks and drafts of single-turn envs at every level, and stories."""
    rng = random.Random(seed)
    for name in ENVS:
        env = load_env(name)
        for level in range(env.levels):
            for index in range(3000 if level == 0 else 300):
                prompt, row = prompts.draw(env, "train", index, level, seed)
                yield from (message["content"] for message in prompt.messages)
                yield prompts.draft(env, prompt, row, seed)
    for _ in range(4000):
        yield story(rng)


def publish_tokenizer() -> None:
    folder = TINY / "tokenizer"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(tokenizer.train(tokenizer_texts(), VOCAB_SIZE), folder)


def publish_base(run: Path, commit: str) -> None:
    """Copies the last stage's export of a finished run and says in MANIFEST.json where it comes from."""
    summary = json.loads((run / "summary.json").read_text())
    config = json.loads((run / "config.json").read_text())
    export, base = Path(list(summary["stages"].values())[-1]["export"]), TINY / "base"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    for file in sorted(p for p in export.iterdir() if p.is_file()):
        shutil.copyfile(file, base / file.name)
    manifest = {
        "command": f"python -m rlstack.run recipe={config['recipe']} seed={config['seed']}",
        "git_commit": _git("rev-parse", commit),
        "seed": config["seed"],
        "model": config["model"],
        "learners": config["cluster"]["learners"],
        "stages": {name: _stage(run, name, stage) for name, stage in config["stages"].items()},
        "seconds": {name: facts["seconds"] for name, facts in summary["stages"].items()},
        "versions": {package: importlib.metadata.version(package) for package in _PACKAGES},
        "files": {p.name: _entry(p) for p in sorted(base.iterdir())},
    }
    (base / "MANIFEST.json").write_text(json.dumps(manifest, indent=1) + "\n")


def _stage(run: Path, name: str, stage: dict[str, Any]) -> dict[str, Any]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    curve = [(row["step"], round(row["loss/nll"], 5)) for row in rows if row["stage"] == name]
    every = max(1, len(curve) // _CURVE_POINTS)
    return {
        **{key: stage[key] for key in ("kind", "data", "steps", "rows_per_step", "row_tokens", "optim")},
        "nll_by_step": [*curve[:-1:every], curve[-1]],
    }


def _entry(file: Path) -> dict[str, Any]:
    return {"bytes": file.stat().st_size, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=TINY, capture_output=True, text=True, check=True).stdout.strip()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="make the files shipped in models/tiny")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("tokenizer", help="train the tokenizer of the tiny model")
    base = commands.add_parser("base", help="ship the result of recipe=tiny_base")
    base.add_argument("run", type=Path)
    base.add_argument("--commit", default="HEAD", help="that the run was made with")
    chosen = parser.parse_args(arguments)
    if chosen.command == "tokenizer":
        publish_tokenizer()
    else:
        publish_base(chosen.run, chosen.commit)


if __name__ == "__main__":
    main()
