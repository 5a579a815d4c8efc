"""`rlstack env gold NAME`."""

from __future__ import annotations

import argparse
import sys

from rlstack.authoring.subject import GOLD_ROWS, open_subject, write_gold
from rlstack.errors import PluginError


def main(argv: list[str]) -> int:
    """Writes the file."""
    parser = argparse.ArgumentParser(
        prog="rlstack env gold",
        description="Write gold.jsonl anew: rows of all levels with their gold answers. Read them over: "
        "later checks, and everybody who changes a reward, rely on them.",
    )
    parser.add_argument("env", help="name, or folder")
    parser.add_argument("-n", type=int, default=GOLD_ROWS, metavar="ROWS", help="default: %(default)s")
    options = parser.parse_args(argv)
    subject = open_subject(options.env)
    if subject.folder is None:
        raise PluginError(
            f"env '{subject.name}' is an installed package ({subject.address}): it has no folder of yours"
        )
    sys.stdout.write(f"wrote {write_gold(subject, subject.folder, options.n)} ({options.n} rows)\n")
    return 0
