"""The command line's choices: recipe=, model=, cluster= and env=, and the files in `recipes/` they stand for."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlstack.config.problems import Problem
from rlstack.errors import nearest

TREE = Path(__file__).resolve().parents[1] / "recipes"
GROUPS = ("recipe", "model", "cluster")
ENV_RECIPES = ("single", "sft_rl")  # the recipes that take env=
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def local_tree() -> Path | None:
    """`./recipes` of the working directory, where it is somebody's own: it may add choices to ours."""
    folder = Path.cwd() / "recipes"
    is_tree = any((folder / group).is_dir() for group in (*GROUPS, "stage", "mixture"))
    return folder if is_tree and folder.resolve() != TREE.resolve() else None


def choices(group: str) -> dict[str, list[Path]]:
    """Name → files of a group's choices, ours and the working directory's."""
    found: dict[str, list[Path]] = {}
    for tree in (TREE, local_tree()):
        for file in sorted((tree / group).glob("*.yaml")) if tree else ():
            found.setdefault(file.stem, []).append(file)
    return found


def default_cluster() -> str:
    """gpu where this process may use an NVIDIA device, else cpu."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return "gpu" if not hidden and any(Path("/dev").glob("nvidia[0-9]*")) else "cpu"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the words recipe=, model=, cluster= and env= come to."""

    groups: Mapping[str, str]  # group → name of one of its files
    patch: Mapping[str, Any]  # values that they imply, laid over the composed tree
    problems: tuple[Problem, ...]
    env: str | None = None  # name of the environment of recipe=single and recipe=sft_rl


def choose(words: Mapping[str, str]) -> Chosen:
    """Checks each choice against the files and folders there are; imports nothing that they name."""
    groups = {"recipe": "multidomain", "cluster": default_cluster()}  # model: the recipe's own choice, else tiny
    groups |= {group: word for group, word in words.items() if group in GROUPS}
    patch: dict[str, Any] = {}
    problems: list[Problem] = []
    if "model" in groups and (path := _model_path(groups["model"], problems)):
        groups["model"] = "hf"
        patch["model"] = {"name": Path(path).name, "path": path}
    problems += [problem for group, name in groups.items() if (problem := _check(group, name))]
    env = _env(words.get("env"), groups["recipe"], patch, problems)
    return Chosen(groups, patch, tuple(problems), env)


def _check(group: str, name: str) -> Problem | None:
    found = choices(group)
    if name not in found:
        hint = nearest(name, [n for n in found if n != "hf"])
        if group == "model":
            hint += " (or write a folder, ./my-model, or a hub id, owner/name)"
        return Problem(f"{group}={name}", f"there is no such {group}; {hint}")
    if len(found[name]) > 1:
        return Problem(f"{group}={name}", f"found twice: {' and '.join(map(str, found[name]))}; rename yours")
    return None


def _model_path(word: str, problems: list[Problem]) -> str | None:
    """The folder (made absolute) or hub id that `model=` names; None for the name of a file in `model/`."""
    if word in choices("model"):
        return None
    folder = Path(word).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").exists():
            problems.append(
                Problem(f"model={word}", f"{folder.resolve()} holds no config.json, so it is no checkpoint")
            )
        return str(folder.resolve())
    if word.startswith((".", "/", "~")):
        problems.append(Problem(f"model={word}", f"there is no folder {folder.absolute()}"))
        return word
    return word if _HUB_ID.fullmatch(word) else None


def _env(word: str | None, recipe: str, patch: dict[str, Any], problems: list[Problem]) -> str | None:
    if recipe not in ENV_RECIPES:
        if word is not None and recipe in choices("recipe"):  # else the recipe itself is mistyped
            takers = " and ".join(f"recipe={name}" for name in ENV_RECIPES)
            what = f"only {takers} take env=; here write stages.<stage>.envs.{word}={{}}"
            problems.append(Problem(f"env={word}", what))
        return None
    if word is None:
        from rlstack.plugins import env_names

        what = f"needs env=<name or folder>; known: {', '.join(env_names())}"
        problems.append(Problem(f"recipe={recipe}", what))
        return None
    name, share = word, {}
    if "/" in word or word.startswith("."):
        folder = Path(word).expanduser().resolve()
        name, share = folder.name, {"path": str(folder)}
    stages: dict[str, Any] = {"single": {"envs": {name: share}}}
    if recipe == "sft_rl":
        stages["sft"] = {"data": {share.get("path", name): 1.0}}
    patch["stages"] = stages
    return name
