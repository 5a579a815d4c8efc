"""Packed attention: documents laid end to end in one row, each seeing only itself and its prefix.

Everything but attention runs on the packed row without padding. Attention gathers the row into a few
rectangles of similar lengths, runs torch's fused kernel on each, and scatters back. A segment may have a
*prefix* elsewhere in the row: the samples of a group share the forward pass of their prompt that way.
The function plugs into transformers' attention interface, so it serves every model built on it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

ATTENTION = "rlstack_packed"
_MAX_WASTE = 1.25  # a rectangle may be this much larger than what it holds
_LARGE_MASK = 16_384  # entries of one segment's mask, above which it pays to share it (timed with four layers)


class Segment(NamedTuple):
    """Tokens start..start+length of the row; they also see prefix_start..prefix_start+prefix_length."""

    start: int
    length: int
    prefix_start: int = 0
    prefix_length: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Rectangle:
    """D segments of similar size: gather indices into the row, and the mask (None: plain causal)."""

    query_DL: Tensor
    key_DK: Tensor
    mask_D1LK: Tensor | None  # its first size is 1 where all members have prefixes of one length


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How a packed row of N tokens is cut for attention."""

    rectangles: tuple[Rectangle, ...]
    restore_N: Tensor  # position of each row token in the rectangles' outputs laid end to end

    def to(self, device: torch.device) -> Layout:
        if self.restore_N.device == device:
            return self

        def move(t: Tensor | None) -> Any:
            return None if t is None else t.to(device, non_blocking=True)

        moved = tuple(Rectangle(move(r.query_DL), move(r.key_DK), move(r.mask_D1LK)) for r in self.rectangles)
        return Layout(moved, move(self.restore_N))


def layout(segments: Sequence[Segment]) -> Layout:
    """Groups segments into rectangles; segments must cover the row 0..N exactly once."""
    table_4S = _in_order(np.array(segments, np.int64).T)
    start_S, length_S, _, prefix_S = table_4S
    column = np.arange(max(length_S.max(), prefix_S.max()))
    seen_LK = _seen(length_S[prefix_S > 0], prefix_S)
    rectangles: list[Rectangle] = []
    first_S = np.empty_like(start_S)  # of each segment, in the rectangles laid end to end
    offset = 0
    for begin, end in _similar(table_4S):
        start_D, length_D, prefix_start_D, prefix_D = table_4S[:, begin:end, None]
        width, longest = int(length_D[-1, 0]), int(prefix_D.max())  # sorted: the longest is last
        # Padding repeats the last token: finite values whose results nobody reads.
        own_DL = start_D + np.minimum(column[:width], length_D - 1)
        first_S[begin:end] = offset + width * np.arange(end - begin)
        offset += own_DL.size
        query_DL = torch.from_numpy(own_DL)
        if longest == 0:
            rectangles.append(Rectangle(query_DL, query_DL, None))  # causal order alone keeps padding out of sight
            continue
        prefix_DK = prefix_start_D + np.minimum(column[:longest], prefix_D - 1)
        key_DK = torch.from_numpy(np.concatenate((prefix_DK, own_DL), axis=1))
        rectangles.append(Rectangle(query_DL, key_DK, _mask(seen_LK, prefix_D, width, longest)))
    by_start_S = np.argsort(start_S, kind="stable")
    restore_N = np.repeat((first_S - start_S)[by_start_S], length_S[by_start_S]) + np.arange(length_S.sum())
    return Layout(tuple(rectangles), torch.from_numpy(restore_N))


def _in_order(table_4S: NDArray[np.int64]) -> NDArray[np.int64]:
    """Segments (rows start, length, prefix's start and length) sorted by kind, then length."""
    start_S, length_S, _, prefix_S = table_4S
    return table_4S[:, np.lexsort((start_S, prefix_S, length_S, _kind(length_S, prefix_S)))]


def _kind(length_S: NDArray[np.int64], prefix_S: NDArray[np.int64]) -> NDArray[np.int64]:
    """What segments of one rectangle have in common: no prefix, a small mask each, or prefixes of one length, so that
    all use one mask. Torch turns a mask into floats in every layer: among long answers it costs more than it masks."""
    is_large_S = length_S * (prefix_S + length_S) > _LARGE_MASK
    return np.where(prefix_S == 0, -1, np.where(is_large_S, prefix_S, 0))


def _similar(table_4S: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Runs (begin, end) of one kind, cut where padding would waste more than `_MAX_WASTE`."""
    lengths, kinds = table_4S[1].tolist(), _kind(table_4S[1], table_4S[3]).tolist()
    borders, used = [0], 0
    for i, (length, kind) in enumerate(zip(lengths, kinds, strict=True)):
        used += length
        size = (i + 1 - borders[-1]) * length  # sorted, so the newest is the longest
        if kind != kinds[borders[-1]] or size > _MAX_WASTE * used + 16:
            borders.append(i)
            used = length
    return list(itertools.pairwise([*borders, len(lengths)]))


def _seen(length_S: NDArray[np.int64], prefix_S: NDArray[np.int64]) -> NDArray[np.bool_]:
    """What the tokens of a segment as long as the longest see behind a prefix as long as the longest; every mask is
    a part of it."""
    length, prefix = int(length_S.max(initial=0)), int(prefix_S.max())
    return torch.ones(length, prefix + length, dtype=torch.bool).tril_(prefix).numpy()


def _mask(seen_LK: NDArray[np.bool_], prefix_D: NDArray[np.int64], width: int, longest: int) -> Tensor:
    """Each query sees its segment's prefix, then its own tokens up to itself. One for all where prefixes agree."""
    room = seen_LK.shape[1] - seen_LK.shape[0]
    alike_LK = torch.from_numpy(seen_LK[:width, room - longest : room + width])
    if (prefix_D == longest).all():
        return alike_LK[None, None]
    mask_D1LK = alike_LK.repeat(len(prefix_D), 1, 1)[:, None]
    mask_D1LK[..., :longest] = torch.from_numpy(np.arange(longest) < prefix_D)[:, None, None]
    return mask_D1LK


def packed_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    packing: Layout | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention function for transformers: query [1, H, N, d], key and value [1, H_kv, N, d] → [1, N, H, d].

    Raises ValueError without a layout: attending over the whole row would leak between documents.
    """
    if packing is None:
        raise ValueError(f"attention '{ATTENTION}' needs packing=Layout in the model's call")
    q_NHd, k_NHd, v_NHd = (x[0].transpose(0, 1) for x in (query, key, value))
    outputs = []
    for r in packing.rectangles:
        q, k, v = (x.transpose(1, 2) for x in (q_NHd[r.query_DL], k_NHd[r.key_DK], v_NHd[r.key_DK]))
        repeated = repeats_heads(q.device.type, q.dtype, masked=r.mask_D1LK is not None)
        out_DHLd = attend(q, k, v, r.mask_D1LK, scaling, repeated=repeated)
        outputs.append(out_DHLd.transpose(1, 2).flatten(0, 1))
    return torch.cat(outputs)[packing.restore_N][None], None


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scaling: float, *, repeated: bool) -> Tensor:
    """Torch's fused attention, [D, H, L, d] with keys and values [D, H_kv, K, d] → [D, H, L, d]; no mask: causal.

    `repeated`: keys and values are written out for every query head; else the kernel knows how to share them.
    """
    groups = q.shape[1] // k.shape[1]
    if repeated and groups > 1:
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
    return torch.nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=mask is None, scale=scaling, enable_gqa=q.shape[1] != k.shape[1]
    )


def repeats_heads(device: str, dtype: torch.dtype, *, masked: bool) -> bool:
    """Whether torch has no fused kernel there that shares keys and values among query heads.

    On CUDA only the flash kernel shares them, which takes neither a mask nor float32. The memory-efficient one takes
    both, but not that; asked for all of it, torch would turn to plain matrices of scores without a word.
    """
    return device == "cuda" and (masked or dtype not in (torch.bfloat16, torch.float16))


def register() -> str:
    """Makes the function known to transformers; returns its name. Idempotent."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    AttentionInterface.register(ATTENTION, packed_attention)
    AttentionMaskInterface.register(ATTENTION, lambda *args, **kwargs: None)
    return ATTENTION
