"""`rlstack env list`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from rlstack.plugins import Listing, find_env, list_envs, load_env

_WIDTH_OF_A_FILE = 160


def main(argv: list[str]) -> int:
    """Prints the table; 0 also when some are broken, since others are not disturbed by it."""
    parser = argparse.ArgumentParser(prog="rlstack env list", description="Every environment that can be found.")
    parser.add_argument("--json", action="store_true", help="a JSON list instead of a table")
    options = parser.parse_args(argv)
    rows = [_row(listing) for listing in list_envs()]
    if options.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return 0
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("env", "origin", "levels", "rewards", "facts"):
        table.add_column(column, overflow="fold", no_wrap=column in ("env", "origin"))
    for row in rows:
        table.add_row(*_cells(row))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    console.print(table)
    broken = sorted({row["name"] for row in rows if row["problem"]})  # one that is found twice is one name
    if broken:
        sys.stdout.write(f"\n{len(broken)} broken; rlstack env check {broken[0]} says more\n")
    return 0


def _row(listing: Listing) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": listing.name,
        "origin": _origin(listing),
        "path": listing.origin,
        "problem": listing.problem,
        "levels": None,
        "rewards": {},
        "facts": dict(listing.facts),
    }
    if not listing.problem:
        env = load_env(listing.name)
        row |= {"levels": env.levels, "rewards": dict(env.rewards)}
    return row


def _origin(listing: Listing) -> str:
    if listing.owner == "ours":
        return "rlstack"
    if listing.owner == "installed":
        return find_env(listing.name).where if not listing.problem else "installed"
    folder = Path(listing.origin).parent
    return f"./{folder.relative_to(Path.cwd())}" if folder.is_relative_to(Path.cwd()) else str(folder)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    from rich.markup import escape

    if row["problem"]:
        return (f"[red]{row['name']}", row["origin"], "", "", f"[red]broken: {escape(row['problem'])}")
    rewards = ", ".join(name if weight == 1 else f"{weight:g} {name}" for name, weight in row["rewards"].items())
    facts = row["facts"]
    about = "; ".join(str(facts[name]) for name in ("about", "source", "licence") if name in facts)
    return (row["name"], row["origin"], str(row["levels"]), rewards, escape(about))
