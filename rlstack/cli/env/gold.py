"""`rlstack env gold NAME`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rlstack.api import Row
from rlstack.authoring.judging_contract import GOLD_SHARE, Court
from rlstack.authoring.subject import GOLD_FILE, GOLD_ROWS, Subject, open_subject, read_gold, write_gold
from rlstack.cli.progress import progress
from rlstack.cli.quantities import whole
from rlstack.errors import ConfigError, PluginError

_LISTED = 5


def main(argv: list[str]) -> int:
    """Writes the file and judges what it holds: 1 when a gold answer is not paid in full."""
    options = _parser().parse_args(argv)
    subject = open_subject(options.env)
    if subject.folder is None:
        raise PluginError(
            f"env '{subject.name}' is an installed package ({subject.address}): it has no folder of yours"
        )
    file = subject.folder / GOLD_FILE
    if not (options.write or subject.by_path or file.is_relative_to(Path.cwd())):
        raise ConfigError(
            f"{file} is not below the working directory, so '{options.env}' is probably not yours, and its rows may "
            "have been read over by hand; nothing was touched. To write it anew: "
            f"rlstack env gold {options.env} --write"
        )
    write_gold(subject, subject.folder, options.n)
    rows = read_gold(subject.folder)
    sys.stdout.write(f"wrote {file} ({len(rows)} rows)\n")
    sys.stdout.flush()
    return _judge(subject, rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rlstack env gold",
        description="Write gold.jsonl anew: rows of all levels with their gold answers, and judge them. Read them "
        "over: later checks, and everybody who changes a reward, rely on them. Exit status 1 when one is not paid.",
    )
    parser.add_argument("env", help="name, or folder")
    parser.add_argument("-n", type=whole, default=GOLD_ROWS, metavar="ROWS", help="default: %(default)s")
    parser.add_argument("--write", action="store_true", help="also for an env that is not below the working directory")
    return parser


def _judge(subject: Subject, rows: list[Row]) -> int:
    with subject.pool() as pool, progress("judging", len(rows)) as advance:
        court = Court(subject, pool, advance)
        if not court.weights:
            sys.stdout.write("no reward is verifiable (VERIFIABLE = False), so they were not judged\n")
            return 0
        verdicts = [verdict for (verdict,) in court.judge([(0, row, [row.gold]) for row in rows])]
    poor = [(i, v) for i, v in enumerate(verdicts, 1) if v.score.status != "ok" or v.share < GOLD_SHARE]
    if not poor:
        sys.stdout.write("all of them earn the full score\n")
        return 0
    sys.stdout.write(f"{len(poor)} of {len(rows)} do not earn the full score:\n")
    for line, verdict in poor[:_LISTED]:
        grade = f"{verdict.share:.2f}" if verdict.score.status == "ok" else verdict.score.status
        detail = verdict.score.detail or "no detail"
        sys.stdout.write(f"  line {line}: {grade} for {verdict.text[:100]!r} ({detail[:200]})\n")
    if len(poor) > _LISTED:
        sys.stdout.write(f"  … and {len(poor) - _LISTED} more\n")
    sys.stdout.write(f"mend the generator or the reward, then: rlstack env gold {subject.given}\n")
    return 1
