"""`rlstack env try NAME`."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from rlstack import faults
from rlstack.api import Response, Row
from rlstack.authoring.subject import Subject, open_subject
from rlstack.authoring.trial import Trial, answer_all
from rlstack.cli.env import model
from rlstack.cli.progress import progress
from rlstack.cli.quantities import whole
from rlstack.data.prompts import draft, draw
from rlstack.errors import ConfigError
from rlstack.types import Prompt, Score

GOLD = "gold answers"  # who answers where no model is named
_DRAWING_S = 60.0  # a generator may not end
_WIDTH = 2000  # characters of a text that are shown
Drawn = tuple[Prompt, Row]


def main(argv: list[str]) -> int:
    """Shows rows, and a model's answers where one is named."""
    options = _parser().parse_args(argv)
    asks = model.is_asked(options)
    subject = open_subject(options.env, options.data)
    env = subject.env
    if options.level is not None and not 0 <= options.level < env.levels:
        raise ConfigError(f"--level {options.level}: '{env.name}' has levels 0 to {env.levels - 1}")
    levels = [options.level] * options.n if options.level is not None else [
        i * env.levels // options.n for i in range(options.n)
    ]  # fmt: skip
    with faults.limited(_DRAWING_S, f"env '{env.name}': generating {options.n} prompts"):
        drawn = [draw(env, options.split, i, level, options.seed) for i, level in enumerate(levels)]
    trials = _answered(subject, drawn, options) if asks else _golden(subject, drawn)
    who = model.label(options) if asks else GOLD
    if options.json:
        for (_, row), trial in zip(drawn, trials, strict=True):
            sys.stdout.write(json.dumps({**trial.to_json(), "gold": row.gold, "answered_by": who}) + "\n")
        return 0
    for number, ((_, row), trial) in enumerate(zip(drawn, trials, strict=True), 1):
        written = draft(env, trial.prompt, row, options.seed) if env.draft and not asks else None
        sys.stdout.write(_shown(number, row, trial, written, asks))
    sys.stdout.write(_summary(trials, who))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rlstack env try",
        description="Show prompts with their gold answers; with --model or --endpoint, what a model answers and earns.",
    )
    parser.add_argument("env", help="name, or folder")
    parser.add_argument("--data", metavar="SOURCE", help="a file, folder or hub id in place of the generator")
    parser.add_argument("-n", type=whole, default=4, help="prompts (default: %(default)s)")
    parser.add_argument("--level", type=int, help="default: all levels in turn")
    parser.add_argument("--split", choices=("train", "eval"), default="train")
    parser.add_argument("--samples", type=whole, default=1, help="answers to each prompt (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object per prompt")
    model.add_options(parser, temperature=1.0)
    return parser


def _answered(subject: Subject, drawn: Sequence[Drawn], options: argparse.Namespace) -> list[Trial]:
    with progress("loading"):
        sampler = model.sampler(options, options.env)
    prompts = [prompt for prompt, _ in drawn]
    with subject.pool() as pool, progress("answers", len(drawn) * options.samples) as advance:
        return answer_all(subject.env, prompts, options.samples, sampler, pool, advance)


def _golden(subject: Subject, drawn: Sequence[Drawn]) -> list[Trial]:
    """The gold answers as if a model had given them; no answer where a data set has none."""
    with subject.pool() as pool:
        found = []
        for prompt, row in drawn:
            answers = (Response(row.gold, messages=prompt.messages),) if row.gold else ()
            scores = pool.judge(subject.name, answers, prompt.data) if answers else ()
            found.append(Trial(prompt, answers, scores))
        return found


def _shown(number: int, row: Row, trial: Trial, written: str | None, asked: bool) -> str:
    prompt = trial.prompt
    lines = [f"{number}  level {prompt.level}  {prompt.id}"]
    lines += [_field(message["role"], message["content"]) for message in prompt.messages]
    lines.append(_field("data", json.dumps(dict(prompt.data), ensure_ascii=False)))
    grade = f"   → {_grade(trial.scores_G[0])}" if row.gold and not asked else ""
    lines.append(_field("gold", (row.gold or "none is known") + grade))
    if written is not None:
        lines.append(_field("draft", written))
    for response, score in zip(trial.responses_G, trial.scores_G, strict=True) if asked else ():
        turns = response.messages[len(prompt.messages) :]
        lines += [_field("answer" if turn["role"] == "assistant" else turn["role"], turn["content"]) for turn in turns]
        cut = " (cut off by --max-tokens)" if response.finish_reason == "length" else ""
        lines += [_field("answer", response.text + cut), _field("", f"→ {_grade(score)}")]
    return "\n".join(lines) + "\n\n"


def _field(name: str, text: str) -> str:
    shown = text if len(text) <= _WIDTH else f"{text[:_WIDTH]} … ({len(text):,} characters)"
    shown = "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in shown)
    return f"   {name:<10}" + shown.replace("\n", "\n             ")


def _grade(score: Score) -> str:
    parts = "".join(f" {name}={value:.2f}" for name, value in score.components.items() if "/" in name)
    value = f"{score.value:.2f}" if score.status == "ok" else score.status
    return f"{value}{parts}  {score.detail}".rstrip()


def _summary(trials: Sequence[Trial], who: str) -> str:
    statuses: Counter[Any] = Counter(score.status for trial in trials for score in trial.scores_G)
    values = [score.value for trial in trials for score in trial.judged_G]
    without = sum(not trial.scores_G for trial in trials)
    if without == len(trials):
        return f"{who}: no gold in these rows, so nothing is judged; name a --model to see its answers\n"
    mean = f"mean score {fmean(values):.3f} of {len(values)}" if values else "nothing could be judged"
    others = "".join(f", {count} {status}" for status, count in sorted(statuses.items()) if status != "ok")
    return f"{who}: {mean}{others}{f', {without} rows without a gold' if without else ''}\n"
