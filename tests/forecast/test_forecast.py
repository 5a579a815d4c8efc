"""Counted FLOPs against torch's own counter and by hand; how time and memory change; the command."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from rlstack.cli.main import main
from rlstack.config.compose import compose
from rlstack.errors import ConfigError
from rlstack.forecast import work as counted
from rlstack.forecast.forecast import forecast
from rlstack.forecast.rates import Rates, rates_of
from rlstack.forecast.step import learn_time, rollout_time, traffic_bytes
from rlstack.forecast.work import Work
from rlstack.plan import devices, dimensions, learner_memory, reward_weights

WORK = Work(prompts=3, samples=4, prompt_tokens=10, completion_tokens=6)


def _config(*words: str):
    return compose(["recipe=single", "env=math", *words])


def _rates(config, **options) -> Rates:
    return rates_of(config.cluster, **{"gpu": "h100", "mfu": 0.4, "file": None, **options})


def test_flops_equal_those_that_torch_counts(small_model):
    """One sequence alone, so that nothing is shared; the head on all of its tokens."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoModelForCausalLM

    dims = dimensions(_config(f"model={small_model}", "stages.single.sampling.context=128").model)
    assert dims is not None
    model = AutoModelForCausalLM.from_pretrained(small_model, attn_implementation="eager")
    n = 48
    with FlopCounterMode(display=False) as counter:
        model(input_ids=torch.arange(n)[None] % 96)
    work = Work(prompts=1, samples=1, prompt_tokens=0, completion_tokens=n)
    # Eager attention computes all n x n pairs, the causal half of which is counted here.
    ours = counted.forward_flops(dims, work) + 4 * dims.layers * dims.query * n * n / 2
    assert ours == pytest.approx(counter.get_total_flops(), rel=0.01)


def test_work_by_hand():
    assert (WORK.rows, WORK.trained, WORK.computed) == (12, 72, 3 * 10 + 72)
    assert counted.attention_pairs(WORK) == 12 * 6 * (10 + 3) + 3 * 50
    dims = dimensions(_config("model=tiny-random").model)
    assert dims is not None
    assert counted.layer_weights(dims) == 4 * (128 * (2 * 128 + 2 * 64) + 3 * 128 * 384)
    forward = counted.forward_flops(dims, WORK)
    assert counted.learner_flops(dims, WORK) == 4 * forward
    assert counted.learner_flops(dims, replace(WORK, reference=False, updates=2)) == 6 * forward
    assert counted.learner_flops(dims, replace(WORK, recompute=True)) == 5 * forward
    assert counted.learner_flops(dims, replace(WORK, adapters=True)) == 3 * forward
    assert counted.optimizer_bytes(10, 2) == 640


def test_sharing_prompts_and_more_ranks_take_less_time():
    config = _config("model=8b", "cluster=gpu")
    dims, rates = dimensions(config.model), _rates(config)
    assert dims is not None
    shared = Work(4, 16, 512, 64)
    alone = Work(64, 1, 512, 64)
    assert learn_time(dims, config.cluster, shared, rates) < 0.5 * learn_time(dims, config.cluster, alone, rates)
    eight = config.cluster.model_copy(update={"learners": 8, "engines": 8})
    fast_link = replace(rates, link=1e15)
    large = Work(64, 16, 512, 1024)
    one, many = (learn_time(dims, cluster, large, fast_link) for cluster in (config.cluster, eight))
    assert one / many == pytest.approx(8, rel=0.02)
    assert rollout_time(dims, eight, large, rates) < 0.5 * rollout_time(dims, config.cluster, large, rates)


def test_traffic_between_ranks():
    config = _config("model=tiny-random", "cluster=cpu")
    dims = dimensions(config.model)
    assert dims is not None
    one = config.cluster.model_copy(update={"learners": 1})
    two = config.cluster.model_copy(update={"learners": 2})
    assert traffic_bytes(dims, one, WORK, 3) == 0
    assert traffic_bytes(dims, two, WORK, 3) == (2 + 1) / 2 * 4 * dims.parameters
    each = two.model_copy(update={"reshard": True})
    assert traffic_bytes(dims, each, WORK, 3) == (9 + 3) / 2 * 4 * dims.parameters


def test_the_reward_model_counts(small_model):
    config = _config("model=8b", "cluster=gpu", f"stages.single.scoring.reward_model={small_model}")
    stage = config.stages["single"]
    plain = _config("model=8b", "cluster=gpu").stages["single"]
    parameters = (small_model / "model.safetensors").stat().st_size / 4
    assert reward_weights(stage, config.cluster) == pytest.approx(2 * parameters, rel=0.1)
    assert reward_weights(plain, config.cluster) == 0
    apart = config.cluster.model_copy(update={"colocate": False, "engines": 4, "learners": 2, "tensor_parallel": 2})
    assert (devices(plain, apart), devices(stage, apart)) == (10, 11)
    assert (devices(plain, config.cluster), devices(stage, config.cluster)) == (1, 1.5)
    found = forecast(config, _rates(config), 128, None)
    assert found.reward_model > 0
    assert found.to_json()["memory_bytes"]["reward_model"] == found.reward_model


def test_parts_of_memory_add_up():
    config = _config("model=8b", "cluster=gpu", "cluster.learners=4", "cluster.reshard=false")
    dims = dimensions(config.model)
    assert dims is not None
    memory = learner_memory(dims, config.cluster, reference=True)
    kept = memory.weights + memory.gradients + memory.moments + memory.reference
    assert memory.total == kept + memory.activations + memory.held
    assert memory.moments == 2 * memory.gradients
    assert 0 < memory.logits < memory.activations


def test_rates_come_from_a_file_or_are_called_an_estimate(tmp_path):
    config = _config("model=8b", "cluster=gpu")
    estimate = _rates(config)
    assert not estimate.is_measured
    assert "estimate" in estimate.source
    assert estimate.flops == pytest.approx(0.4 * 989e12)
    file = tmp_path / "rates.json"
    measured = replace(estimate, source="here", is_measured=True)
    measured.save(file)
    assert _rates(config, file=file) == measured
    file.write_text("{}")
    with pytest.raises(ConfigError, match=r"plan_check\.py --save"):
        _rates(config, file=file)
    with pytest.raises(ConfigError, match="h100"):
        _rates(config, gpu="h1000")


def test_the_page_and_json_say_the_same(capsys):
    words = ["plan", "model=8b", "cluster=gpu", "cluster.learners=8", "cluster.colocate=false"]
    assert main([*words, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["parameters"] == 8_380_551_168
    assert data["devices"] == 9
    assert data["seconds"]["total"] == pytest.approx(sum(data["seconds"][p] for p in ("rollout", "learn", "sync")))
    assert main(words) == 0
    text = capsys.readouterr().out
    for said in ("8.38B parameters", "9 GPU(s)", "AdamW's moments", "KV cache", "an estimate", "seconds of a step"):
        assert said in text
    assert "fits" in text


def test_what_does_not_fit_is_said(capsys):
    assert main(["plan", "model=30b", "cluster=gpu"]) == 0
    assert "DOES NOT FIT" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["8b"], "write model=8b"),
        (["model=lab/unknown-1b"], "size is not known"),
        (["model=8b", "recipe=tiny_base"], "no stage of reinforcement learning"),
        (["model=8b", "cluster=gpu", "--mfu", "2"], "--mfu"),
        (["--completion-tokens", "100000"], "sampling.max_tokens"),
    ],
)
def test_mistakes(words, said, capsys):
    assert main(["plan", *words]) == 2
    assert said in capsys.readouterr().err


def test_adapters_checkpointing_and_offload_take_less():
    plain, config = _config("model=8b", "cluster=gpu"), _config("model=8b", "cluster=gpu", "+model.lora.rank=16")
    whole, small = (forecast(c, _rates(c), 128, None) for c in (plain, config))
    assert small.learner.total < 0.6 * whole.learner.total
    assert small.time.learn < whole.time.learn
    leaner = _config("model=8b", "cluster=gpu", "cluster.gradient_checkpointing=true")
    found = forecast(leaner, _rates(leaner), 128, None)
    assert found.learner.activations < 0.2 * whole.learner.activations
    assert found.flops == whole.flops * 5 / 4
    away = _config("model=8b", "cluster=gpu", "cluster.offload_policy=true", "cluster.offload_reference=true")
    found = forecast(away, _rates(away), 128, None)
    kept = whole.learner.weights + whole.learner.optimizer + whole.learner.reference
    assert found.fullest_device <= max(whole.fullest_device - kept, found.engine_weights + (found.kv_cache or 0))
