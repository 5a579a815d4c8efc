"""`rlstack verify model=… [cluster=…]`: do the invariances hold for this model, on this cluster?"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from rlstack.config.compose import compose
from rlstack.errors import ConfigError, RlstackError
from rlstack.verify.report import Check, Report

_MARKS = {"pass": "✓", "fail": "✗", "skip": "–"}
_SIDES = {"at most": "≤", "at least": "≥", "exactly": "="}
_DEFAULT = ("recipe=single", "env=math")  # where prompts, loss and KL come from when no recipe is named

_ABOUT = """Checks, on the very engines and learners that a run would start, what training rests on: packing,
sharing prompts, micro-batches and ranks change no gradient; nothing leaks between documents; engine and learner agree
on log-probs and weights, and an alarm fires when they do not; tiny learning rates move weights."""

_EPILOG = """examples
  rlstack verify                                     the tiny base on this machine, about a minute
  rlstack verify model=./my-model cluster=gpu cluster.learners=4
  rlstack verify model=8b recipe=multidomain stages.multidomain.loss.kind=gspo

Words are those of `rlstack run`; prompts, loss and KL come from the first RL stage of the recipe (default:
recipe=single env=math). Exit status: 0 all hold, 1 one does not, 2 the configuration is wrong."""


def main(argv: list[str]) -> int:
    """0 when no check fails, else 1."""
    options = _parser().parse_args(argv)
    if wrong := [word for word in options.words if "=" not in word and not word.startswith("~")]:
        raise ConfigError(f"'{wrong[0]}' is no key=value; for a model write model={wrong[0]}")
    for name in ("prompts", "samples"):
        if getattr(options, name) < 2:
            raise ConfigError(f"--{name} must be at least 2: there is nothing to compare otherwise")
    recipe = () if any(word.startswith("recipe=") for word in options.words) else _DEFAULT
    named = {word.partition("=")[0] for word in options.words}
    config = compose([word for word in recipe if word.partition("=")[0] not in named] + options.words)
    from rlstack.cluster.session import session
    from rlstack.models.source import resolve
    from rlstack.verify.size import Size, rl_stage
    from rlstack.view.display import Display

    size = Size(options.prompts, options.samples, options.tokens)
    rl_stage(config, size)  # refuses a recipe without one before anything is loaded
    model = resolve(config.model)
    folder = Path(tempfile.mkdtemp(prefix="rlstack-verify-"))
    console = Console(stderr=options.json, highlight=False, soft_wrap=True)
    keep = True
    try:
        with Display(console) as display, session(config.cluster):
            from rlstack.verify.run import verify  # imports Ray, which reads its environment then

            say = (lambda _: None) if options.json else (lambda check: display.say(Text(_line(check))))
            report = verify(config, model, size, folder, display, say)
        keep = not report.ok
    except RlstackError as error:
        raise type(error)(f"{error}\nlogs of engines and learners: {folder}") from error
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(json.dumps(report.to_json(), indent=2) + "\n" if options.json else closing(report))
    return 0 if report.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rlstack verify",
        usage="rlstack verify [model=NAME|FOLDER|HUB_ID] [cluster=NAME] [key=value ...] [options]",
        description=_ABOUT,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="*", metavar="key=value", help="as in `rlstack run`")
    parser.add_argument("--prompts", type=int, default=6, help="default: %(default)s")
    parser.add_argument("--samples", type=int, default=4, help="of each prompt (default: %(default)s)")
    parser.add_argument("--tokens", type=int, default=32, help="of the longest answer (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one object instead of the page")
    return parser


def closing(report: Report) -> str:
    """What follows the lines of the checks."""
    counts = {verdict: sum(c.verdict == verdict for c in report.checks) for verdict in _MARKS}
    said = f"{counts['pass']} hold" + (f", {counts['skip']} not measured" if counts["skip"] else "")
    if report.failed:
        said += f", {counts['fail']} DO NOT: {', '.join(c.name for c in report.failed)}"
    return f"\n{report.model} on {report.cluster}: {report.setting}\n{said} ({report.seconds:.0f} s)\n"


def _line(check: Check) -> str:
    sign = _MARKS[check.verdict]
    if check.measured is None:
        return f"{sign} {check.name:<22} {check.claim}: not measured, {check.detail}"
    figure = f"{_number(check.measured)} {_SIDES[check.side]} {_number(check.allowed)} {check.unit}".rstrip()
    detail = f" ({check.detail})" if check.detail else ""
    return f"{sign} {check.name:<22} {check.claim}: {figure}{detail}"


def _number(value: float) -> str:
    return f"{value:g}" if value in (0.0, 1.0) else f"{value:.4g}"
