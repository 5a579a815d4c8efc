"""Lengths → each rank's micro-batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from parts.lengths import log_normal

_N, _RANKS, _MICRO_TOKENS = 16384, 8, 16384


def prepare(sides: Sequence[str]) -> tuple[dict[str, Callable[[], object]], str]:
    from rlstack.data.packing import balance

    lengths = log_normal(_N, 3)
    actions: dict[str, Callable[[], object]] = {"ours": lambda: balance(lengths, _RANKS, _MICRO_TOKENS)}
    said = f"{_N:,} lengths over {_RANKS} ranks; rank time lost waiting: ours {_lost(lengths, actions['ours']()):.2%}"
    if "verl" in sides:
        from verl.utils.seqlen_balancing import get_seqlen_balanced_partitions

        def verl() -> list:
            parts = get_seqlen_balanced_partitions(lengths.tolist(), _RANKS, equal_size=False)
            micro = max(-(-int(lengths[part].sum()) // _MICRO_TOKENS) for part in parts)
            while True:
                plans = []
                for part in parts:
                    own = get_seqlen_balanced_partitions(lengths[part].tolist(), micro, equal_size=False)
                    plans.append([[part[i] for i in bin_] for bin_ in own])
                if all(lengths[m].sum() <= _MICRO_TOKENS for plan in plans for m in plan):
                    return plans
                micro += 1

        actions["verl"] = verl
        said += f", verl {_lost(lengths, verl()):.2%}"
    return actions, said


def _lost(lengths, plans) -> float:
    """Ranks run their collectives together: each round takes as long as its fullest micro-batch."""
    rounds = list(zip(*[[int(lengths[m].sum()) if m else 0 for m in plan] for plan in plans], strict=True))
    return 1 - sum(map(sum, rounds)) / (len(plans) * sum(map(max, rounds)))
