"""`rlstack rescore RUN`: a run's saved rollouts judged again with today's rewards. Never writes into the run."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rlstack.authoring.rejudge import Change, Rejudged, differing, rejudge, saved_stages
from rlstack.cli.progress import progress
from rlstack.cli.quantities import seconds, whole
from rlstack.config.rl import ScoringConfig
from rlstack.types import Score

_WIDTH_OF_A_FILE = 160
_SHOWN_CHARS = 200


def main(argv: list[str]) -> int:
    """Prints what changed. Raises RunDirError for a folder that is no run."""
    options = _parser().parse_args(argv)
    stages = saved_stages(options.run, options.stage)
    scoring = ScoringConfig(workers=options.workers, deadline=options.deadline)
    with progress("judging files", sum(len(stage.files) for stage in stages)) as advance:
        found = rejudge(options.run, stages, options.env, scoring, advance)
    if options.json:
        sys.stdout.write(json.dumps({"run": str(options.run), **found.to_json()}, ensure_ascii=False) + "\n")
    else:
        _print(found, options.show)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rlstack rescore",
        description="Judge the saved rollouts and evaluations of a run again with the rewards as they are now, "
        "and show which verdicts are others. The run is only read.",
    )
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument("--env", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--stage", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
    parser.add_argument("--show", type=int, default=20, metavar="N", help="changed verdicts listed (default: 20)")
    parser.add_argument("--workers", type=whole, default=1, help="processes that judge (default: %(default)s)")
    parser.add_argument("--deadline", type=seconds, default=ScoringConfig().deadline, metavar="S")
    parser.add_argument("--json", action="store_true", help="everything, all changed verdicts included")
    return parser


def _print(found: Rejudged, show: int) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in (
        "env",
        "samples",
        "changed",
        "higher",
        "lower",
        "other status",
        "components",
        "mean before",
        "mean now",
    ):
        table.add_column(column, justify="left" if column == "env" else "right")
    for env, tally in found.envs.items():
        counts = (tally.samples, tally.changed, tally.higher, tally.lower, tally.status, tally.components)
        table.add_row(env, *map(str, counts), f"{tally.mean_before:.4f}", f"{tally.mean_after:.4f}")
    console.print(table)
    if not found.changes:
        console.print("\nno verdict has changed")
        return
    console.print(f"\nchanged verdicts{_of(len(found.changes), show)}:")
    for change in found.changes[:show]:
        console.print(escape(_shown(change)), soft_wrap=True)


def _of(total: int, show: int) -> str:
    return f", the first {show} of {total:,} (--json has all)" if total > show else ""


def _shown(change: Change) -> str:
    lines = [
        f"{change.prompt.env}  {_grade(change.before)} → {_grade(change.after)}   {change.place} "
        f"{change.prompt.id} sample {change.sample.index}",
        f"  asked   {_line(change.prompt.messages[-1]['content'])}",
        f"  answer  {_line(change.sample.text)}",
        f"  before  {_line(change.before.detail)}",
        f"  now     {_line(change.after.detail)}",
    ]
    for name, (before, after) in differing(change.before, change.after).items():
        lines.append(f"  {name}  {_number(before)} → {_number(after)}")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"


def _grade(score: Score) -> str:
    return f"{score.value:.3g}" if score.status == "ok" else score.status


def _line(text: str) -> str:
    shown = text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}… ({len(text):,} characters)"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
