"""`rlstack env check NAME…`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rlstack.authoring.contract import ROWS, check
from rlstack.authoring.report import Finding, Report
from rlstack.cli.progress import progress
from rlstack.cli.quantities import whole
from rlstack.plugins import find_env

_MARKS = {"ok": ("✓", "32"), "note": ("!", "33"), "failed": ("✗", "31")}
_FIGURES = {
    "ms_per_score": "{:.2f} ms per score",
    "ms_per_score_max": "{:.1f} at most",
    "prompts_per_s": "{:,.0f} prompts/s",
}


def main(argv: list[str]) -> int:
    """0 when every rule holds for every environment, else 1. Raises UnknownPluginError."""
    parser = argparse.ArgumentParser(
        prog="rlstack env check",
        description="Holds environments against their contract: ✓ holds, ! worth a look, ✗ breaks it. "
        "Exit status 1 when a rule is broken.",
    )
    parser.add_argument("env", nargs="+", help="name, or folder")
    parser.add_argument("--rows", type=whole, default=ROWS, metavar="N", help="of each level (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object per environment")
    options = parser.parse_args(argv)
    for name in options.env:
        find_env(name)  # a mistyped one is refused before the others take their time
    sound = True
    for name in options.env:
        with progress(f"checking {name}, answers judged") as advance:
            report = check(name, rows=options.rows, advance=advance)
        sound &= report.sound
        sys.stdout.write(json.dumps(report.to_json()) + "\n" if options.json else _text(report))
        sys.stdout.flush()
    return 0 if sound else 1


def _text(report: Report) -> str:
    lines = [f"{report.env}  {_place(report.where)}", *map(_line, report.findings)]
    figures = ", ".join(form.format(report.figures[name]) for name, form in _FIGURES.items() if name in report.figures)
    lines += [f"  speed       {figures}"] if figures else []
    broken = sum(finding.mark == "failed" for finding in report.findings)
    lines += [f"{broken} of {len(report.findings)} rules broken" if broken else "every rule holds", ""]
    return "\n".join(lines) + "\n"


def _place(where: str) -> str:
    """A path below the working directory, as the author would type it."""
    path = Path(where)
    return f"./{path.relative_to(Path.cwd())}" if path.is_absolute() and path.is_relative_to(Path.cwd()) else where


def _line(finding: Finding) -> str:
    sign, colour = _MARKS[finding.mark]
    if sys.stdout.isatty():
        sign = f"\x1b[{colour}m{sign}\x1b[0m"
    said = finding.said.replace("\n", "\n              ")
    mend = f"\n              → {finding.mend}" if finding.mend else ""
    return f"{sign} {finding.rule:<12}{said}{mend}"
