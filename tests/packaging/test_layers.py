"""Dependency arrows point down only, and heavy packages are imported in few, named places.

Read from the source, so that a lazy import inside a function counts as well. `make check` runs this file.
"""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINKED = ("rewards", "envs", "models")  # folders of the repository, links inside rlstack/

# From top to bottom; a unit imports from its own layer and those below.
LAYERS = (
    ("cli",),
    ("run",),
    ("chain",),
    ("authoring", "verify"),
    ("stages", "composing", "forecast", "preflight"),
    ("cluster", "plan"),
    ("rollout", "learner", "scoring", "data", "sync", "track", "view", "models", "rewards", "envs"),
    ("grpo", "config", "plugins", "faults", "rundir", "api", "border"),
    ("types", "errors", "startup", "__version__"),
)
# The schema in config/ lies low; what reads the recipe tree and knows plugins and models lies high.
COMPOSING = {"compose", "overrides", "choices", "checks"}

# Package → the only places (files, or folders ending in /) that import it.
ALLOWED = {
    "ray": ("rlstack/cluster/",),
    "vllm": ("rlstack/rollout/engine.py", "rlstack/sync/"),
    "hydra": ("rlstack/config/compose.py", "rlstack/config/overrides.py"),
    "omegaconf": ("rlstack/config/compose.py", "rlstack/config/overrides.py"),
    "pydantic": ("rlstack/config/",),
    "wandb": ("rlstack/track/trackers.py",),
    "tensorboard": ("rlstack/track/trackers.py",),
    "torch": ("rlstack/grpo/", "rlstack/learner/", "rlstack/sync/", "rlstack/rollout/", "models/"),
    "transformers": ("rlstack/learner/", "rlstack/rollout/", "models/"),
    "datasets": ("rlstack/data/", "envs/"),
    "rich": ("rlstack/view/", "rlstack/stages/evaluate.py", "rlstack/cli/"),
}
AUTHORING = ("rlstack.api", "rlstack.types", "rlstack.errors", "rlstack.rewards", "rlstack.envs")


@functools.cache
def sources() -> tuple[Path, ...]:
    files = [f for folder in ("rlstack", *LINKED) for f in (ROOT / folder).rglob("*.py")]
    linked = [ROOT / "rlstack" / name for name in LINKED]
    return tuple(
        f
        for f in sorted(files)
        if not f.name.startswith("test_") and not any(f.is_relative_to(link) for link in linked)
    )


@functools.cache
def imports(file: Path) -> tuple[str, ...]:
    """Every module that `file` names, anywhere: `from rlstack import errors` counts as rlstack.errors."""
    found: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(), str(file))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.relative_to(ROOT)}:{node.lineno}: a relative import; write rlstack.…"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += names if node.module == "rlstack" else [str(node.module)]
    return tuple(found)


def unit_of_file(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return unit_of_module(".".join(parts if parts[0] == "rlstack" else ("rlstack", *parts)))


def unit_of_module(module: str) -> str:
    parts = module.split(".")
    if parts[1:2] == ["config"] and parts[-1] in COMPOSING:
        return "composing"
    return "border" if parts[1:3] == ["cli", "border"] else parts[1] if len(parts) > 1 else ""


def layer(unit: str) -> int:
    found = [depth for depth, units in enumerate(LAYERS) if unit in units]
    assert found, f"'{unit}' is in no layer: add it to LAYERS in {__file__}"
    return found[0]


def ours() -> Iterator[tuple[Path, str, str]]:
    for file in sources():
        if file == ROOT / "rlstack" / "__init__.py":
            continue
        for module in imports(file):
            if module.split(".")[0] == "rlstack" and module != "rlstack":
                yield file, unit_of_file(file), module


def test_arrows_point_down():
    wrong = [
        f"{file.relative_to(ROOT)} imports {module}"
        for file, unit, module in ours()
        if layer(unit) > layer(unit_of_module(module))
    ]
    assert not wrong, "\n".join(["imports that point up:", *wrong])


def test_units_form_no_cycle():
    graph: dict[str, set[str]] = {}
    for _, unit, module in ours():
        if unit_of_module(module) != unit:
            graph.setdefault(unit, set()).add(unit_of_module(module))

    def walk(unit: str, path: tuple[str, ...]) -> None:
        assert unit not in path, "import cycle: " + " → ".join((*path[path.index(unit) :], unit))
        for below in graph.get(unit, ()):
            walk(below, (*path, unit))

    for unit in graph:
        walk(unit, ())


@pytest.mark.parametrize("package", ALLOWED)
def test_heavy_packages_have_few_places(package):
    strangers = []
    for file in sources():
        here = file.relative_to(ROOT).as_posix()
        allowed = any(here == place or (place.endswith("/") and here.startswith(place)) for place in ALLOWED[package])
        if not allowed and any(module.split(".")[0] == package for module in imports(file)):
            strangers.append(here)
    assert not strangers, f"{package} belongs to {', '.join(ALLOWED[package])}, but is imported in {strangers}"


LOADS_A_MODEL = ("rewards/reward_model.py", "rlstack.models.reward_head")  # the one reward that is a network


@pytest.mark.parametrize("folder", ["rewards", "envs"])
def test_rewards_and_envs_see_only_the_authoring_interface(folder):
    wrong = [
        f"{file.relative_to(ROOT)} imports {module}"
        for file, unit, module in ours()
        if unit == folder
        and not any(module == seen or module.startswith(f"{seen}.") for seen in AUTHORING)
        and (file.relative_to(ROOT).as_posix(), module) != LOADS_A_MODEL
    ]
    assert not wrong, "\n".join(wrong)


def test_mathematics_starts_nothing():
    banned = {"ray", "vllm", "hydra", "omegaconf", "transformers", "rich"}
    for file in sources():
        if unit_of_file(file) == "grpo":
            assert not banned & {module.split(".")[0] for module in imports(file)}, file


def test_seams_rewards_and_composition_pull_in_nothing_heavy():
    """At run time and transitively: what a scoring worker and a mistyped command load."""
    modules = ["rlstack.types", "rlstack.errors", "rlstack.api", "rlstack.plugins", "rlstack.config.compose"]
    modules += ["rlstack.run", "rlstack.plan", "rlstack.cli.plan", "rlstack.cli.main", "rlstack.data.prompts"]
    folders = [f.parent for f in (ROOT / "rewards").glob("*/__init__.py")] + list((ROOT / "rewards").glob("*.py"))
    modules += [f"rlstack.rewards.{f.stem}" for f in folders if f.stem != "__init__"]
    modules += [f"rlstack.envs.{f.parent.name}.env" for f in (ROOT / "envs").glob("*/env.py")]
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
        "    heavy = {'torch', 'ray', 'vllm', 'transformers'} & set(sys.modules)\n"
        "    assert not heavy, f'{name} imports {heavy}'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_scan_sees_what_it_should(tmp_path):
    file = tmp_path / "probe.py"
    file.write_text("import ray\ndef f():\n    from rlstack import errors\n    from vllm.config import x\n")
    assert list(imports(file)) == ["ray", "rlstack.errors", "vllm.config"]
    assert unit_of_module("rlstack.config.compose") == "composing"
    assert unit_of_module("rlstack.config.rl") == "config"
    assert len(sources()) > 50
