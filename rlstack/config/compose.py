"""From the command line to a validated configuration: Hydra composes `recipes/`, pydantic checks.

Imports neither torch nor ray nor vllm and starts nothing, so that a mistake is answered at once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from rlstack.config import checks, overrides
from rlstack.config.choices import TREE, Chosen, choose, local_tree
from rlstack.config.problems import Problem, refuse
from rlstack.config.run import RunConfig
from rlstack.config.schema import problem_of

# They do not change what a run computes, so they do not change where it lies either.
_OPERATIONAL = re.compile(r"(cluster\.|trackers|resume$|dry_run$|run_dir$|seed$|stages\.\w+\.checkpoint\.)")


def compose(argv: Sequence[str]) -> RunConfig:
    """The configuration of a command line such as `["recipe=single", "env=math", "stages.single.steps=5"]`.

    Raises ConfigError with every problem that can be seen at once, each with its dotted path, what was found,
    what is allowed and the nearest name.
    """
    problems: list[Problem] = []
    words, rest = overrides.parse(argv, RunConfig.model_fields, problems)
    chosen = choose(words)
    refuse([*problems, *chosen.problems])
    base = _compose_tree(chosen, [o for o in rest if overrides.is_group_choice(o)])
    OmegaConf.set_struct(base, False)
    config = OmegaConf.merge(base, chosen.patch)
    assert isinstance(config, DictConfig)
    overrides.apply(config, [o for o in rest if not overrides.is_group_choice(o)], problems)
    data = _plain(config, problems)
    if data.get("run_dir") is None:
        data["run_dir"] = _default_run_dir(data, _plain(base, []), chosen)
    return _validate(data, problems)


def _compose_tree(chosen: Chosen, group_choices: Sequence[Override]) -> DictConfig:
    words = [f"{group}={name}" for group, name in chosen.groups.items()]
    words += [o.input_line or "" for o in group_choices]
    if own := local_tree():
        words.append(f"hydra.searchpath=[file://{own}]")
    try:
        with initialize_config_dir(str(TREE), version_base="1.3", job_name="rlstack"):
            return hydra_compose("config", words)
    except (HydraException, OmegaConfBaseException) as error:
        text = str(error).partition("Config search path")[0]
        refuse([Problem(" ".join(words), " ".join(text.split()))])
        raise


def _plain(config: DictConfig, problems: list[Problem]) -> dict[str, Any]:
    """The tree as plain data, interpolations resolved."""
    data = OmegaConf.to_container(config, resolve=False)
    try:
        data = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        problems.append(Problem(str(error.full_key or "${...}"), str(error).splitlines()[0]))
    assert isinstance(data, dict)
    return {str(key): value for key, value in data.items()}


def _validate(data: dict[str, Any], problems: list[Problem]) -> RunConfig:
    names = checks.of_names(data)
    try:
        # As JSON and strict: no "5" for 5, no true for 1, but lists for tuples.
        config = RunConfig.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        wrong = [problem_of(e, RunConfig, data) for e in error.errors(include_url=False)]
        refuse([*problems, *names, *wrong])
        raise
    refuse([*problems, *names, *checks.of_values(config)])
    return config


def _default_run_dir(data: Mapping[str, Any], base: Mapping[str, Any], chosen: Chosen) -> str:
    """runs/<recipe>[-<env>]-<model>-seed<seed>, with a hash of whatever else differs from the recipe.

    A function of the command's meaning: the same command finds its unfinished run, another one never does.
    """
    ours, theirs = overrides.leaves(data), overrides.leaves(base)
    changed = {
        key: _canonical(ours.get(key))
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key) and not _OPERATIONAL.match(key) and key != "model.name"
    }
    model = data["model"] if isinstance(data.get("model"), Mapping) else {}
    parts = [chosen.groups["recipe"], chosen.env, model.get("name"), f"seed{data.get('seed')}"]
    if changed:
        text = json.dumps(changed, sort_keys=True, default=str)
        parts.append(hashlib.sha256(text.encode()).hexdigest()[:6])
    return str(Path("runs") / "-".join(re.sub(r"[^\w.]+", "_", str(part)) for part in parts if part))


def _canonical(value: Any) -> Any:
    """0 and 0.0 mean the same."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def to_yaml(config: RunConfig) -> str:
    """The whole configuration as YAML, defaults included: what `--cfg job` prints."""
    return OmegaConf.to_yaml(OmegaConf.create(config.model_dump(mode="json")))
