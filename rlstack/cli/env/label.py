"""`rlstack env label NAME`: known or unknown by a policy's own pass rate, as rows to train on."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rlstack.authoring.rejudge import saved_stages
from rlstack.authoring.subject import Subject, open_subject
from rlstack.authoring.trial import answer_all
from rlstack.cli.env import attempt, model
from rlstack.cli.progress import progress
from rlstack.data.prompts import data_rows, draw
from rlstack.data.tables import read
from rlstack.envs.calibration.labels import labelled
from rlstack.errors import ConfigError, RunDirError

_REWARD = "calibration"  # which knows right, wrong and abstained apart
_PROMPTS = 256


def main(argv: list[str]) -> int:
    """Writes the rows and says how many are of which kind."""
    options = _parser().parse_args(argv)
    asks = model.is_asked(options)
    if bool(options.rollouts) == asks:
        raise ConfigError("whose answers? give one of --rollouts RUN, --model NAME and --endpoint URL")
    if options.rollouts and options.data:
        raise ConfigError("--rollouts holds its own questions: --data goes with --model or --endpoint")
    subject = open_subject(options.env, options.data)
    if _REWARD not in subject.env.rewards:
        raise ConfigError(
            f"env '{subject.name}' is not judged by the reward {_REWARD}: nothing in it is known or unknown"
        )
    groups = _sampled(subject, options) if asks else _saved(subject.name, options)
    try:
        rows = labelled(groups, options.known)
    except (KeyError, TypeError) as error:
        raise ConfigError(f"{options.rollouts}: no rollouts judged by {_REWARD} ({error!r})") from error
    if not rows:
        raise ConfigError(f"{options.rollouts or options.env}: no judged answer to a prompt of env '{subject.name}'")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    sys.stdout.write(_summary(rows, subject.name, options))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rlstack env label",
        description="Label the questions of an env as known or unknown by how often a policy answers them rightly, and "
        "write them as rows for envs.NAME.data=FILE: what it does not know counts as unanswerable there, so that "
        "saying so pays.",
    )
    parser.add_argument("env", help=f"name, or folder, of an env that is judged by the reward {_REWARD}")
    parser.add_argument(
        "--rollouts", type=Path, metavar="RUN", help="a run directory, a file of its rollouts, or of env try --json"
    )
    parser.add_argument("--stage", action="append", default=[], metavar="NAME", help="of the run; may be repeated")
    parser.add_argument("--from-step", type=int, default=1, metavar="N", help="of the run (default: all steps)")
    parser.add_argument("--known", type=_share, default=0.5, metavar="RATE", help="least pass rate of what is known")
    parser.add_argument("--out", type=Path, default=Path("labelled.jsonl"), metavar="FILE", help="default: %(default)s")
    asked = parser.add_argument_group("questions, when a model answers")
    asked.add_argument("--data", metavar="SOURCE", help="a file, folder or hub id in place of the generator")
    asked.add_argument("--split", choices=("train", "eval"), default="train")
    asked.add_argument("--level", type=int, default=0, help="of the generator (default: %(default)s)")
    asked.add_argument("--prompts", type=int, default=_PROMPTS, metavar="N", help="at most (default: %(default)s)")
    asked.add_argument("--samples", type=int, default=8, metavar="G", help="of each prompt (default: %(default)s)")
    model.add_options(parser, temperature=1.0)
    return parser


def _saved(env: str, options: argparse.Namespace) -> Iterator[Mapping[str, Any]]:
    """The groups of an env in saved rollouts; evaluations are left out, since their prompts are held out."""
    path: Path = options.rollouts
    if path.is_dir():
        stages = saved_stages(path, options.stage)
        files = [file for stage in stages for file in stage.files if file.parent.name == "rollouts"]
    elif path.is_file():
        files = [path]
    else:
        raise RunDirError(f"{path} is neither a run directory nor a file of rollouts")
    for placed in (placed for file in files for placed in read(str(file))):
        group = placed.record
        if not isinstance(group.get("prompt"), Mapping):
            raise ConfigError(f"{placed.where} is neither a row of rollouts nor of env try --json")
        if group.get("answered_by") == attempt.GOLD:
            raise ConfigError(f"{placed.where}: these are gold answers; env try needs --model to show what it knows")
        if group["prompt"].get("env") == env and group.get("step", options.from_step) >= options.from_step:
            yield group


def _sampled(subject: Subject, options: argparse.Namespace) -> list[Mapping[str, Any]]:
    env, n = subject.env, options.prompts
    if not 0 <= options.level < env.levels:
        raise ConfigError(f"--level {options.level}: '{env.name}' has levels 0 to {env.levels - 1}")
    if n < 1 or options.samples < 1:
        raise ConfigError("--prompts and --samples are at least 1")
    if env.generate is None:
        n = min(n, len(data_rows(env, options.split)))
    drawn = [draw(env, options.split, i, options.level, options.seed)[0] for i in range(n)]
    prompts = tuple({prompt.id: prompt for prompt in drawn}.values())
    with progress("loading"):
        sampler = model.sampler(options, options.env)
    with subject.pool() as pool, progress("answers", len(prompts) * options.samples) as advance:
        trials = answer_all(env, prompts, options.samples, sampler, pool, advance)
    return [trial.to_json() for trial in trials]


def _summary(rows: list[dict[str, Any]], env: str, options: argparse.Namespace) -> str:
    known = sum(row["data"]["answerable"] for row in rows)
    without = sum(not row["data"]["answers"] for row in rows)
    lines = [
        f"{len(rows)} questions: {known} known (right in at least {options.known:.0%} of the answers), "
        f"{len(rows) - known - without} unknown, {without} without an answer",
        f"wrote {options.out}; train with envs.{env}.data={options.out}",
    ]
    if known in (0, len(rows)):
        habit = "always answering" if known else "always abstaining"
        lines.append(f"one kind only, over which {habit} is best: add rows of the other kind before training")
    return "\n".join(lines) + "\n"


def _share(text: str) -> float:
    if not 0.0 < float(text) <= 1.0:
        raise argparse.ArgumentTypeError(f"{text} is no share above 0 and at most 1")
    return float(text)
