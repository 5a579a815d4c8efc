"""The shipped shapes: exact parameter counts, multipliers, tied and untied heads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from rlstack.config.model import ModelConfig, ShapeConfig
from rlstack.errors import ConfigError
from rlstack.models import granite
from rlstack.models.granite import SpecialIds, granite_config, meta_model, parameter_count, random_model

RECIPES = Path(granite.__file__).parents[1] / "recipes" / "model"
PUBLISHED = {"3b": 3_402_836_480, "8b": 8_380_551_168, "30b": 28_865_728_512}
SMALL = SpecialIds(end_of_text=1, pad=0)


def shape_of(name: str) -> ShapeConfig:
    shape = ModelConfig.model_validate(yaml.safe_load((RECIPES / f"{name}.yaml").read_text())).shape
    assert shape is not None
    return shape


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_parameter_counts(name: str) -> None:
    shape = shape_of(name)
    model = meta_model(granite_config(shape, SpecialIds()))
    assert sum(p.numel() for p in model.parameters()) == PUBLISHED[name]
    assert parameter_count(shape) == PUBLISHED[name]


@pytest.mark.parametrize("tied", [True, False])
def test_tiny_counts_with_and_without_tied_embeddings(tied: bool) -> None:
    shape = shape_of("tiny-random").model_copy(update={"tied": tied})
    model = meta_model(granite_config(shape, SpecialIds(1021, 1020)))
    assert sum(p.numel() for p in model.parameters()) == parameter_count(shape)
    assert (model.lm_head.weight is model.model.embed_tokens.weight) is tied


@pytest.mark.parametrize(
    ("name", "logits", "attention"), [("3b", 10.0, 1 / 64), ("8b", 16.0, 1 / 128), ("30b", 16.0, 1 / 128)]
)
def test_multipliers_of_the_family(name: str, logits: float, attention: float) -> None:
    config = granite_config(shape_of(name), SpecialIds())
    assert config.attention_multiplier == attention
    assert (config.embedding_multiplier, config.residual_multiplier, config.logits_scaling) == (12.0, 0.22, logits)
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (100257, 100257, 100256)
    assert config.rope_parameters["rope_theta"] == 1e7


def test_multipliers_reach_the_forward_pass() -> None:
    """A multiplier that the config dropped would leave the logits as they are."""
    shape = shape_of("tiny-random").model_copy(update={"vocab_size": 64, "layers": 1})
    ids = torch.arange(8)[None]
    plain = random_model(granite_config(shape, SMALL), seed=0)(ids).logits
    for field in ("embedding_multiplier", "attention_multiplier", "residual_multiplier", "logits_scaling"):
        other = shape.model_copy(update={field: getattr(shape, field) * 2})
        assert not torch.allclose(random_model(granite_config(other, SMALL), seed=0)(ids).logits, plain), field
    halved = random_model(granite_config(shape.model_copy(update={"logits_scaling": 2.0}), SMALL), seed=0)(ids).logits
    torch.testing.assert_close(halved, plain / 2)


def test_random_weights_depend_on_the_seed_alone() -> None:
    config = granite_config(shape_of("tiny-random"), SpecialIds(1021, 1020))
    first = random_model(config, seed=3)
    torch.rand(5)
    state = torch.get_rng_state()
    again = random_model(config, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(random_model(config, seed=4).lm_head.weight, first.lm_head.weight)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head_dim": 16}, "heads x head_dim"),
        ({"kv_heads": 3}, "does not divide"),
        ({"vocab_size": 512}, "at least 1022"),
    ],
)
def test_impossible_shapes_are_refused_by_name(change: dict[str, int], message: str) -> None:
    shape = shape_of("tiny-random").model_copy(update=change)
    with pytest.raises(ConfigError, match=message):
        granite_config(shape, SpecialIds(1021, 1020))
