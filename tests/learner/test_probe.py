"""Sketches measure distances; the probe sees leaks, small steps and moved weights on a real learner."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rlstack.config.optim import OptimConfig
from rlstack.data.batch import Batch
from rlstack.learner import layout as packed
from rlstack.learner.learner import Learner, LearnerSpec, Rank
from rlstack.learner.model import ModelSpec
from rlstack.learner.objective import SupervisedObjective
from rlstack.learner.probe import Probe
from rlstack.learner.sketch import difference, sketch

LENGTHS = (7, 11, 5)


def _batch() -> Batch:
    rng = np.random.default_rng(0)
    return Batch.supervised([(rng.integers(2, 96, n).astype(np.int32), np.ones(n, bool)) for n in LENGTHS])


@pytest.fixture
def probe(small_model, tmp_path):
    spec = LearnerSpec(ModelSpec(str(small_model)), OptimConfig(lr=3e-7), 10, reference=False)
    learner = Learner(spec, Rank(0, 1, str(tmp_path / "store")))
    yield Probe(learner)
    learner.close()


@pytest.mark.parametrize("share", [0.3, 1e-3, 1e-6])
def test_a_sketch_measures_a_distance(share):
    generator = torch.Generator().manual_seed(3)
    first = {"a": torch.randn(300, 70, generator=generator), "b": torch.randn(33, generator=generator)}
    second = {n: t.double() + share * torch.randn(t.shape, generator=generator) for n, t in first.items()}
    found = difference(sketch(first.items()), sketch(second.items()))
    assert found.relative == pytest.approx(share, rel=0.25)
    assert difference(sketch(first.items()), sketch(first.items())).relative == 0.0


def test_a_sketch_names_the_tensor_that_differs():
    first = {"a": torch.ones(1000), "b": torch.ones(1000)}
    second = {"a": torch.ones(1000), "b": torch.ones(1000)}
    second["b"][17] = 3.0
    assert difference(sketch(first.items()), sketch(second.items())).worst == "b"
    with pytest.raises(ValueError, match="other tensors"):
        difference(sketch(first.items()), sketch([("a", first["a"])]))


def test_one_document_does_not_feel_another(probe):
    row = probe.sensitivity(_batch(), [(0,), (1,), (2,)], 1, 1.0)
    first, second = LENGTHS[0], LENGTHS[0] + LENGTHS[1]
    assert not row[:first].any()
    assert not row[second:].any()
    assert (row[first : second - 1] > 0).all()  # the last token predicts nothing


def test_a_leaking_attention_is_seen(probe, monkeypatch):
    """One segment over the whole row: what happens when the layout is forgotten."""
    from rlstack.learner import microbatch

    def joined(segments):
        return packed.layout([packed.Segment(0, sum(s.length for s in segments))])

    monkeypatch.setattr(microbatch, "layout", joined)
    row = probe.sensitivity(_batch(), [(0,), (1,)], 1, 1.0)
    assert row[: LENGTHS[0]].max() > 1e-4


def test_a_tiny_rate_moves_float32_and_not_bfloat16(probe, monkeypatch):
    batch, plan = _batch(), [[(0,), (1,), (2,)]]
    found = probe.movement(batch, plan, SupervisedObjective())
    assert found.felt > 1000
    assert found.moved > 0.99 * found.felt
    assert found.error < 0.05**2 * found.expected
    learner, step = probe._learner, probe._learner.optimizer.step

    def rounded(*args):
        step(*args)
        with torch.no_grad():
            for p in learner.policy.parameters():
                p.to_local().copy_(p.to_local().bfloat16().float())

    rounded()  # weights that bfloat16 can hold, to begin with
    monkeypatch.setattr(learner.optimizer, "step", rounded)
    found = probe.movement(batch, plan, SupervisedObjective())
    assert found.moved < 0.1 * found.felt


def test_weights_come_back_as_they_were(probe):
    before = [p.full_tensor().detach().clone() for p in probe._learner.policy.parameters()]
    probe.keep()
    probe.perturb(0.01, 5)
    moved = [p.full_tensor() for p in probe._learner.policy.parameters()]
    for old, new in zip(before, moved, strict=True):
        share = float(((new - old).norm() / old.norm()).detach())
        assert 0.006 < share < 0.014
    probe.restore()
    after = [p.full_tensor() for p in probe._learner.policy.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_gradient_is_sketched_and_nothing_moves(probe):
    batch = _batch()
    before = [p.full_tensor().detach().clone() for p in probe._learner.policy.parameters()]
    whole = probe.gradient(batch, [[(0,), (1,), (2,)]], SupervisedObjective())
    pieces = probe.gradient(batch, [[(0,)], [(1,)], [], [(2,)]], SupervisedObjective())
    other = probe.gradient(batch, [[(0,), (1,)]], SupervisedObjective())
    assert difference(whole.sketch, pieces.sketch).relative < 1e-5
    assert difference(whole.sketch, other.sketch).relative > 0.01
    after = [p.full_tensor() for p in probe._learner.policy.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
