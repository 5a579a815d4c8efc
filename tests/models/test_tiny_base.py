"""The shipped tiny base: whole, small, made as its manifest says, and able to do its tasks without always doing so."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from rlstack.api import Response
from rlstack.config.compose import compose
from rlstack.config.model import ModelConfig
from rlstack.data.prompts import eval_prompts
from rlstack.models import chat, publish
from rlstack.models.chat import load_tokenizer, render
from rlstack.models.granite import parameter_count
from rlstack.models.source import resolve
from rlstack.plugins import load_env, load_reward

BASE = Path(publish.__file__).parent / "tiny" / "base"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return json.loads((BASE / "MANIFEST.json").read_text())


def test_every_file_is_the_one_of_the_manifest(manifest: dict[str, Any]) -> None:
    found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in BASE.iterdir() if p.name != "MANIFEST.json"}
    assert found == {name: entry["sha256"] for name, entry in manifest["files"].items()}
    assert (BASE / "model.safetensors").stat().st_size < 5_000_000


def test_the_manifest_tells_the_recipe_as_it_is(manifest: dict[str, Any]) -> None:
    config = compose(["recipe=tiny_base"]).model_dump(mode="json")
    assert manifest["command"] == "python -m rlstack.run recipe=tiny_base seed=0"
    assert manifest["model"] == config["model"]
    for name, stage in config["stages"].items():
        recorded = manifest["stages"][name]
        assert {key: stage[key] for key in ("kind", "data", "steps", "rows_per_step", "row_tokens")} == {
            key: recorded[key] for key in ("kind", "data", "steps", "rows_per_step", "row_tokens")
        }
        assert recorded["nll_by_step"][-1][0] == stage["steps"]
        assert recorded["nll_by_step"][-1][1] < 0.5 * recorded["nll_by_step"][0][1]


def test_tokenizer_and_template_are_the_ones_of_the_library() -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (BASE / name).read_bytes() == (BASE.parent / "tokenizer" / name).read_bytes(), name
    assert (BASE / "chat_template.jinja").read_text() == chat.inference_template()


def test_it_is_the_tiny_shape_in_float32() -> None:
    from safetensors.numpy import load_file

    shape = compose(["recipe=tiny_base"]).model.shape
    assert shape is not None
    tensors = load_file(BASE / "model.safetensors")
    assert sum(t.size for t in tensors.values()) == parameter_count(shape)
    assert {str(t.dtype) for t in tensors.values()} == {"float32"}


def test_prompts_and_answers_of_the_envs_are_short() -> None:
    config = ModelConfig(name="tiny", path="builtin:tiny")
    tokenizer = load_tokenizer(config, resolve(config))
    for name in publish.ENVS:
        env = load_env(name)
        prompts = eval_prompts(env, 64)
        assert max(len(render(tokenizer, p.messages)) for p in prompts) <= 100, name


@pytest.mark.slow
def test_it_has_the_skills_and_leaves_the_manner_open() -> None:
    """Greedy pass rate on held-out prompts: neither nothing to reinforce, nor everything settled."""
    import torch
    from transformers import AutoModelForCausalLM

    config = ModelConfig(name="tiny", path="builtin:tiny")
    folder = resolve(config)
    tokenizer, model = load_tokenizer(config, folder), AutoModelForCausalLM.from_pretrained(folder)
    values = []
    for name in publish.ENVS:
        env = load_env(name)
        (reward,) = (load_reward(reward, name) for reward in env.rewards)
        for prompt in eval_prompts(env, 10):
            ids = torch.tensor([render(tokenizer, prompt.messages)])
            answer = model.generate(ids, max_new_tokens=48, do_sample=False)[0, ids.shape[1] :]
            text = tokenizer.decode(answer, skip_special_tokens=True)
            values.append(reward.score(Response(text, messages=prompt.messages), prompt.data).value)
    assert 0.2 < sum(values) / len(values) < 0.8
