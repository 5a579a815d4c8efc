"""Options that save memory: what they may change in the numbers, and what not."""

from __future__ import annotations

import multiprocessing
import sys
from operator import itemgetter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributed.fsdp import CPUOffloadPolicy

sys.path.insert(0, str(Path(__file__).parent))
from test_learner import IN_PIECES, OBJECTIVE, _batch, _gradients, _plan, _weights

from rlstack.config.model import LoraConfig
from rlstack.config.optim import OptimConfig
from rlstack.learner.learner import Learner, LearnerSpec, Rank
from rlstack.learner.model import ModelSpec

LORA = LoraConfig(rank=3, alpha=12.0)


@pytest.fixture
def make(small_model, tmp_path):
    made: list[Learner] = []

    def one(lr: float = 1e-2, reshard: bool | str = "auto", **spec) -> Learner:
        model, optim = ModelSpec(str(small_model), **spec), OptimConfig(lr=lr)
        made.append(Learner(LearnerSpec(model, optim, 10, True, reshard=reshard), Rank(0, 1, f"{tmp_path}/s")))
        return made[-1]

    yield one
    for learner in made:
        learner.close()


def _train(learner: Learner, steps: int = 2, capacity: int = 100):
    batch, names = _batch()
    plan = _plan(batch, names, capacity=capacity)[0]
    return [learner.update(batch, plan, OBJECTIVE, step=step) for step in range(steps)]


# ---- bfloat16 compute over float32 masters


def test_bfloat16_computes_close_log_probs_over_float32_masters(make):
    mixed, exact = make(dtype="bfloat16"), make()
    assert {p.dtype for p in mixed.policy.parameters()} == {torch.float32}
    ours, theirs = _train(mixed), _train(exact)
    for a, b in zip(ours, theirs, strict=True):
        difference = np.abs(a.logprobs_N - b.logprobs_N)[np.isfinite(b.logprobs_N)]
        assert 0 < difference.mean() < 0.03  # nats; bfloat16 has 8 bits
        assert a.grad_norm == pytest.approx(b.grad_norm, rel=0.05)
    assert {p.grad.dtype for p in mixed.policy.parameters()} == {torch.float32}
    assert {s.dtype for state in mixed.optimizer.state.values() for s in state.values()} == {torch.float32}


def test_bfloat16_gradients_are_added_up_in_float32(make):
    """Many micro-batches give what one gives; sums in bfloat16 would lose three digits."""
    learner = make(dtype="bfloat16", reshard=False)
    learner._step = lambda step: (0.0, 0.0)
    batch, names = _batch()
    one = _plan(batch, names, share=False, capacity=10**6)[0]
    learner.update(batch, one, OBJECTIVE, step=0)
    whole = _gradients(learner)
    learner.update(batch, [[item] for items in one for item in items], OBJECTIVE, step=0)
    for name, gradient in _gradients(learner).items():
        assert torch.linalg.norm(gradient - whole[name]) <= 0.02 * torch.linalg.norm(whole[name]), name


@pytest.mark.parametrize("lora", [None, LORA])
def test_a_rate_of_3e_7_moves_weights_under_bfloat16_as_under_float32(make, lora):
    moved = []
    for dtype in ("bfloat16", "float32"):
        learner = make(lr=3e-7, dtype=dtype, lora=lora)
        trained = {n for n, p in learner.policy.named_parameters() if p.requires_grad}
        before = _weights(learner)
        _train(learner, steps=1)
        moved.append(torch.cat([(w - before[n]).flatten() for n, w in _weights(learner).items() if n in trained]))
    steps = [m.abs()[m != 0] for m in moved]
    assert len(steps[0]) > (0.45 if lora else 0.85) * len(moved[0])  # of adapters only B moves in the first step
    assert abs(len(steps[0]) - len(steps[1])) < 0.05 * len(moved[0])
    assert steps[0].median() == pytest.approx(steps[1].median().item(), rel=0.1)
    assert (torch.sign(moved[0]) == torch.sign(moved[1])).float().mean() > 0.9


# ---- gradient checkpointing


@pytest.mark.parametrize("lora", [None, LORA])
@pytest.mark.parametrize("reshard", [True, False])
def test_recomputed_layers_give_the_same_gradients(make, lora, reshard):
    plain = make(lora=lora, reshard=reshard)
    recomputing = make(lora=lora, reshard=reshard, gradient_checkpointing=True)
    for learner in (plain, recomputing):
        _train(learner)
        batch, names = _batch(seed=3)
        learner._step = lambda step: (0.0, 0.0)
        learner.update(batch, _plan(batch, names, capacity=60)[0], OBJECTIVE, step=0)  # shared prompts, several rows
    expected = _gradients_of_trained(plain)
    for name, gradient in _gradients_of_trained(recomputing).items():
        assert torch.linalg.norm(gradient - expected[name]) <= 1e-6 * torch.linalg.norm(expected[name]) + 1e-9, name


def _gradients_of_trained(learner: Learner) -> dict[str, torch.Tensor]:
    return {n: p.grad.full_tensor().clone() for n, p in learner.policy.named_parameters() if p.requires_grad}


def test_layers_are_run_again_in_the_backward_pass_with_the_packing(make):
    learner = make(gradient_checkpointing=True)
    runs, layer = [], learner.policy.model.layers[0].self_attn
    layer.register_forward_pre_hook(lambda m, args, kwargs: runs.append(kwargs["packing"]), with_kwargs=True)
    batch, names = _batch()
    learner.update(batch, _plan(batch, names)[0], OBJECTIVE, step=0)
    assert len(runs) == 2
    assert runs[0] is runs[1]
    assert not any(m.training for layer in learner.policy.model.layers for m in layer.modules() if m is not layer)


# ---- CPU offload: without a GPU only the path is tested, not the copies


@pytest.mark.parametrize("lora", [None, LORA])
def test_offloaded_shards_train_to_the_same_bits(make, lora, tmp_path):
    plain = make(lora=lora)
    offloaded = make(lora=lora, offload_policy=True, offload_reference=True)
    for module in {offloaded.policy, offloaded.reference}:
        assert isinstance(module._get_fsdp_state()._fsdp_param_group.offload_policy, CPUOffloadPolicy)
    for learner in (plain, offloaded):
        _train(learner, steps=3)
    expected = _weights(plain)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in _weights(offloaded).items())
    (tmp_path / "saved").mkdir()
    offloaded.save(tmp_path / "saved")
    _train(offloaded, steps=1)
    offloaded.restore(tmp_path / "saved")
    assert all(torch.equal(tensor, expected[name]) for name, tensor in _weights(offloaded).items())


# ---- two real ranks, everything at once


def _spec(model: Path) -> LearnerSpec:
    everything = ModelSpec(str(model), lora=LORA, seed=1, gradient_checkpointing=True, offload_policy=True)
    return LearnerSpec(everything, OptimConfig(lr=1e-2), 10, reference=True, logits_bytes=IN_PIECES)


def _gradient(learner: Learner) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Of a row in pieces through the LM head, and the log-probs of this rank's share."""
    batch, names = _batch(prompts=5, seed=4)
    plan = _plan(batch, names, ranks=learner.rank.world, capacity=90)[learner.rank.rank]
    found = learner.accumulate(batch, plan, OBJECTIVE)
    return {n: g.numpy() for n, g in _gradients_of_trained(learner).items()}, found.logprobs_N


def _steps(learner: Learner, steps: range) -> list[float]:
    batch, names = _batch(prompts=5)
    plan = _plan(batch, names, ranks=learner.rank.world, capacity=90)[learner.rank.rank]
    return [learner.update(batch, plan, OBJECTIVE, step=step).grad_norm for step in steps]


def _rank(rank: int, model: Path, folder: Path, results) -> None:
    learner = Learner(_spec(model), Rank(rank, 2, str(folder / "ranks")))
    norms = _steps(learner, range(2))
    learner.save(folder / "saved")
    learner.export(folder / "export")
    gradients, logprobs_N = _gradient(learner)
    norms += _steps(learner, range(2, 4))
    results.put((rank, norms, gradients, logprobs_N))
    learner.close()


@pytest.mark.slow
def test_adapters_on_two_ranks_learn_as_on_one_which_goes_on_from_their_checkpoint(small_model, tmp_path):
    from safetensors.torch import load_file

    (tmp_path / "saved").mkdir()
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    ranks = [context.Process(target=_rank, args=(r, small_model, tmp_path, results), daemon=True) for r in range(2)]
    for process in ranks:
        process.start()
    (_, two, gradients, logprobs_N), (*_, others_N) = sorted(
        (results.get(timeout=240) for _ in ranks), key=itemgetter(0)
    )
    for process in ranks:
        process.join(60)
        assert process.exitcode == 0
    whole = ModelSpec(str(small_model), lora=LORA, seed=1)  # one rank, one piece, nothing computed twice
    plain = Learner(LearnerSpec(whole, OptimConfig(lr=1e-2), 10, reference=True), Rank(0, 1, str(tmp_path / "plain")))
    plain.restore(tmp_path / "saved")
    expected, expected_N = _gradient(plain)
    plain.close()
    np.testing.assert_allclose(np.where(np.isnan(logprobs_N), others_N, logprobs_N), expected_N, atol=1e-5)
    assert gradients.keys() == expected.keys()
    for name, gradient in gradients.items():
        assert np.linalg.norm(gradient - expected[name]) <= 1e-5 * np.linalg.norm(expected[name]) + 1e-9, name
    one = Learner(_spec(small_model), Rank(0, 1, str(tmp_path / "one")))
    assert _steps(one, range(2)) == pytest.approx(two[:2], rel=1e-4)
    one.export(tmp_path / "one_export")
    ours, theirs = (load_file(tmp_path / f / "model.safetensors") for f in ("one_export", "export"))
    assert ours.keys() == theirs.keys()
    assert all(torch.allclose(tensor, theirs[name], atol=2e-5) for name, tensor in ours.items())
    one.restore(tmp_path / "saved")
    assert _steps(one, range(2, 4)) == pytest.approx(two[2:], rel=1e-4)
    one.close()
