"""docs/configuration.md shows the schema as it is, and what it claims in examples is true."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from rlstack.config.compose import compose

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("config_reference", ROOT / "scripts" / "config_reference.py")
assert _spec is not None
assert _spec.loader is not None
config_reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(config_reference)


def test_the_page_is_up_to_date():
    page = config_reference.PAGE.read_text()
    assert page == config_reference.page_with(config_reference.reference(), page), "run scripts/config_reference.py"


def test_every_value_has_a_doc_line():
    bare = [
        f"{section.__name__}.{name}"
        for section in config_reference.sections()
        for name, field in section.model_fields.items()
        if not field.description and not any(True for _ in config_reference._inner(field.annotation, ""))
    ]
    assert not bare, f"no doc line under: {', '.join(bare)}"


def test_bounds_and_defaults_are_shown():
    tables = config_reference.reference()
    assert "| `steps` | int (> 0) | **required** |" in tables
    assert "| `clip_low` | float (> 0, < 1) | `0.2` |" in tables
    assert "| `betas` | list of float | `[0.9, 0.95]` |" in tables
    assert "`every: 100`" in tables  # the default of TrainStage.checkpoint


def examples() -> list[str]:
    page = config_reference.PAGE.read_text().replace("\\\n", " ")
    lines = re.findall(r"^python -m rlstack\.run (.*)$", page, flags=re.MULTILINE)
    return [line.partition("#")[0].strip() for line in lines]


@pytest.mark.parametrize("line", examples())
def test_examples_compose(line, tmp_path, monkeypatch):
    (tmp_path / "envs" / "countdown").mkdir(parents=True)
    (tmp_path / "envs" / "countdown" / "env.py").write_text("")
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    stand_ins = {"/data/my-checkpoint": str(tmp_path), "~/work/countdown": str(tmp_path / "envs" / "countdown")}
    for example, real in stand_ins.items():
        line = line.replace(example, real)
    words = [word for word in shlex.split(line) if word not in ("--help", "--cfg", "job")]
    assert compose(words).stages
