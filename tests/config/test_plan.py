"""Sizes and estimates, against numbers counted by hand or by torch."""

import json
import struct

import pytest

from rlstack.config.compose import compose
from rlstack.config.model import LoraConfig, ModelConfig
from rlstack.errors import ConfigError
from rlstack.plan import (
    adapter_parameters,
    describe,
    dimensions,
    engine_weights,
    kv_bytes_per_token,
    learner_memory,
    stored_parameters,
)


@pytest.mark.parametrize(
    ("model", "parameters"), [("3b", 3_402_836_480), ("8b", 8_380_551_168), ("30b", 28_865_728_512)]
)
def test_published_parameter_counts(model, parameters):
    dims = dimensions(compose([f"model={model}", "cluster=gpu"]).model)
    assert dims is not None
    assert dims.parameters == parameters


def test_a_checkpoint_folder_is_measured_from_its_headers(small_model, small_untied_model):
    from transformers import AutoModelForCausalLM

    for folder in (small_model, small_untied_model):
        model = AutoModelForCausalLM.from_pretrained(folder)
        assert stored_parameters(folder) == sum(p.numel() for p in model.parameters())
    dims = dimensions(compose([f"model={small_model}", "stages.multidomain.sampling.context=128"]).model)
    assert dims is not None
    assert (dims.layers, dims.hidden, dims.query, dims.key_value, dims.mlp, dims.positions) == (2, 32, 32, 16, 64, 256)


def test_memory_by_hand():
    """Tiny shape, 2 ranks: N = 868,480; 4 bytes a weight, 12 for gradient and moments."""
    config = compose(["model=tiny-random", "cluster=cpu"])
    dims = dimensions(config.model)
    assert dims is not None
    memory = learner_memory(dims, config.cluster, reference=True)
    assert memory.weights == dims.parameters * 4 // 2
    assert memory.optimizer == 3 * memory.weights
    assert memory.reference == memory.weights
    assert memory.held == dims.parameters * (4 + 4 + 4)  # reshard=false: policy, reference and gradients, whole
    assert learner_memory(dims, config.cluster, reference=False).reference == 0
    assert kv_bytes_per_token(dims, config.cluster) == 2 * 4 * 64 * 4  # K and V, 4 layers, 2 heads of 32, float32
    assert engine_weights(dims, config.cluster) == dims.parameters * 4


def test_adapters_by_hand(small_model):
    """Rank 4 on the seven matrices of two layers; the base in two bytes, and no second model."""
    words = [f"model={small_model}", "stages.multidomain.sampling.context=128", "cluster.dtype=bfloat16"]
    config = compose([*words, "cluster.reshard=true", "model.lora.rank=4", "cluster.gradient_checkpointing=true"])
    dims, lora = dimensions(config.model), config.model.lora
    assert dims is not None
    assert lora is not None
    adapters = 2 * 4 * ((32 + 32) * 2 + (32 + 16) * 2 + (32 + 64) * 3)
    assert adapter_parameters(dims, lora) == adapters
    memory = learner_memory(dims, config.cluster, reference=True, lora=lora)
    assert memory.weights == (adapters * 4 + dims.parameters * 2) // config.cluster.learners
    assert memory.optimizer == 3 * adapters * 4 // config.cluster.learners
    assert memory.reference == memory.held == 0
    layer = 4 * 32 + 2 * 32 + 2 * 16 + 3 * 64
    assert memory.activations == config.cluster.micro_tokens * ((2 * 32 + layer) * 2 + 96 * 4 * 3)
    assert adapter_parameters(dims, LoraConfig(rank=4, targets=("q_proj", "v_proj"))) == 2 * 4 * (64 + 48)


def test_the_adapters_of_the_plan_are_those_of_the_learner(small_model):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from rlstack.learner import lora

    dims, cfg = dimensions(ModelConfig(name="small", path=str(small_model))), LoraConfig(rank=5)
    assert dims is not None
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(small_model))
    lora.add(model, cfg)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == adapter_parameters(dims, cfg)


def test_more_ranks_need_less_each():
    config = compose(["model=8b", "cluster=gpu"])
    dims = dimensions(config.model)
    assert dims is not None
    eight = config.cluster.model_copy(update={"learners": 8})
    one, many = (learner_memory(dims, cluster, reference=True) for cluster in (config.cluster, eight))
    assert one.weights == 8 * many.weights
    assert one.activations == many.activations


def test_an_unknown_size_is_said_not_guessed():
    text = describe(compose(["model=some-lab/some-model-1b", "cluster=cpu"]))
    assert "size known once" in text
    assert "each learner" not in text


def test_the_plan_knows_what_lies_in_the_run_directory(tmp_path):
    words = [f"run_dir={tmp_path / 'run'}", "cluster=cpu"]
    assert "(new)" in describe(compose(words))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    assert "unfinished" in describe(compose(words))
    (tmp_path / "run" / "summary.json").write_text("{}")
    assert "a finished run" in describe(compose(words))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"", "damaged"),
        (struct.pack("<Q", 10) + b"{not json}", "damaged"),
        (struct.pack("<Q", 2**60) + b"{}x", "damaged"),
    ],
)
def test_a_broken_checkpoint_file_is_named(tmp_path, content, said):
    (tmp_path / "config.json").write_text(json.dumps({}))
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        stored_parameters(tmp_path)
    assert said in str(caught.value)
    assert "model.safetensors" in str(caught.value)
