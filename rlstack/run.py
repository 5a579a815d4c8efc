"""`python -m rlstack.run recipe=multidomain [key=value ...]`: composes a configuration and runs its stages.

A configuration is refused before torch is imported or a process is started, and so are plugins that do not load.
"""

from __future__ import annotations

import sys

from rlstack.cli.border import guarded, leave
from rlstack.errors import ConfigError, nearest

_FLAGS = {"--help": "help", "-h": "help", "--cfg": "cfg", "-c": "cfg", "--cfg=job": "cfg"}

_HELP = """usage: python -m rlstack.run [recipe=NAME] [model=NAME|FOLDER|HUB_ID] [cluster=NAME] [key=value ...]

  recipe=   {recipe}
  model=    {model}; or a folder (./my-model), or a hub id (owner/name)
  cluster=  {cluster}; chosen by the machine when left out
  env=      {env}; or a folder. For recipe=single and recipe=sft_rl
  seed=     a whole number
  run_dir=  where results go; the same command goes on with an unfinished run

  --cfg job      print the whole configuration and stop
  dry_run=true   print the plan (steps, prompts, memory, files) and stop

examples
  python -m rlstack.run recipe=multidomain
  python -m rlstack.run recipe=single env=math stages.single.steps=20
  python -m rlstack.run recipe=multidomain stages.multidomain.optim.lr=5e-5 ~stages.multidomain.envs.sql
  python -m rlstack.run recipe=multidomain_granite model=8b cluster=gpu dry_run=true

Every field: docs/configuration.md, or --cfg job.
"""


def main(argv: list[str]) -> int:
    """Exit status of the command. Raises RlstackError for what the user can mend."""
    flags, words = _split(argv)
    if "help" in flags:
        sys.stdout.write(_help())
        return 0
    from rlstack.config.compose import compose, to_yaml

    config = compose(words)
    if "cfg" in flags:
        sys.stdout.write(to_yaml(config))
        return 0
    from rlstack.preflight import check_plugins

    check_plugins(config)
    if config.dry_run:
        from rlstack.plan import describe

        sys.stdout.write(describe(config))
        return 0
    from rlstack.chain import run_chain

    try:
        run_chain(config)
    except KeyboardInterrupt:
        sys.stderr.write(f"{config.run_dir} keeps every finished step; the same command goes on from there\n")
        raise
    return 0


def _split(argv: list[str]) -> tuple[set[str], list[str]]:
    flags: set[str] = set()
    words: list[str] = []
    arguments = iter(argv)
    for word in arguments:
        if not word.startswith("-"):
            words.append(word)
            continue
        if word not in _FLAGS:
            raise ConfigError(f"unknown option {word}; {nearest(word, _FLAGS)}")
        if word in ("--cfg", "-c") and (what := next(arguments, "nothing")) != "job":
            raise ConfigError(f"{word} prints one thing: write {word} job (found {what})")
        flags.add(_FLAGS[word])
    return flags, words


def _help() -> str:
    from rlstack.config.choices import GROUPS, choices
    from rlstack.plugins import env_names

    named = {group: ", ".join(n for n in choices(group) if n != "hf") for group in GROUPS}
    return _HELP.format(**named, env=", ".join(env_names()))


if __name__ == "__main__":
    leave(guarded(main, sys.argv[1:]))
