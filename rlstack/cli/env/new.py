"""`rlstack env new NAME`: a folder that works from the start, with four marks where the author's own work goes."""

from __future__ import annotations

import argparse
import re
import string
import sys
from pathlib import Path

from rlstack.authoring.subject import open_subject, write_gold
from rlstack.errors import ConfigError
from rlstack.plugins import env_names, reward_names

_TEMPLATE = Path(__file__).parent / "template"
_NAME = re.compile(r"[a-z][a-z0-9_]*")

_SHARED_REWARD = """\
    # TODO 3: what judges the answers: a reward of ours (docs/envs.md), several with weights, or a reward.py beside
    # this file (rlstack env new --reward writes one).
    rewards={"exact": 1.0},"""
_OWN_REWARD = '    rewards={"$name": 1.0},  # score in reward.py'
_REWARD_TEST = """

def test_reward_by_hand():
    score = load_reward("$name", HERE).score
    data = {"answer": "94 91"}
    assert score(Response("94, 91"), data).value == 1.0
    for text in ("", "94", "91 94", "94 91 88", "9" * 100_000, "the numbers 94 91"):
        assert score(Response(text), data).value == 0.0, text
"""


def main(argv: list[str]) -> int:
    """Writes the folder and says what to do next. Raises ConfigError for a name that will not do."""
    parser = argparse.ArgumentParser(
        prog="rlstack env new",
        description="Write ./envs/NAME: env.py, README.md, gold.jsonl and test_env.py, with four marks for your work.",
    )
    parser.add_argument("name", help="small letters, digits and _")
    parser.add_argument("--reward", action="store_true", help="with a reward.py of its own")
    options = parser.parse_args(argv)
    folder = write(options.name, Path("envs"), own_reward=options.reward)
    sys.stdout.write(_next_steps(options.name, folder, options.reward))
    return 0


def write(name: str, parent: Path, *, own_reward: bool) -> Path:
    """Fills `parent/name` from the template; its gold file comes from its own generator."""
    folder = parent / name
    _refuse(name, folder, own_reward)
    reward = name if own_reward else "exact"
    words = {"name": name, "title": name.replace("_", " ").capitalize(), "reward": reward}
    words["rewards"] = string.Template(_OWN_REWARD).substitute(words) if own_reward else _SHARED_REWARD
    words["reward_test"] = string.Template(_REWARD_TEST).substitute(words).rstrip() if own_reward else ""
    words["reward_import"] = ", load_reward" if own_reward else ""
    folder.mkdir(parents=True)
    for source in sorted(_TEMPLATE.glob("*.txt")):
        if source.stem == "reward.py" and not own_reward:
            continue
        text = string.Template(source.read_text(encoding="utf-8")).substitute(words).rstrip()
        text += "\n" if text else ""
        if own_reward and source.stem == "test_env.py":
            text = text.replace("from rlstack.authoring", "from rlstack.api import Response\nfrom rlstack.authoring")
        (folder / source.stem).write_text(text, encoding="utf-8")
    write_gold(open_subject(str(folder.resolve())), folder)
    return folder


def _refuse(name: str, folder: Path, own_reward: bool) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"'{name}' is no name for an environment: small letters, digits and _, a letter first")
    if name in sys.stdlib_module_names:
        raise ConfigError(f"'{name}' is a module of Python's own library, which the folder would hide from its tests")
    if folder.exists():
        raise ConfigError(f"{folder} exists already; nothing was touched")
    if name in env_names():
        raise ConfigError(f"there is an environment '{name}' already (rlstack env list): choose another name")
    if own_reward and name in reward_names():
        raise ConfigError(f"there is a reward '{name}' already, and reward.py is named like its env: choose another")


def _next_steps(name: str, folder: Path, own_reward: bool) -> str:
    files = "env.py" + (", reward.py" if own_reward else "")
    return f"""\
wrote {folder}/ (it works as it is: counting down in steps)
  1  follow the four TODOs in {files} and test_env.py, and write README.md about your own task
  2  rlstack env try {name} -n 8                    look at prompts, gold answers and drafts
  3  rlstack env gold {name}                        write gold.jsonl anew; read it over
  4  rlstack env check {name}                       the contract
  5  rlstack env difficulty {name} --model tiny     which level to train on
  6  python -m rlstack.run recipe=sft_rl env={name} model=tiny
     (a model that knows the task already: recipe=single)
"""
