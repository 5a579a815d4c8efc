"""`rlstack env difficulty NAME --model tiny`."""

from __future__ import annotations

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table

from rlstack.authoring.difficulty import Difficulty, measure
from rlstack.authoring.subject import Subject, open_subject
from rlstack.cli.env import model
from rlstack.cli.progress import progress
from rlstack.cli.quantities import whole
from rlstack.errors import ConfigError

_WIDTH_OF_A_FILE = 120
_CUT = 0.2  # share of answers at the token limit that is worth a word


def main(argv: list[str]) -> int:
    """Prints the report."""
    options = _parser().parse_args(argv)
    if not model.is_asked(options):
        raise ConfigError("hard for whom? give --model NAME, or --endpoint URL --api-model NAME")
    subject = open_subject(options.env, options.data)
    levels = options.levels or list(range(subject.env.levels))
    if wrong := [level for level in levels if not 0 <= level < subject.env.levels]:
        raise ConfigError(f"--levels {wrong[0]}: '{subject.name}' has levels 0 to {subject.env.levels - 1}")
    with progress("loading"):
        sampler = model.sampler(options, options.env)
    total = len(levels) * options.prompts * options.samples
    with subject.pool() as pool, progress("answers", total) as advance:
        found = measure(subject.env, levels, options.prompts, options.samples, sampler, pool, advance)
    if options.json:
        sys.stdout.write(json.dumps({"env": subject.name, "model": model.label(options), **found.to_json()}) + "\n")
    else:
        _print(found, subject, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rlstack env difficulty",
        description="Pass rate per level on held-out prompts, the share of groups with mixed outcome (those that "
        "reinforcement learning learns from), and the level to train on.",
    )
    parser.add_argument("env", help="name, or folder")
    parser.add_argument("--data", metavar="SOURCE", help="a file, folder or hub id in place of the generator")
    parser.add_argument("--levels", type=int, nargs="+", metavar="L", help="default: all")
    parser.add_argument("--prompts", type=whole, default=16, metavar="N", help="of each level (default: %(default)s)")
    parser.add_argument("--samples", type=whole, default=8, metavar="G", help="of each prompt (default: %(default)s)")
    parser.add_argument("--json", action="store_true")
    model.add_options(parser, temperature=1.0)
    return parser


def _print(found: Difficulty, subject: Subject, options: argparse.Namespace) -> None:
    title = f"{subject.name} for {model.label(options)}, {options.samples} samples a prompt, T={options.temperature:g}"
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("level", "prompts", "pass rate", "95 % CI", "mixed groups", "mean score", "cut off", "not judged"):
        table.add_column(column, justify="right")
    for row in found.levels:
        table.add_row(
            str(row.level),
            str(row.prompts),
            f"{row.pass_rate:.3f}",
            f"{row.low:.2f}-{row.high:.2f}",
            f"{row.mixed:.0%}",
            f"{row.mean_score:.3f}",
            f"{row.cut_off:.0%}",
            f"{row.unjudged:.0%}",
        )
    Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE).print(table)
    sys.stdout.write(f"\n{found.advice}\n")
    if max(row.cut_off for row in found.levels) > _CUT:
        sys.stdout.write(f"many answers are cut off at {options.max_tokens} tokens: try --max-tokens higher\n")
    recipe = "sft_rl" if found.suggested is None else "single"
    level = f" stages.single.envs.{subject.name}.level={found.suggested}" if found.suggested else ""
    if options.model and (found.suggested is not None or found.is_hard):
        sys.stdout.write(
            f"train: python -m rlstack.run recipe={recipe} env={options.env} model={options.model}{level}\n"
        )
