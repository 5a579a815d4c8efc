"""Command-line words: `key=value` and `~key`, parsed by Hydra's grammar and laid over a composed tree.

A plain `key=value` may also name a key that the tree does not spell out: the schema decides whether the key
exists, and knows the nearest one. So nobody has to remember Hydra's `+`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from rlstack.config.choices import GROUPS
from rlstack.config.problems import Problem
from rlstack.config.rl import RLStage
from rlstack.errors import nearest

_CHOICES = (*GROUPS, "env")


def parse(
    argv: Sequence[str], sections: Iterable[str], problems: list[Problem]
) -> tuple[dict[str, str], list[Override]]:
    """The choices (recipe, model, cluster, env) and all other overrides.

    What cannot be read, or begins with none of the top-level `sections`, goes to `problems`.
    """
    known = {*_CHOICES, *sections}
    words: dict[str, str] = {}
    rest: list[Override] = []
    parser = OverridesParser.create()
    for word in argv:
        key, equals, value = word.partition("=")
        if not equals and not word.startswith("~"):
            hint = f"write {word}=<value>" if word in _CHOICES else "write key=value, e.g. recipe=multidomain"
            problems.append(Problem(word, f"not an override; {hint}"))
        elif key.lstrip("+") in _CHOICES:
            words[key.lstrip("+")] = value.strip("'\"")
        else:
            try:
                override = parser.parse_override(word)
            except HydraException as error:
                problems.append(Problem(word, _why_unread(error)))
                continue
            top = override.key_or_group.partition(".")[0]
            if override.is_sweep_override():
                problems.append(Problem(word, "a sweep: one run takes one value; for a list write [a,b]"))
            elif top not in known and not is_group_choice(override):
                problems.append(Problem(override.key_or_group, f"unknown key; {_fuller(override, top, known)}"))
            else:
                rest.append(override)
    return words, rest


def _why_unread(error: Exception) -> str:
    first = str(error.__cause__ or error).splitlines()[0]
    return f"cannot be read ({first}); quote values with special characters: key='\"a b\"'"


def _fuller(override: Override, top: str, known: Iterable[str]) -> str:
    """The key of a stage by its full name; else the nearest section."""
    if top not in RLStage.model_fields:
        return nearest(top, known)
    key = override.key_or_group
    return f"it belongs to a stage: write stages.<stage>.{key}, with recipe=single or sft_rl stages.single.{key}"


def is_group_choice(override: Override) -> bool:
    """`mixture@stages.x.envs=name` picks another file of the tree instead of setting a value."""
    return override.package is not None


def apply(config: DictConfig, overrides: Iterable[Override], problems: list[Problem]) -> None:
    """Lays value overrides over `config` in order, in place; those that cannot apply go to `problems`."""
    with open_dict(config):
        for override in overrides:
            try:
                _apply_one(config, override, problems)
            except OmegaConfBaseException as error:
                problems.append(Problem(override.key_or_group, str(error).splitlines()[0]))


def _apply_one(config: DictConfig, override: Override, problems: list[Problem]) -> None:
    key = override.key_or_group
    parent_key, _, name = key.rpartition(".")
    if override.is_delete():
        parent = OmegaConf.select(config, parent_key) if parent_key else config
        if not isinstance(parent, DictConfig) or name not in parent:
            names = list(parent) if isinstance(parent, DictConfig) else []
            problems.append(Problem(f"~{key}", f"there is no such key; {nearest(name, map(str, names))}"))
            return
        del parent[name]
        return
    if problem := _blocked(config, key, adds=override.is_add() or override.is_force_add()):
        problems.append(problem)
        return
    OmegaConf.update(config, key, override.value(), merge=True, force_add=True)


def _blocked(config: DictConfig, key: str, *, adds: bool) -> Problem | None:
    """Why `key` has no place: it lies below a value, or in a stage that does not exist."""
    parts = key.split(".")
    node: Any = config
    for depth, part in enumerate(parts):
        here = ".".join(parts[:depth])
        if node is None:
            return None  # a section that is off until it is written
        if not isinstance(node, DictConfig | ListConfig):
            return Problem(key, f"'{here}' is a value ({node}), so nothing lies below it")
        if here == "stages" and part not in node and not adds:
            hint = nearest(part, map(str, node))
            return Problem(key, f"unknown stage '{part}'; {hint} (a new one: +stages.{part}={{kind: rl, ...}})")
        node = node.get(part) if isinstance(node, DictConfig) and not OmegaConf.is_missing(node, part) else None
    return None


def leaves(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping flattened: dotted key → value, empty sections left out."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= leaves(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
