"""Packed attention: documents laid end to end in one row, each seeing only itself and its prefix.

Everything but attention runs on the packed row without padding. Attention gathers the row into a few
rectangles of similar lengths, runs torch's fused kernel on each, and scatters back. A segment may have a
*prefix* elsewhere in the row: the samples of a group share the forward pass of their prompt that way.
The function plugs into transformers' attention interface, so it serves every model built on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

ATTENTION = "rlstack_packed"
_MAX_WASTE = 1.25  # a rectangle may be this much larger than what it holds


@dataclass(frozen=True, slots=True)
class Segment:
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
    mask_D1LK: Tensor | None


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How a packed row of N tokens is cut for attention."""

    rectangles: tuple[Rectangle, ...]
    restore_N: Tensor  # position of each row token in the rectangles' outputs laid end to end

    def to(self, device: torch.device) -> Layout:
        def move(t: Tensor | None) -> Any:
            return None if t is None else t.to(device, non_blocking=True)

        moved = tuple(Rectangle(move(r.query_DL), move(r.key_DK), move(r.mask_D1LK)) for r in self.rectangles)
        return Layout(moved, move(self.restore_N))


def layout(segments: Sequence[Segment]) -> Layout:
    """Groups segments into rectangles; segments must cover the row 0..N exactly once."""
    total = sum(s.length for s in segments)
    restore = torch.empty(total, dtype=torch.long)
    rectangles, offset = [], 0
    for members in _similar(segments):
        width = max(s.length for s in members)
        rectangles.append(_rectangle(members, width))
        for row, s in enumerate(members):
            first = offset + row * width
            restore[s.start : s.start + s.length] = torch.arange(first, first + s.length)
        offset += len(members) * width
    return Layout(tuple(rectangles), restore)


def _similar(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Sorted runs with and without prefix, cut where padding would waste more than `_MAX_WASTE`."""
    runs: list[list[Segment]] = []
    for s in sorted(segments, key=lambda s: (s.prefix_length > 0, s.length, s.prefix_length, s.start)):
        run = runs[-1] if runs else []
        if run and (run[0].prefix_length > 0) == (s.prefix_length > 0):
            used = sum(m.length for m in run) + s.length
            if (len(run) + 1) * max(s.length, run[-1].length) <= _MAX_WASTE * used + 16:
                run.append(s)
                continue
        runs.append([s])
    return runs


def _rectangle(members: Sequence[Segment], width: int) -> Rectangle:
    starts = torch.tensor([s.start for s in members])
    lengths = torch.tensor([s.length for s in members])
    columns = torch.arange(width)
    # Padding repeats the last token: finite values whose results nobody reads.
    own = starts[:, None] + torch.minimum(columns[None], lengths[:, None] - 1)
    if members[0].prefix_length == 0:
        return Rectangle(own, own, None)  # causal order alone keeps padding out of sight
    prefix_starts = torch.tensor([s.prefix_start for s in members])
    prefix_lengths = torch.tensor([s.prefix_length for s in members])
    prefix_columns = torch.arange(int(prefix_lengths.max()))
    prefix = prefix_starts[:, None] + torch.minimum(prefix_columns[None], prefix_lengths[:, None] - 1)
    sees_prefix = (prefix_columns[None] < prefix_lengths[:, None])[:, None, :].expand(-1, width, -1)
    sees_own = (columns[:, None] >= columns[None])[None].expand(len(members), -1, -1)
    mask = torch.cat((sees_prefix, sees_own), dim=2)[:, None]
    return Rectangle(own, torch.cat((prefix, own), dim=1), mask)


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
        q, k, v = q_NHd[r.query_DL], k_NHd[r.key_DK], v_NHd[r.key_DK]
        out_DHLd = torch.nn.functional.scaled_dot_product_attention(
            q.transpose(1, 2),
            k.transpose(1, 2),
            v.transpose(1, 2),
            attn_mask=r.mask_D1LK,
            is_causal=r.mask_D1LK is None,
            scale=scaling,
            enable_gqa=q.shape[2] != k.shape[2],
        )
        outputs.append(out_DHLd.transpose(1, 2).flatten(0, 1))
    return torch.cat(outputs)[packing.restore_N][None], None


def register() -> str:
    """Makes the function known to transformers; returns its name. Idempotent."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    AttentionInterface.register(ATTENTION, packed_attention)
    AttentionMaskInterface.register(ATTENTION, lambda *args, **kwargs: None)
    return ATTENTION
