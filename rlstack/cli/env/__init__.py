"""`rlstack env <verb>`: the author's kit. Each verb is a module of this folder, loaded when it is called."""

from __future__ import annotations

import importlib
import sys

from rlstack.errors import ConfigError, nearest

VERBS = {
    "new": "a working folder ./envs/NAME to start from",
    "list": "every environment that can be found, broken ones included",
    "check": "the contract: deterministic, gold pays, junk does not, nothing hurts the judge",
    "try": "look at prompts, or at a model's answers and their scores",
    "difficulty": "a model's pass rate per level, and the level to train on",
    "label": "questions as known or unknown by a policy's own pass rate, as rows to train on",
    "gold": "write gold.jsonl anew from the generator",
}
_MODULES = {"list": "listing", "try": "attempt"}  # the others are named like their verb


def main(argv: list[str]) -> int:
    """Exit status of `rlstack env …`. Raises RlstackError for what the user can mend."""
    if not argv or argv[0] in ("-h", "--help"):
        sys.stdout.write(_help())
        return 0
    verb = argv[0]
    if verb not in VERBS:
        raise ConfigError(f"rlstack env has no verb '{verb}'; {nearest(verb, VERBS)}")
    module = importlib.import_module(f"rlstack.cli.env.{_MODULES.get(verb, verb)}")
    return module.main(argv[1:])


def _help() -> str:
    lines = [f"  {verb:<12}{summary}" for verb, summary in VERBS.items()]
    return "\n".join(
        ["usage: rlstack env <verb> [arguments]", "", *lines, "", "rlstack env <verb> --help says more.", ""]
    )
