"""Sharded loading gives the weights of transformers bit for bit, whatever the files look like."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor

from rlstack.config.optim import OptimConfig
from rlstack.errors import LearnerError
from rlstack.learner import model as learner_model
from rlstack.learner import shards
from rlstack.learner.learner import Learner, LearnerSpec, Rank
from rlstack.learner.model import ModelSpec


@pytest.fixture
def load(tmp_path):
    """Loads a spec on one rank in this process."""
    learners = []

    def one(spec: ModelSpec, reference: bool = False) -> Learner:
        learners.append(Learner(LearnerSpec(spec, OptimConfig(lr=1e-3), 10, reference), Rank(0, 1, f"{tmp_path}/s")))
        return learners[-1]

    yield one
    for learner in learners:
        learner.close()


def _whole(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    named = [*module.named_parameters(), *module.named_buffers()]
    return {n: (t.full_tensor() if isinstance(t, DTensor) else t).detach().clone() for n, t in named}


def _expected(folder: Path, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    return {n: t.detach() for n, t in [*model.named_parameters(), *model.named_buffers()]}


def _assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert any("inv_freq" in name for name in found)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype, name
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("fixture", ["small_model", "small_untied_model"])
def test_one_rank_reads_what_transformers_reads(fixture, request, load, monkeypatch):
    folder = request.getfixturevalue(fixture)
    monkeypatch.setattr(shards, "loaded_by_transformers", None)  # the files are read directly
    policy = load(ModelSpec(str(folder))).policy
    _assert_same(_whole(policy), _expected(folder))
    assert (policy.lm_head.weight is policy.model.embed_tokens.weight) == (fixture == "small_model")


def test_several_files_and_another_dtype(small_untied_model, load, tmp_path, monkeypatch):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(small_untied_model, dtype=torch.bfloat16)
    model.save_pretrained(tmp_path / "split", max_shard_size="40KB")
    assert len(list((tmp_path / "split").glob("*.safetensors"))) == 2
    monkeypatch.setattr(shards, "loaded_by_transformers", None)
    _assert_same(_whole(load(ModelSpec(str(tmp_path / "split"))).policy), _expected(tmp_path / "split"))


def _changed(folder: Path, target: Path, change) -> Path:
    shutil.copytree(folder, target)
    tensors = load_file(target / "model.safetensors")
    change(tensors)
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    return target


def test_a_tied_head_that_is_stored_twice_is_one(small_model, load, tmp_path):
    def change(tensors):
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()

    folder = _changed(small_model, tmp_path / "twice", change)
    policy = load(ModelSpec(str(folder))).policy
    assert policy.lm_head.weight is policy.model.embed_tokens.weight
    _assert_same(_whole(policy), _expected(small_model))


def test_a_tied_head_with_other_values_is_refused(small_model, load, tmp_path):
    def change(tensors):
        tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"] + 1

    folder = _changed(small_model, tmp_path / "other", change)
    with pytest.raises(LearnerError, match="tie_word_embeddings"):
        load(ModelSpec(str(folder)))


def test_names_that_only_transformers_understands(small_model, load, tmp_path):
    """A checkpoint saved from the inner model lacks the prefix; transformers adds it."""

    def change(tensors):
        for name in list(tensors):
            tensors[name.removeprefix("model.")] = tensors.pop(name)

    folder = _changed(small_model, tmp_path / "inner", change)
    _assert_same(_whole(load(ModelSpec(str(folder))).policy), _expected(small_model))


def test_a_missing_weight_is_an_error_not_a_random_one(small_model, load, tmp_path):
    folder = _changed(small_model, tmp_path / "gap", lambda t: t.pop("model.layers.1.mlp.down_proj.weight"))
    with pytest.raises(LearnerError, match=r"lacks 1 weights .*model\.layers\.1\.mlp"):
        load(ModelSpec(str(folder)))


def test_quantised_files_are_not_read_as_numbers(small_model, tmp_path):
    def change(tensors):
        name = "model.layers.0.mlp.up_proj.weight"
        tensors[name] = tensors[name].to(torch.float8_e4m3fn)

    folder = _changed(small_model, tmp_path / "fp8", change)
    shapes = {n: t.shape for n, t in load_file(small_model / "model.safetensors").items()}
    assert shards.CheckpointFiles(small_model).fit(shapes, [])
    assert not shards.CheckpointFiles(folder).fit(shapes, [])


def test_the_reference_is_kept_in_the_dtype_it_computes_in(small_model, load):
    learner = load(ModelSpec(str(small_model), dtype="bfloat16"), reference=True)
    assert {p.dtype for p in learner.policy.parameters()} == {torch.float32}
    assert {p.dtype for p in learner.reference.parameters()} == {torch.bfloat16}
    found, expected = _whole(learner.reference), _expected(small_model)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor if "inv_freq" in name else tensor.bfloat16()), name


def _rank(rank: int, folder: Path, store: str, results) -> None:
    from rlstack.learner.learner import _join

    _join(Rank(rank, 2, store), torch.device("cpu"))
    mesh = init_device_mesh("cpu", (2,))
    policy = learner_model.load(ModelSpec(str(folder)), mesh, torch.device("cpu"), trained=True)
    held = sum(p.to_local().numel() for p in policy.parameters())
    whole = _whole(policy)
    tied = policy.lm_head.weight is policy.model.embed_tokens.weight
    if rank == 1:
        results.put(({n: t.numpy() for n, t in whole.items()}, held, tied))
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_each_of_two_ranks_holds_half_of_the_same_weights(small_model, tmp_path):
    def change(tensors):  # 97 rows do not divide by two
        name = "model.embed_tokens.weight"
        tensors[name] = torch.cat([tensors[name], tensors[name][:1]])

    folder = _changed(small_model, tmp_path / "odd", change)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"vocab_size": 97}))
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    ranks = [
        context.Process(target=_rank, args=(r, folder, str(tmp_path / "store"), results), daemon=True) for r in range(2)
    ]
    for process in ranks:
        process.start()
    found, held, tied = results.get(timeout=180)
    for process in ranks:
        process.join(60)
        assert process.exitcode == 0
    expected = _expected(folder)
    _assert_same({n: torch.from_numpy(a) for n, a in found.items()}, expected)
    assert tied
    n_all = sum(t.numel() for n, t in expected.items() if "inv_freq" not in n)
    assert held <= n_all // 2
