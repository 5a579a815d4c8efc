"""The long form of tests/hostile: 10,000 hostile answers per reward through the live pool, each beside a good one.

    .venv/bin/python bench/hostile_rewards.py   # every reward, 10,000 each: half an hour or more
    .venv/bin/python bench/hostile_rewards.py math sql --hostile 2000 --seed 1

Prints a row per reward; exits with 1 if any good answer was harmed, any text that says nothing was paid, the server
died, a verdict came late, or a file, a process or memory was left behind.
"""

from __future__ import annotations

import argparse
import sys

from rlstack.authoring.examples import TASKS
from rlstack.authoring.storm import Outcome, storm

_HEAD = "reward       hostile    good  harmed  paid  raised  cut off  late  slowest  restarts  left behind  answers/s"


def main() -> int:
    parser = argparse.ArgumentParser(description="hostile answers against the shipped rewards")
    parser.add_argument("rewards", nargs="*", default=list(TASKS), help="default: every one")
    parser.add_argument("--hostile", type=int, default=10_000, help="hostile answers per reward")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    print(_HEAD, flush=True)
    clean = True
    for reward in options.rewards:
        outcome = storm(reward, options.hostile, options.seed, options.workers)
        clean &= outcome.clean
        print(_row(reward, outcome), flush=True)
        for complaints in (outcome.harmed, outcome.paid, outcome.raised, outcome.files):
            for complaint in sorted(set(complaints))[:5]:
                print(f"  {complaint}", flush=True)
    return 0 if clean else 1


def _row(reward: str, it: Outcome) -> str:
    left = f"{len(it.files)} files {it.processes} pids {max(0.0, it.grown_mb):.0f} MB"
    pace = (it.hostile + it.good) / it.seconds
    return (
        f"{reward:12} {it.hostile:7} {it.good:7} {len(it.harmed):7} {len(it.paid):5} {len(it.raised):7} "
        f"{it.timeouts:8} {it.late:5} {it.slowest_s:6.2f} s {it.restarts:9}  {left}  {pace:7.0f}"
    )


if __name__ == "__main__":
    sys.exit(main())
