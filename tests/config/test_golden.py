"""Each shipped recipe, flattened, equals its golden copy: a change of a default is seen in the diff that makes it.

UPDATE_GOLDEN=1 make test-unit ARGS_TEST=tests/config/test_golden.py rewrites the copies.
"""

import os
from pathlib import Path

import pytest
import yaml

from rlstack.config.choices import TREE
from rlstack.config.compose import compose
from rlstack.config.overrides import leaves

GOLDEN = Path(__file__).parent / "golden"
RECIPES = sorted(file.stem for file in (TREE / "recipe").glob("*.yaml"))
EXTRA = {"single": ["env=math"], "sft_rl": ["env=math"], "multidomain_granite": ["model=8b"]}


def flattened(recipe: str) -> str:
    cluster = "gpu" if recipe.endswith("_granite") else "cpu"
    config = compose([f"recipe={recipe}", f"cluster={cluster}", *EXTRA.get(recipe, [])])
    return yaml.safe_dump(leaves(config.model_dump(mode="json")), sort_keys=True, width=120)


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe_equals_its_golden_copy(recipe):
    file = GOLDEN / f"{recipe}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(flattened(recipe))
    assert file.exists(), f"no golden copy of recipe={recipe}: run this test once with UPDATE_GOLDEN=1"
    assert flattened(recipe) == file.read_text(), f"recipe={recipe} has changed; UPDATE_GOLDEN=1 accepts it"


def test_no_golden_copy_is_left_over():
    assert {file.stem for file in GOLDEN.glob("*.yaml")} == set(RECIPES)


def test_no_recipe_names_a_target():
    for file in TREE.rglob("*.yaml"):
        assert "_target_" not in file.read_text(), file
