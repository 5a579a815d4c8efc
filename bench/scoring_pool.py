"""What the scoring pool costs beside the rewards themselves.

    python bench/scoring_pool.py [--workers 1] [--items 20000] [--group 16]

Prints the start-up time, trivial verdicts per second (in groups and as single items), the round trip of one
group of one, the time to kill and replace a worker, and the time to close.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

from rlstack.api import Response
from rlstack.config.rl import ScoringConfig
from rlstack.scoring import ScoringPool

TRIVIAL = """
from rlstack.api import judged
def score(response, data):
    return judged(response.text == data["answer"], "compared")
"""
EXIT = """
import os
from rlstack.api import judged
def score(response, data):
    if response.text == "hang":
        while True:
            pass
    return judged(1.0)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--group", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rewards = {name: {_write(folder, name, text): 1.0} for name, text in {"same": TRIVIAL, "hangs": EXIT}.items()}
        begun = perf_counter()
        pool = ScoringPool(rewards, ScoringConfig(workers=options.workers, deadline=0.2), cache_size=0)
        start_s = perf_counter() - begun
        grouped = max(_per_second(pool, options.items, options.group) for _ in range(3))
        single = max(_per_second(pool, options.items // 4, 1) for _ in range(3))
        trips = [_round_trip(pool, n) for n in range(2000)]
        kill_s = _round_trip(pool, 0, "hangs", "hang") - 0.2
        refill = [_round_trip(pool, 0, "hangs", "fine")]
        begun = perf_counter()
        pool.close()
        close_s = perf_counter() - begun
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {options.workers} worker(s)")
    print(f"start to ready                 {start_s * 1000:8.0f} ms")
    print(f"verdicts, groups of {options.group:<4}       {grouped:8.0f} /s")
    print(f"verdicts, groups of 1          {single:8.0f} /s")
    print(f"round trip, median / p99       {statistics.median(trips) * 1e6:8.0f} / {_p99(trips) * 1e6:.0f} us")
    print(f"kill, past the deadline        {kill_s * 1000:8.1f} ms")
    print(f"next verdict, worker refilled  {refill[0] * 1000:8.1f} ms")
    print(f"close                          {close_s * 1000:8.0f} ms")


def _write(folder: str, name: str, source: str) -> str:
    path = Path(folder, f"{name}.py")
    path.write_text(source)
    return str(path)


def _per_second(pool: ScoringPool, items: int, group: int) -> float:
    answers = [Response(f"a plausible answer of the length of a sentence, number {n}") for n in range(group)]
    begun = perf_counter()
    futures = [pool.submit("same", answers, {"answer": str(n)}) for n in range(items // group)]
    pool.collect(futures, 120)
    return items // group * group / (perf_counter() - begun)


def _round_trip(pool: ScoringPool, n: int, env: str = "same", text: str = "7") -> float:
    begun = perf_counter()
    pool.judge(env, [Response(text)], {"answer": str(n)})
    return perf_counter() - begun


def _p99(times: list[float]) -> float:
    return sorted(times)[int(0.99 * len(times))]


if __name__ == "__main__":
    main()
