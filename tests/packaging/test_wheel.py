"""A wheel built from the tree is whole: built-in recipes, envs, rewards and models travel with it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]
DATA = ("*.yaml", "*.jinja", "*.jsonl", "tokenizer.json", "*.safetensors", "MANIFEST.json")
FOLDERS = ("recipes", "envs", "rewards", "models")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since a build leaves a build/ folder behind."""
    copy = tmp_path_factory.mktemp("source") / "rlstack"
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, names.split("\0")):
        source, target = ROOT / name, copy / name
        if source.exists() and not name.startswith(("tests/", "bench/", "docs/")):
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_symlink():
                target.symlink_to(source.readlink())
            else:
                target.write_bytes(source.read_bytes())
    out = tmp_path_factory.mktemp("wheel")
    words = [
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        str(out),
        str(copy),
    ]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("rlstack-*.whl")
    return built


def tracked(pattern: str) -> list[str]:
    found = [f for folder in FOLDERS for f in (ROOT / folder).rglob(pattern)]
    return sorted(f"rlstack/{f.relative_to(ROOT).as_posix()}" for f in found if "__pycache__" not in f.parts)


@pytest.mark.parametrize("pattern", ["*.py", *DATA])
def test_code_and_data_are_in_the_wheel(wheel, pattern):
    wanted = tracked(pattern)
    missing = set(wanted) - set(zipfile.ZipFile(wheel).namelist())
    assert wanted or pattern in ("*.safetensors", "MANIFEST.json")
    assert not missing


def test_nothing_else_is_in_the_wheel(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"rlstack"}
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if "__pycache__" in name]


def test_an_installed_wheel_composes_from_anywhere(wheel, tmp_path):
    target = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(target)
    code = (
        f"import sys; sys.path.insert(0, {str(target)!r})\n"
        "import rlstack; from rlstack.config.compose import compose; from rlstack.plugins import env_names\n"
        f"assert rlstack.__file__.startswith({str(target)!r}), rlstack.__file__\n"
        "assert compose(['recipe=single', 'env=math']).recipe == 'single'\n"
        "assert 'math' in env_names()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
