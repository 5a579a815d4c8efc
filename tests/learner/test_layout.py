"""Packed attention equals one document at a time, in values and gradients, and leaks nothing."""

from __future__ import annotations

import random

import pytest
import torch

from rlstack.learner.layout import Segment, attend, layout, packed_attention, register, repeats_heads


def _model(folder):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.set_attn_implementation(register())
    return model.eval()


def _alone(model, tokens):
    model.set_attn_implementation("sdpa")
    logits = model(input_ids=tokens[None]).logits[0]
    model.set_attn_implementation(register())
    return logits


@pytest.mark.parametrize("lengths", [[5], [1, 1], [20, 7, 33, 20, 1], [3] * 40])
def test_packed_row_equals_documents_alone(small_model, lengths):
    model = _model(small_model)
    torch.manual_seed(1)
    documents = [torch.randint(0, 96, (n,)) for n in lengths]
    starts = [sum(lengths[:i]) for i in range(len(lengths))]
    packing = layout([Segment(s, n) for s, n in zip(starts, lengths, strict=True)])
    positions = torch.cat([torch.arange(n) for n in lengths])[None]
    packed = model(input_ids=torch.cat(documents)[None], position_ids=positions, packing=packing, use_cache=False)
    expected = torch.cat([_alone(model, d) for d in documents])
    torch.testing.assert_close(packed.logits[0], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("answers", [((5, 9, 1), (7, 7)), ((150, 2, 130), (140, 160))])  # long ones share a mask
def test_shared_prefix_equals_whole_sequences_in_values_and_gradients(small_model, answers):
    torch.manual_seed(2)
    prompts = [torch.randint(0, 96, (n,)) for n in (11, 4)]
    answers = [[torch.randint(0, 96, (n,)) for n in sizes] for sizes in answers]
    row, positions, segments, length = [], [], [], 0
    for prompt, own in zip(prompts, answers, strict=True):
        start = length
        for tokens, offset, prefix in [(prompt, 0, 0), *((a, len(prompt), len(prompt)) for a in own)]:
            segments.append(Segment(length, len(tokens), start, prefix))
            row.append(tokens)
            positions.append(torch.arange(offset, offset + len(tokens)))
            length += len(tokens)

    shared, alone = _model(small_model), _model(small_model)
    logits = shared(
        input_ids=torch.cat(row)[None],
        position_ids=torch.cat(positions)[None],
        packing=layout(segments),
        use_cache=False,
    ).logits[0]
    is_answer = torch.cat([torch.full((len(r),), s.prefix_length > 0) for r, s in zip(row, segments, strict=True)])
    expected = torch.cat(
        [_alone(alone, torch.cat([p, a]))[len(p) :] for p, own in zip(prompts, answers, strict=True) for a in own]
    )
    torch.testing.assert_close(logits[is_answer], expected, atol=1e-5, rtol=1e-5)

    logits[is_answer].square().sum().backward()
    expected.square().sum().backward()
    for (name, a), (_, b) in zip(shared.named_parameters(), alone.named_parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=1e-4, atol=1e-4 * float(b.grad.abs().max())), name


def test_no_gradient_crosses_documents(small_model):
    model = _model(small_model)
    embeddings = torch.randn(1, 30, 32, requires_grad=True)
    packing = layout([Segment(0, 12), Segment(12, 18)])
    positions = torch.cat([torch.arange(12), torch.arange(18)])[None]
    logits = model(inputs_embeds=embeddings, position_ids=positions, packing=packing, use_cache=False).logits[0]
    logits[12:].sum().backward()
    assert torch.equal(embeddings.grad[0, :12], torch.zeros(12, 32))
    assert embeddings.grad[0, 12:].abs().sum() > 0


def test_every_token_is_restored_whatever_the_order_of_segments():
    rng = random.Random(3)
    for _ in range(20):
        lengths = [rng.randint(1, 40) for _ in range(rng.randint(1, 30))]
        segments, start = [], 0
        for n in lengths:
            segments.append(Segment(start, n))
            start += n
        rng.shuffle(segments)
        packing = layout(segments)
        laid = torch.cat([r.query_DL.flatten() for r in packing.rectangles])
        assert torch.equal(laid[packing.restore_N], torch.arange(start))
        assert len(laid) <= 1.25 * start + 16 * len(packing.rectangles), "padding wastes too much"


def test_a_query_sees_its_prefix_and_its_own_past_and_nothing_else():
    rng = random.Random(4)
    for _ in range(10):
        segments, start = [], 0
        for _ in range(rng.randint(1, 5)):
            prefix = Segment(start, rng.choice([1, 7, 7, 40]))
            segments.append(prefix)
            start += prefix.length
            for _ in range(rng.randint(0, 5)):
                length = rng.choice([1, 5, 30, rng.randint(120, 170)])
                segments.append(Segment(start, length, prefix.start, prefix.length))
                start += length
        by_start = {s.start: s for s in segments}
        for rectangle in layout(segments).rectangles:
            rows, width = rectangle.query_DL.shape
            mask = rectangle.mask_D1LK
            if mask is None:
                mask = torch.ones(width, width, dtype=torch.bool).tril()[None, None]
            for row, seen in enumerate(mask[:, 0].expand(rows, -1, -1)):
                s = by_start[int(rectangle.query_DL[row, 0])]
                past = list(range(s.prefix_start, s.prefix_start + s.prefix_length))
                for t in range(s.length):
                    expected = [*past, *range(s.start, s.start + t + 1)]
                    assert rectangle.key_DK[row][seen[t]].tolist() == expected


def test_long_answers_share_one_mask():
    segments = [Segment(0, 30), *(Segment(30 + 200 * i, 200, 0, 30) for i in range(8))]
    masks = [r.mask_D1LK for r in layout(segments).rectangles if r.mask_D1LK is not None]
    assert [tuple(m.shape) for m in masks] == [(1, 1, 200, 230)]


def test_attention_without_a_layout_is_refused():
    x = torch.zeros(1, 2, 3, 4)
    with pytest.raises(ValueError, match="packing"):
        packed_attention(torch.nn.Module(), x, x, x, None, scaling=1.0)


@pytest.mark.parametrize("masked", [True, False])
def test_repeated_heads_equal_shared_ones_in_values_and_gradients(masked):
    generator, prefix = torch.Generator().manual_seed(6), 5 if masked else 0
    mask = torch.ones(9, 9 + prefix, dtype=torch.bool).tril(prefix)[None, None] if masked else None
    shapes = ((3, 6, 9, 8), (3, 2, 9 + prefix, 8), (3, 2, 9 + prefix, 8))
    q, k, v = (torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True) for shape in shapes)
    towards = torch.randn(shapes[0], generator=generator, dtype=torch.float64)
    found = []
    for repeated in (False, True):
        out = attend(q, k, v, mask, 0.3, repeated=repeated)
        found.append([out, *torch.autograd.grad((out * towards).sum(), (q, k, v))])
    for shared, repeated in zip(*found, strict=True):
        torch.testing.assert_close(repeated, shared, rtol=1e-12, atol=1e-12)


def test_heads_are_repeated_only_where_no_fused_kernel_shares_them():
    asked = [(device, dtype, masked) for device in ("cpu", "cuda") for dtype in (torch.float32, torch.bfloat16)
             for masked in (True, False)]  # fmt: skip
    shared = [case for case in asked if not repeats_heads(case[0], case[1], masked=case[2])]
    assert shared == [*asked[:4], ("cuda", torch.bfloat16, False)]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_on_a_gpu_every_rectangle_goes_through_a_fused_kernel(small_model, dtype):
    """Torch raises where it may not use plain matrices and has nothing else."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    segments = [Segment(0, 11), *(Segment(11 + 9 * i, 9, 0, 11) for i in range(3)), Segment(38, 20)]
    model, positions = _model(small_model).to("cuda", dtype), [*range(11), *[*range(11, 20)] * 3, *range(20)]
    with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.CUDNN_ATTENTION]):
        logits = model(
            input_ids=torch.arange(58, device="cuda")[None],
            position_ids=torch.tensor(positions, device="cuda")[None],
            packing=layout(segments).to(torch.device("cuda", 0)),
            use_cache=False,
        ).logits
        logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
