"""Packing and balancing: seconds and quality on length mixes, next to what is done without.

    python bench/packing.py                # table
    python bench/packing.py --json         # one object per line
    python bench/packing.py --sequences 4096 --capacity 8192 --ranks 8

`fill` is the share of bin capacity that holds tokens. `padded` is the cost of padding every row to the longest
sequence, in multiples of the tokens. `wait` is the share of rank time lost because ranks run their micro-batches
in step and the slowest of each round is waited for; `naive` is the same for the usual deal, sequences to ranks
in turn and each rank packed on its own. First-fit runs on a slice, since it takes seconds on the whole.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rlstack.data.packing import balance, fill, pack

MIXES: dict[str, Callable[[np.random.Generator, int, int], NDArray]] = {
    "log-normal": lambda rng, n, top: np.exp(rng.normal(6.5, 1.0, n)),
    "long tail": lambda rng, n, top: np.exp(rng.normal(5.5, 1.6, n)),
    "uniform": lambda rng, n, top: rng.uniform(1, top, n),
    "two peaks": lambda rng, n, top: np.where(
        rng.random(n) < 0.7, rng.normal(400, 80, n), rng.normal(top * 0.6, 500, n)
    ),
    "equal": lambda rng, n, top: np.full(n, 700.0),
}


def lengths_of(mix: str, n: int, capacity: int, seed: int = 0) -> NDArray[np.int64]:
    return np.clip(MIXES[mix](np.random.default_rng(seed), n, capacity), 1, capacity).astype(np.int64)


def seconds_of(action: Callable[[], object], repeats: int) -> float:
    def once() -> float:
        start = time.perf_counter()
        action()
        return time.perf_counter() - start

    return statistics.median(once() for _ in range(repeats))


def first_fit(lengths: NDArray[np.int64], capacity: int) -> list[list[int]]:
    """The textbook loop: first bin with room, in the order of arrival."""
    bins: list[list[int]] = []
    rooms: list[int] = []
    for index, size in enumerate(lengths.tolist()):
        for b, room in enumerate(rooms):
            if room >= size:
                bins[b].append(index)
                rooms[b] -= size
                break
        else:
            bins.append([index])
            rooms.append(capacity - size)
    return bins


def wait_share(costs: NDArray[np.float64], shares: list[list[list[int]]]) -> float:
    """1 - work / (ranks * sum over rounds of the slowest rank)."""
    rounds = max(len(share) for share in shares)
    loads = [[float(costs[part].sum()) for part in share] + [0.0] * (rounds - len(share)) for share in shares]
    slowest = sum(max(rank[k] for rank in loads) for k in range(rounds))
    return max(0.0, 1.0 - float(costs.sum()) / (len(shares) * slowest))


def dealt_in_turn(lengths: NDArray[np.int64], ranks: int, capacity: int) -> list[list[list[int]]]:
    shares = []
    for rank in range(ranks):
        own = np.arange(rank, len(lengths), ranks)
        shares.append([[int(own[i]) for i in part] for part in pack(lengths[own], capacity)])
    return shares


def measure(mix: str, args: argparse.Namespace) -> dict[str, float | str]:
    lengths = lengths_of(mix, args.sequences, args.capacity)
    costs = lengths + args.attention * lengths.astype(np.float64) ** 2
    bins = pack(lengths, args.capacity)
    shares = balance(lengths, args.ranks, args.capacity, attention=args.attention)
    part = lengths[: min(2_048, len(lengths))]
    quick = seconds_of(lambda: pack(part, args.capacity), args.repeats)
    return {
        "mix": mix,
        "bins": len(bins),
        "fill": fill(lengths, bins, args.capacity),
        "pack_s": seconds_of(lambda: pack(lengths, args.capacity), args.repeats),
        "first_fit_fill": fill(part, first_fit(part, args.capacity), args.capacity),
        "first_fit_ratio": seconds_of(lambda: first_fit(part, args.capacity), 1) / quick,
        "padded": float(lengths.max() * len(lengths) / lengths.sum()),
        "balance_s": seconds_of(
            lambda: balance(lengths, args.ranks, args.capacity, attention=args.attention), args.repeats
        ),
        "wait": wait_share(costs, list(shares)),
        "naive_wait": wait_share(costs, dealt_in_turn(lengths, args.ranks, args.capacity)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=16_384)
    parser.add_argument("--capacity", type=int, default=16_384)
    parser.add_argument("--ranks", type=int, default=8)
    parser.add_argument("--attention", type=float, default=2e-5, help="cost of a token pair; 2e-5 is an 8B model")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    rows = [measure(mix, args) for mix in MIXES]
    if args.json:
        for row in rows:
            print(json.dumps(row))
        return
    print(
        f"{args.sequences} sequences, bins of {args.capacity} tokens, {args.ranks} ranks; "
        f"median of {args.repeats}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n"
    )
    print(
        f"{'mix':<11}{'bins':>6}{'fill':>8}{'pack s':>9}{'first-fit':>10}{'its time':>10}{'padded':>8}"
        f"{'balance s':>11}{'wait':>7}{'naive':>7}"
    )
    for r in rows:
        print(
            f"{r['mix']:<11}{r['bins']:>6}{r['fill']:>8.4f}{r['pack_s']:>9.4f}{r['first_fit_fill']:>10.4f}"
            f"{r['first_fit_ratio']:>9.1f}x{r['padded']:>7.1f}x{r['balance_s']:>11.4f}{r['wait']:>7.2%}"
            f"{r['naive_wait']:>7.2%}"
        )


if __name__ == "__main__":
    main()
