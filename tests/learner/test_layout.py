"""Packed attention equals one document at a time, in values and gradients, and leaks nothing."""

from __future__ import annotations

import random

import pytest
import torch

from rlstack.learner.layout import Segment, layout, packed_attention, register


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


def test_shared_prefix_equals_whole_sequences_in_values_and_gradients(small_model):
    torch.manual_seed(2)
    prompts = [torch.randint(0, 96, (n,)) for n in (11, 4)]
    answers = [[torch.randint(0, 96, (n,)) for n in sizes] for sizes in ((5, 9, 1), (7, 7))]
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


def test_attention_without_a_layout_is_refused():
    x = torch.zeros(1, 2, 3, 4)
    with pytest.raises(ValueError, match="packing"):
        packed_attention(torch.nn.Module(), x, x, x, None, scaling=1.0)
