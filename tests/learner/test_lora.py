"""Adapters against plain matrices: forward, gradient, merged weights, checkpoints, and a base that never moves."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributed.tensor import DTensor

sys.path.insert(0, str(Path(__file__).parent))
from test_learner import OBJECTIVE, _batch, _plan, _weights

from rlstack.config.model import LoraConfig
from rlstack.config.optim import OptimConfig
from rlstack.errors import LearnerError
from rlstack.learner import lora
from rlstack.learner.learner import Learner, LearnerSpec, Rank
from rlstack.learner.model import ModelSpec
from rlstack.sync.sender import Weights, whole

LORA = LoraConfig(rank=3, alpha=12.0)
SCALE = 12.0 / 3
LAYERS = 2
MATRICES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.fixture
def make(small_model, tmp_path):
    made: list[Learner] = []

    def one(cfg: LoraConfig | None = LORA, *, path=small_model, **spec) -> Learner:
        model = ModelSpec(str(path), lora=cfg, seed=7, **spec)
        learner = Learner(LearnerSpec(model, OptimConfig(lr=1e-2), 10, reference=True), Rank(0, 1, f"{tmp_path}/s"))
        made.append(learner)
        return learner

    yield one
    for learner in made:
        learner.close()


def _train(learner: Learner, steps: range = range(2)):
    batch, names = _batch()
    return [learner.update(batch, _plan(batch, names, capacity=100)[0], OBJECTIVE, step=s) for s in steps]


def _merged(learner: Learner) -> dict[str, torch.Tensor]:
    return {part.name: part.gather().clone() for part in lora.merged_parts(learner.policy)}


def _disk(folder) -> dict[str, torch.Tensor]:
    from transformers import AutoModelForCausalLM

    return {n: p.detach() for n, p in AutoModelForCausalLM.from_pretrained(folder).named_parameters()}


def test_only_adapters_are_trained_and_the_base_stays_bit_equal(make, small_model):
    learner = make()
    trained = {n for n, p in learner.policy.named_parameters() if p.requires_grad}
    assert len(trained) == LAYERS * len(MATRICES) * 2
    assert all(lora.is_adapter(name) for name in trained)
    before = _weights(learner)
    _train(learner)
    disk = _disk(small_model)
    for name, tensor in _weights(learner).items():
        if name in trained:
            assert not torch.equal(tensor, before[name]), name
        else:
            assert torch.equal(tensor, disk[lora.base_name(name)]), name


def test_a_new_adapter_changes_nothing_and_is_a_function_of_the_seed(make, small_model):
    learner = make()
    assert all(torch.equal(tensor, _disk(small_model)[name]) for name, tensor in _merged(learner).items())
    first = _weights(learner)
    a = first["model.layers.0.mlp.down_proj.lora_A.default.weight"]
    assert a.abs().max() <= 1 / np.sqrt(64)
    assert a.std() == pytest.approx(1 / np.sqrt(3 * 64), rel=0.15)
    assert all(torch.equal(tensor, first[name]) for name, tensor in _weights(make()).items())


def test_gradients_equal_those_through_the_merged_weights(make, small_model):
    """W' = W + s B A: dB = s G A^T and dA = s B^T G, with G the gradient of a full model that holds W'."""
    learner = make()
    _train(learner)  # B is not zero any more
    adapters, merged = _weights(learner), _merged(learner)
    batch, names = _batch(seed=3)
    plan = _plan(batch, names)[0]
    learner._step = lambda step: (0.0, 0.0)
    result = learner.update(batch, plan, OBJECTIVE, step=0)
    found = {n: p.grad.full_tensor().double() for n, p in learner.policy.named_parameters() if p.requires_grad}

    full = make(None)
    full._step = lambda step: (0.0, 0.0)
    with torch.no_grad():
        for name, parameter in full.policy.named_parameters():
            parameter.to_local().copy_(merged[name])
    expected = full.update(batch, plan, OBJECTIVE, step=0)
    np.testing.assert_allclose(result.logprobs_N, expected.logprobs_N, atol=2e-5)
    assert result.sums["kl_loss"] == pytest.approx(expected.sums["kl_loss"], rel=1e-4)
    assert result.sums["kl_loss"] > 0.01
    for name, parameter in full.policy.named_parameters():
        if name.rpartition(".")[0].rpartition(".")[2] not in MATRICES:
            continue
        g, stem = parameter.grad.full_tensor().double(), name.removesuffix(".weight")
        a = adapters[f"{stem}.lora_A.default.weight"].double()
        b = adapters[f"{stem}.lora_B.default.weight"].double()
        for letter, want in (("B", SCALE * g @ a.T), ("A", SCALE * b.T @ g)):
            have = found[f"{stem}.lora_{letter}.default.weight"]
            assert torch.linalg.norm(have - want) <= 2e-5 * torch.linalg.norm(want), (stem, letter)


def test_the_reference_is_the_base_without_a_second_model(make, small_model):
    learner, full = make(), make(None)
    assert learner.reference is learner.policy
    _train(learner)
    batch, names = _batch(seed=4)
    plan = _plan(batch, names)[0]
    with lora.switched_off(learner.policy):
        off = learner.logprobs(batch, plan, 0.8)
    np.testing.assert_array_equal(off, full.logprobs(batch, plan, 0.8))
    assert np.nanmax(np.abs(learner.logprobs(batch, plan, 0.8) - off)) > 0.01


def test_an_error_while_the_adapter_is_off_does_not_leave_it_off(make):
    learner = make()
    with pytest.raises(ZeroDivisionError), lora.switched_off(learner.policy):
        raise ZeroDivisionError
    assert not any(m.disable_adapters for m in learner.policy.modules() if hasattr(m, "lora_A"))


def test_engines_get_merged_weights_under_the_models_own_names(make, small_model):
    learner = make()
    _train(learner)
    weights = Weights(learner.policy, torch.float32, tied_head=True, parts=lora.merged_parts)
    sent, disk = dict(weights), _disk(small_model)
    assert set(sent) == {*disk, "lm_head.weight"}
    assert [(name, tuple(t.shape)) for name, t in weights] == weights.shapes()
    held = _weights(learner)
    for name, tensor in sent.items():
        stem = name.removesuffix(".weight")
        if (a := held.get(f"{stem}.lora_A.default.weight")) is None:
            assert torch.equal(tensor, disk[name if name in disk else "model.embed_tokens.weight"])
            continue
        want = disk[name].double() + SCALE * held[f"{stem}.lora_B.default.weight"].double() @ a.double()
        torch.testing.assert_close(tensor, want.float(), atol=1e-6, rtol=1e-6)


def test_the_export_is_the_merged_model_and_peft_reads_the_adapter(make, small_model, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    learner = make()
    _train(learner)
    learner.export(tmp_path / "export")
    merged = _disk(tmp_path / "export")
    assert all(torch.equal(tensor, merged[name]) for name, tensor in _merged(learner).items())
    base = AutoModelForCausalLM.from_pretrained(small_model)
    peft = PeftModel.from_pretrained(base, str(tmp_path / "export" / "adapter")).merge_and_unload()
    assert all(torch.equal(p, merged[name]) for name, p in peft.named_parameters())
    config = json.loads((tmp_path / "export" / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["lora_dropout"]) == (3, 12.0, 0.0)
    assert set(config["target_modules"]) == set(MATRICES)


def test_a_checkpoint_holds_the_adapters_alone_and_repeats_the_next_update(make, tmp_path):
    from safetensors import safe_open

    learner = make()
    _train(learner)
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    learner.save(folder)
    names: set[str] = set()
    for file in folder.glob("*.safetensors"):
        with safe_open(file, "pt") as f:
            names |= set(f.keys())
    assert names
    assert all(lora.is_adapter(name) for name in names)
    _train(learner, range(2, 4))
    expected = _weights(learner)
    other = make()  # from the base and a checkpoint, as after a restart
    other.restore(folder)
    _train(other, range(2, 4))
    assert all(torch.equal(tensor, expected[name]) for name, tensor in _weights(other).items())


def test_targets_choose_layers_and_unknown_ones_are_refused(make):
    learner = make(LoraConfig(rank=2, targets=("q_proj", "v_proj")))
    assert {n.split(".")[-4] for n, p in learner.policy.named_parameters() if p.requires_grad} == {"q_proj", "v_proj"}
    for wrong in ("q_prj", "lm_head", "embed_tokens"):
        with pytest.raises(LearnerError, match=rf"no linear layer '{wrong}'"):
            make(LoraConfig(targets=("v_proj", wrong)))


def test_bfloat16_keeps_adapters_in_float32_and_the_base_in_half_the_bytes(make, small_model):
    learner, exact = make(dtype="bfloat16"), make()
    for name, parameter in learner.policy.named_parameters():
        assert parameter.dtype == (torch.float32 if lora.is_adapter(name) else torch.bfloat16), name
    ours, theirs = _train(learner), _train(exact)
    for a, b in zip(ours, theirs, strict=True):
        assert np.nanmax(np.abs(a.logprobs_N - b.logprobs_N)) < 0.3
        assert a.grad_norm == pytest.approx(b.grad_norm, rel=0.1)
    for name, parameter in learner.policy.named_parameters():
        if not lora.is_adapter(name):
            assert torch.equal(whole(parameter), _disk(small_model)[lora.base_name(name)].bfloat16()), name
        else:
            assert isinstance(parameter, DTensor)
            assert parameter.dtype == torch.float32
