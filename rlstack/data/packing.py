"""Packing sequences into rows of bounded length, and rows onto ranks. Numpy only, deterministic.

Packing saves the padding; balancing saves the waiting: FSDP ranks run their collectives together, so every
rank needs the *same number* of micro-batches and micro-batch k should cost the same everywhere.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def pack(lengths: Sequence[int] | NDArray, capacity: int) -> list[list[int]]:
    """Indices of sequences by bin, each bin at most `capacity` tokens: best-fit decreasing.

    The longest sequence goes first, always into the fullest bin that still has room. Bins are kept in
    buckets by their free space and the spaces in a sorted list, so a step costs a bisection instead of a walk
    over all bins. Ties go by index: equal input gives equal output. Raises ValueError for a sequence longer
    than `capacity`, or not longer than 0.
    """
    sizes = _checked(lengths)
    if sizes.size and int(sizes.max()) > capacity:
        worst = int(sizes.argmax())
        raise ValueError(f"sequence {worst} has {sizes[worst]} tokens, more than the capacity of {capacity}")
    bins: list[list[int]] = []
    spaces: list[int] = []  # the distinct free spaces of open bins, ascending
    bins_by_space: dict[int, list[int]] = {}
    for index in np.argsort(-sizes, kind="stable").tolist():
        size = int(sizes[index])
        at = bisect_left(spaces, size)
        if at == len(spaces):
            bins.append([index])
            bin_id, left = len(bins) - 1, capacity - size
        else:
            space = spaces[at]
            holders = bins_by_space[space]
            bin_id, left = holders.pop(), space - size
            bins[bin_id].append(index)
            if not holders:
                del bins_by_space[space], spaces[at]
        if left:
            if left not in bins_by_space:
                insort(spaces, left)
                bins_by_space[left] = []
            bins_by_space[left].append(bin_id)
    return bins


def balance(
    lengths: Sequence[int] | NDArray,
    ranks: int,
    capacity: int,
    *,
    attention: float = 0.0,
    pairs: Sequence[int] | None = None,
) -> tuple[list[list[int]], ...]:
    """Micro-batches of each rank: indices of sequences, at most `capacity` tokens each.

    Every rank gets the same number of micro-batches, the fewest that `pack` can do with; an empty one is a
    dummy that the rank must still run. Cost is balanced over the ranks and, at each position, between them.
    The cost of a sequence of n tokens is n + attention * n^2 (see `attention_cost`); `pairs` takes the place of n^2
    where not every token attends to all before it: shared prompts, rows of documents. `capacity` never splits a
    sequence: one longer than it gets a micro-batch of its own, since a sample once generated should be
    trained on; memory must be planned for the longest context.
    """
    if ranks < 1:
        raise ValueError(f"ranks must be >= 1, got {ranks}")
    sizes = _checked(lengths)
    squares = sizes.astype(np.float64) ** 2 if pairs is None else np.asarray(pairs, np.float64)
    costs = sizes + attention * squares
    alone = [[index] for index in np.flatnonzero(sizes > capacity).tolist()]
    fitting = np.flatnonzero(sizes <= capacity)
    packed = [[int(fitting[i]) for i in part] for part in pack(sizes[fitting], capacity)]
    rounds = -(-(len(alone) + len(packed)) // ranks)
    n_bins = rounds * ranks - len(alone)
    spread = _spread(fitting, sizes, costs, n_bins, capacity)
    bins = alone + (packed + [[] for _ in range(n_bins - len(packed))] if spread is None else spread)
    return _deal(bins, costs, ranks)


def attention_cost(layers: int, hidden: int, params: int) -> float:
    """`attention` for `balance`: causal attention's FLOPs per token pair over those per token of the matrices.

    Forward and backward take 6 * params FLOPs per token in the matrices and 6 * layers * hidden * n per token in
    causal attention over n tokens (scores and values, half of the square); `hidden` is heads * head_dim.
    """
    return layers * hidden / params


def fill(lengths: Sequence[int] | NDArray, bins: Sequence[Sequence[int]], capacity: int) -> float:
    """Share of the bins' capacity that holds tokens."""
    return float(_checked(lengths).sum()) / (capacity * len(bins)) if bins else 1.0


def _checked(lengths: Sequence[int] | NDArray) -> NDArray[np.int64]:
    sizes = np.asarray(lengths, np.int64)
    if sizes.ndim != 1 or (sizes < 1).any():
        raise ValueError("lengths must be a row of token counts >= 1")
    return sizes


def _spread(
    members: NDArray, sizes: NDArray[np.int64], costs: NDArray[np.float64], n_bins: int, capacity: int
) -> list[list[int]] | None:
    """The costliest sequence first, always into the cheapest bin; None where that leaves no room for one."""
    bins: list[list[int]] = [[] for _ in range(n_bins)]
    load = np.zeros(n_bins)
    room = np.full(n_bins, capacity, np.int64)
    for index in members[np.argsort(-costs[members], kind="stable")].tolist():
        open_load = np.where(room >= sizes[index], load, np.inf)
        at = int(open_load.argmin()) if n_bins else -1
        if at < 0 or open_load[at] == np.inf:
            return None
        bins[at].append(index)
        load[at] += costs[index]
        room[at] -= sizes[index]
    return bins


def _deal(bins: list[list[int]], costs: NDArray[np.float64], ranks: int) -> tuple[list[list[int]], ...]:
    """Rounds of bins of like cost, costliest first; in each, the rank with the least so far takes the most."""
    bin_cost = [float(costs[part].sum()) for part in bins]
    order = sorted(range(len(bins)), key=lambda b: -bin_cost[b])
    result: tuple[list[list[int]], ...] = tuple([] for _ in range(ranks))
    total = [0.0] * ranks
    for start in range(0, len(order), ranks):
        for rank, b in zip(sorted(range(ranks), key=total.__getitem__), order[start : start + ranks], strict=True):
            result[rank].append(sorted(bins[b]))
            total[rank] += bin_cost[b]
    return result
