"""`rlstack <command>`: finds the command's module and leaves everything else to it."""

from __future__ import annotations

import importlib
import sys

from rlstack.cli.border import guarded
from rlstack.errors import ConfigError, nearest

COMMANDS = {
    "run": ("rlstack.run", "train: compose a configuration and run its stages"),
    "score": ("rlstack.cli.score", "judge answers in a JSONL file with a reward"),
    "env": ("rlstack.cli.env", "write, list, check and try environments"),
    "plan": ("rlstack.cli.plan", "predict memory and step time of a model on a cluster"),
    "verify": ("rlstack.cli.verify", "check the invariances of training on your model and cluster"),
    "rescore": ("rlstack.cli.rescore", "judge a run's saved rollouts again and show what changed"),
}
"""Command → (module with `main(argv) -> int`, one line of help). A new command is one more entry."""


def main(argv: list[str] | None = None) -> int:
    """Entry point of the console script."""
    return guarded(_dispatch, sys.argv[1:] if argv is None else argv)


def _dispatch(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        sys.stdout.write(_help())
        return 0
    if argv[0] == "--version":
        from rlstack import __version__

        sys.stdout.write(f"rlstack {__version__}\n")
        return 0
    if argv[0] not in COMMANDS:
        raise ConfigError(f"rlstack has no command '{argv[0]}'; {nearest(argv[0], COMMANDS)}")
    module = importlib.import_module(COMMANDS[argv[0]][0])
    return module.main(argv[1:])


def _help() -> str:
    lines = [f"  {name:<10}{summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(
        ["usage: rlstack <command> [arguments]", "", *lines, "", "rlstack <command> --help says more.", ""]
    )
