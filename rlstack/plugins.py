"""Finds environments and rewards by name, and loads them only when they are used.

Where an env named `math` is looked for: an explicit path, `./envs/math/env.py` of the working directory,
our own `rlstack/envs/math/env.py`, an entry point `math` of the group `rlstack.envs`. A reward: an explicit
path, `./rewards/math.py` (or `./rewards/math/__init__.py`), our own of that name, `reward.py` inside an
env's folder (the reward is then named like the env), an entry point of `rlstack.rewards`.

A name means one thing: found in two places it is an error that names both, never a silent choice; only an env
that is given by its path has its own `reward.py`, whatever else has that name. Listing names imports no
plugin code, so that a mistyped name is reported before anything heavy starts.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import sys
import traceback
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rlstack import faults
from rlstack.api import Env, Response, Score
from rlstack.errors import PluginError, UnknownPluginError, nearest

ENV_GROUP = "rlstack.envs"
REWARD_GROUP = "rlstack.rewards"
DEADLINE_S = 5.0  # of a reward that names none

_HERE = Path(__file__).parent
_OURS = {"env": _HERE / "envs", "reward": _HERE / "rewards"}

Kind = Literal["env", "reward"]
Owner = Literal["path", "local", "ours", "installed"]
ScoreFunction = Callable[[Response, Mapping[str, Any]], Score]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a plugin lives, known without importing it: a Python file or an entry point."""

    kind: Kind
    name: str
    where: str  # the file's absolute path, or "module:attribute" of an entry point
    owner: Owner

    @property
    def is_file(self) -> bool:
        return self.owner != "installed"

    @property
    def address(self) -> str:
        """What loads this very plugin in any process and working directory."""
        return self.where if self.is_file else f"{self.name}={self.where}"

    def __str__(self) -> str:
        return self.where if self.is_file else f"the installed entry point {self.where}"


@dataclass(frozen=True, slots=True)
class RewardPlugin:
    """A loaded reward. `load_reward(plugin.origin)` loads the same one in any process and directory."""

    name: str
    score: ScoreFunction
    deadline_s: float  # seconds that one call may take
    origin: str  # path of its file, or "name=module:attribute" of an entry point


@dataclass(frozen=True, slots=True)
class Listing:
    """One line of `rlstack env list`: a plugin that loads, or why it does not."""

    name: str
    origin: str
    problem: str  # "" when it loads; else the last line of its traceback
    facts: Mapping[str, str]
    owner: Owner


def env_names() -> list[str]:
    """Names of all environments that can be found, sorted; imports none of them."""
    return sorted({origin.name for origin in _origins("env")})


def reward_names() -> list[str]:
    """Names of all rewards that can be found, sorted; imports none of them."""
    return sorted({origin.name for origin in _origins("reward")})


def check_names(env: str, rewards: Iterable[str] = (), path: str | None = None) -> list[str]:
    """What is wrong with the names of an environment (or its `path`) and of its rewards: unknown, or found twice.

    Imports no plugin, so that a mistyped name is reported before anything heavy starts.
    """
    wrong = []
    named: list[tuple[Kind, str]] = [("env", path or env), *(("reward", reward) for reward in rewards)]
    for kind, name in named:
        try:
            _locate(kind, name, path)
        except PluginError as error:
            wrong.append(str(error))
    return wrong


def find_env(name_or_path: str) -> Origin:
    """Where the environment of that name (or path) lives; imports nothing.

    Raises PluginError when it is unknown or found twice.
    """
    return _locate("env", name_or_path)


def find_reward(name: str, env: str | None = None) -> Origin:
    """Where the reward of that name (or path) lives, as `load_reward` finds it; imports nothing."""
    return _locate("reward", name, env)


def load_env(name_or_path: str) -> Env:
    """The environment of that name, or the one in a folder (`./my/countdown`, `~/x/env.py`).

    Raises PluginError when it is unknown, found twice, broken, or its `ENV` does not fit.
    """
    origin = _locate("env", name_or_path)
    env = _load(origin)
    if env.name != origin.name:
        raise PluginError(
            f"{origin}: ENV.name is '{env.name}', but its folder is named '{origin.name}': give both one name"
        )
    return env


def load_reward(name: str, env: str | None = None) -> RewardPlugin:
    """The reward of that name; also takes a path or a `RewardPlugin.origin`.

    `env` is the path of an environment outside the usual places, whose folder may hold `reward.py`.
    Raises PluginError when it is unknown, found twice, broken, or has no fitting `score`.
    """
    origin = _locate("reward", name, env)
    score, deadline_s = _load(origin)
    return RewardPlugin(origin.name, score, deadline_s, origin.address)


def reward_label(name: str) -> str:
    """The name that a reward has in components and metrics: its own; of one given by its path, the file's or folder's.

    Raises PluginError for a path that holds no reward.
    """
    if _is_path(name):
        return _at_path("reward", Path(name).expanduser()).name
    return name.partition("=")[0]


def list_envs() -> tuple[Listing, ...]:
    """Every environment found, loaded to see whether it works."""
    return tuple(_listed(origin) for origin in _origins("env"))


def _listed(origin: Origin) -> Listing:
    twins = [other for other in _origins(origin.kind) if other.name == origin.name]
    if len(twins) > 1:
        return Listing(origin.name, str(origin), "found twice: " + " and ".join(map(str, twins)), {}, origin.owner)
    try:
        env = load_env(origin.name)
    except PluginError as error:
        cause = error.__cause__
        problem = traceback.format_exception_only(cause)[-1].strip() if cause else str(error)
        return Listing(origin.name, str(origin), problem, {}, origin.owner)
    return Listing(origin.name, str(origin), "", env.facts, origin.owner)


# ---- finding ------------------------------------------------------------------------------------------


def _locate(kind: Kind, name: str, env: str | None = None) -> Origin:
    if _is_path(name):
        return _at_path(kind, Path(name).expanduser())
    if "=" in name:
        label, _, where = name.partition("=")
        return Origin(kind, label, where, "installed")
    if kind == "reward" and env is not None and (own := _own_reward(name, env)):
        return own
    found = {o.where: o for o in _origins(kind, env) if o.name == name}
    if not found:
        known = {origin.name for origin in _origins(kind, env)}
        lacking = _lacking(name, env) if kind == "reward" else ""
        raise UnknownPluginError(f"no {kind} is named '{name}': {lacking}{nearest(name, known)}")
    if len(found) > 1:
        raise UnknownPluginError(_twice(kind, name, [*found.values()]))
    return next(iter(found.values()))


def _own_reward(name: str, env: str) -> Origin | None:
    """The `reward.py` of an env that is given by its path, when it is the one of that name."""
    if not _is_path(env):
        return None
    file = Path(_at_path("env", Path(env).expanduser()).where).with_name("reward.py")
    return Origin("reward", name, str(file), "path") if file.is_file() and file.parent.name == name else None


def _lacking(name: str, env: str | None) -> str:
    """Which file would be the reward of an env that has its name."""
    homes = [origin for origin in _origins("env") if origin.is_file]
    if env is not None and _is_path(env):
        homes.insert(0, _at_path("env", Path(env).expanduser()))
    files = [Path(home.where).with_name("reward.py") for home in homes if home.name == name]
    return f"{files[0]} does not exist; " if files else ""


def _twice(kind: Kind, name: str, origins: list[Origin]) -> str:
    places = "".join(f"\n  {origin}" for origin in origins)
    mend = "rename one of them"
    if kind == "env":
        mend += " (the folder and ENV.name), or say which by its path: env=<folder>, "
        mend += f"or stages.<stage>.envs.{name}.path=<folder>"
    return f"{kind} '{name}' is found in {len(origins)} places:{places}\n{mend}"


def _is_path(name: str) -> bool:
    return "/" in name or "\\" in name or name.startswith((".", "~")) or name.endswith(".py")


def _at_path(kind: Kind, path: Path) -> Origin:
    """`path` names a folder or the Python file in it."""
    inside = ("env.py",) if kind == "env" else ("reward.py", "__init__.py")
    file = path
    if path.is_dir():
        file = next((path / name for name in inside if (path / name).is_file()), path / inside[0])
    if not file.is_file():
        raise UnknownPluginError(f"no {kind} at {path}: {file} does not exist (working directory: {Path.cwd()})")
    file = file.resolve()
    named_by_folder = file.name in ("env.py", "reward.py", "__init__.py")
    return Origin(kind, file.parent.name if named_by_folder else file.stem, str(file), "path")


def _origins(kind: Kind, env: str | None = None) -> tuple[Origin, ...]:
    """All plugins of a kind in search order, one per place. The same file reached twice counts once."""
    folder = f"{kind}s"
    found: dict[str, Origin] = {}
    roots: tuple[tuple[Owner, Path], ...] = (("local", Path.cwd() / folder), ("ours", _OURS[kind]))
    for owner, root in roots:
        for name, file in _in_folder(kind, root):
            where = str(file.resolve())
            found.setdefault(where, Origin(kind, name, where, owner))
    if kind == "reward":
        places = [Path(o.where) for o in _origins("env") if o.is_file]
        if env is not None and _is_path(env):
            places.append(Path(_at_path("env", Path(env).expanduser()).where))
        for file in (place.with_name("reward.py") for place in places):
            if file.is_file():
                found.setdefault(str(file), Origin(kind, file.parent.name, str(file), "local"))
    for name, where in _entry_points(ENV_GROUP if kind == "env" else REWARD_GROUP):
        found.setdefault(where, Origin(kind, name, where, "installed"))
    return tuple(found.values())


def _in_folder(kind: Kind, root: Path) -> list[tuple[str, Path]]:
    if not root.is_dir():
        return []
    found = []
    for entry in sorted(root.iterdir()):
        if entry.name.startswith(("_", ".")):
            continue
        file = entry / ("env.py" if kind == "env" else "__init__.py")
        if file.is_file():
            found.append((entry.name, file))
        elif kind == "reward" and entry.suffix == ".py" and not entry.name.startswith("test_"):
            found.append((entry.stem, entry))
    return found


@functools.cache
def _entry_points(group: str) -> tuple[tuple[str, str], ...]:
    from importlib.metadata import entry_points  # costs 15 ms to import, and only listing needs it

    return tuple(sorted((point.name, f"{point.module}:{point.attr or ''}") for point in entry_points(group=group)))


# ---- loading: a border, since plugin code may raise anything ------------------------------------------


def _load(origin: Origin) -> Any:
    """An `Env`, or a reward's (score, deadline in seconds)."""
    wanted = "ENV" if origin.kind == "env" else "score"
    module, attribute = _import(origin)
    named = getattr(module, attribute) if attribute else getattr(module, wanted, None)
    if isinstance(named, types.ModuleType):
        module, named = named, getattr(named, wanted, None)
    if origin.kind == "env":
        if not isinstance(named, Env):
            raise PluginError(f"{origin}: defines no ENV = Env(...) (found {_kind_of(named)})")
        return named
    if not callable(named):
        raise PluginError(f"{origin}: defines no score(response, data) (found {_kind_of(named)})")
    deadline = getattr(module, "DEADLINE_S", DEADLINE_S)
    if not isinstance(deadline, int | float) or not 0 < deadline < float("inf"):
        raise PluginError(f"{origin}: DEADLINE_S is {deadline!r}, but must be a number of seconds above 0")
    return named, float(deadline)


def _kind_of(value: Any) -> str:
    return "nothing of that name" if value is None else f"a {type(value).__name__}"


def _import(origin: Origin) -> tuple[types.ModuleType, str]:
    """The plugin's module, and the attribute that its entry point names ("" for files)."""
    if not origin.is_file:
        name, _, attribute = origin.where.partition(":")
    else:
        name, attribute = _module_name(Path(origin.where)), ""
    try:
        return importlib.import_module(name), attribute
    except (Exception, SystemExit) as error:  # plugin code may raise anything, also sys.exit()
        raise faults.fault(error, f"{origin.kind} '{origin.name}' cannot be imported") from error


def _module_name(file: Path) -> str:
    """An importable name for a plugin's file, the same in every process that has loaded it by path.

    Ours keep their real names. A user's folder becomes a package of its own, so that `from .words import X`
    works there as well, and two folders of one name do not meet in sys.modules.
    """
    for package, root in (("rlstack.envs", _OURS["env"]), ("rlstack.rewards", _OURS["reward"])):
        if file.is_relative_to(root.resolve()):
            inner = file.relative_to(root.resolve()).with_suffix("").parts
            return ".".join((package, *(part for part in inner if part != "__init__")))
    is_package = file.name == "__init__.py"
    folder = file.parent.parent if is_package else file.parent
    package = "rlstack_plugin_" + hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    if package not in sys.modules:
        module = types.ModuleType(package, f"Plugins of {folder}.")
        module.__path__ = [str(folder)]
        sys.modules[package] = module
    return f"{package}.{file.parent.name if is_package else file.stem}"
