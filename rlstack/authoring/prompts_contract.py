"""What an environment's prompts owe: the same everywhere, fair splits, plain data, levels that differ."""

from __future__ import annotations

import json
import pickle
import random
import statistics
from collections.abc import Callable, Sequence
from time import perf_counter

from rlstack import faults
from rlstack.api import Env, Row
from rlstack.authoring import replay
from rlstack.authoring.report import Finding, failed, noted, passed
from rlstack.authoring.subject import Subject, stream
from rlstack.data.prompts import data_rows, draft, draw, eval_prompts, generated, prompt_id, row_problem
from rlstack.types import Prompt

FORMS = 100  # prompts of a level among which repetitions are counted
HELD_OUT = 40
_FEWEST_DISTINCT = 0.5
_SHARED_LEVELS = 0.5
_TINY_PROMPT, _TINY_ANSWER = 100, 64  # characters that the tiny base was made for
_SHOWN = 120
_LONGEST_S = 20.0  # to draw the first prompts of a level


def well_formed(subject: Subject, n: int) -> Finding:
    """Rows are rows, their data are JSON values, and everything survives pickling."""
    rule, env = "data", subject.env
    for level in range(env.levels):
        with faults.limited(_LONGEST_S, f"level {level}: generating {n} prompts"):
            rows = stream(env, level, n)
        for row in rows:
            if problem := row_problem(row):
                return failed(rule, f"level {level}: {problem}", "see the field docs of Row in rlstack.api")
            try:
                same = json.loads(json.dumps(row.data, allow_nan=False)) == row.data
            except (TypeError, ValueError) as error:
                same, row = False, Row(row.messages, {"": str(error)}, row.gold)
            if not same:
                said = f"level {level}: data does not survive JSON: {str(dict(row.data))[:_SHOWN]}"
                return failed(rule, said, "use lists for tuples, text keys, no NaN, no objects, no sets")
            if pickle.loads(pickle.dumps(row)) != row:
                return failed(rule, f"level {level}: a row changes when pickled", "keep plain values in it")
    if problem := _unpicklable(env):
        return failed(rule, problem, "define its functions with def at the top of a module, not as lambda or inside")
    return passed(rule, f"{n * env.levels} rows hold JSON values; rows and ENV can be pickled")


def _unpicklable(env: Env) -> str:
    try:
        pickle.loads(pickle.dumps(env))
    except Exception as error:  # whatever the author's objects raise
        return f"ENV cannot be pickled: {error}"
    return ""


def deterministic(subject: Subject, n: int) -> Finding:
    """Equal ids, data, gold and drafts in this process and in a fresh one that draws in another order."""
    cases = replay.cases(subject.env, n)
    here = [replay.digest(subject.env, case) for case in cases]
    differing = [case for case, a, b in zip(cases, here, replay.replayed(subject, n), strict=True) if a != b]
    if differing:
        level, split, index = differing[0]
        said = (
            f"{len(differing)} of {len(cases)} prompts differ in another process, e.g. level {level}, {split} {index}"
        )
        mend = "take all chance from the rng that is handed in; no clock, no global counter, sort sets before choosing"
        return failed("stable", said, mend)
    return passed("stable", f"{len(cases)} prompts are the same in another process and in another order")


def splits(subject: Subject) -> Finding:
    """Train and eval share no text, and both hold enough of them."""
    env = subject.env
    return _finite_splits(env) if env.generate is None else _endless_splits(env)


def _finite_splits(env: Env) -> Finding:
    train, held_out = ({prompt_id("", row.messages) for row in data_rows(env, s)} for s in ("train", "eval"))
    if both := train & held_out:
        said = f"{len(both)} texts are in rows('train') and in rows('eval')"
        return failed("splits", said, "keep the texts of the two splits apart")
    return passed("splits", f"{len(train)} train and {len(held_out)} eval rows share no text")


def _endless_splits(env: Env) -> Finding:
    shares = []
    for level in range(env.levels):
        texts = {prompt_id("", row.messages) for row in stream(env, level, FORMS)}
        shares.append(len(texts) / FORMS)
        held_out = {prompt_id("", prompt.messages) for prompt in eval_prompts(env, HELD_OUT, level)}
        mend = "vary its wording, names or numbers, so that an evaluation has something unseen to ask"
        if len(held_out) < HELD_OUT:
            return failed("splits", f"level {level} has only {len(held_out)} held-out texts", mend)
        if len(texts) < _FEWEST_DISTINCT * FORMS:
            return failed("splits", f"level {level}: only {len(texts)} of {FORMS} texts are distinct", mend)
        if texts & held_out:  # the text alone decides, so this is a defect of ours
            return failed("splits", f"level {level}: a text is in both splits", "report this")
    return passed("splits", f"train and eval share no text; {min(shares):.0%} of {FORMS} texts are distinct")


def levels_differ(subject: Subject, n: int) -> Finding:
    """No level is another one again: neither the same tasks from the same chance, nor mostly the same texts."""
    env = subject.env
    if env.levels == 1 or env.generate is None:
        return passed("levels", "one level")
    drawn = [[prompt_id("", row.messages) for row in stream(env, level, 4 * n)] for level in range(env.levels)]
    redrawn = [[generated(env, random.Random(i), level).messages for i in range(n)] for level in range(env.levels)]
    for level in range(1, env.levels):
        for lower in range(level):
            shared = len(set(drawn[level]) & set(drawn[lower])) / min(len(set(drawn[level])), len(set(drawn[lower])))
            again = statistics.fmean(a == b for a, b in zip(redrawn[level], redrawn[lower], strict=True))
            if max(shared, again) > _SHARED_LEVELS:
                said = f"{max(shared, again):.0%} of the tasks of level {level} are those of level {lower}"
                return failed("levels", said, "make generate depend on its level, or set levels=1")
    return passed("levels", f"{env.levels} levels with tasks of their own")


def sizes(subject: Subject, n: int) -> Finding:
    """Whether level 0 fits the tiny base, which reads some hundred characters."""
    rows = stream(subject.env, 0, 4 * n)
    asked = max(sum(len(message["content"]) for message in row.messages) for row in rows)
    answered = max(len(row.gold) for row in rows)
    said = f"level 0: prompts up to {asked} characters, gold up to {answered}"
    if asked > _TINY_PROMPT or answered > _TINY_ANSWER:
        mend = f"for model=tiny keep level 0 at {_TINY_PROMPT} and {_TINY_ANSWER}; for larger models ignore this"
        return noted("size", said, mend)
    return passed("size", said)


def speed(env: Env, n: int) -> float:
    """Prompts per second of the slowest level."""
    rates = []
    for level in range(env.levels):
        started = perf_counter()
        for index in range(4 * n):
            draw(env, "train", index, level, 1)
        rates.append(4 * n / max(1e-9, perf_counter() - started))
    return min(rates)


def drafts(subject: Subject, n: int, share: Callable[[Sequence[tuple[Prompt, Row, str]]], list[float]]) -> Finding:
    """Drafts leave the choice open: the gold in a part of them, something unpaid in the rest.

    `share` judges (prompt, row, answer) triples: the parts of the best score.
    """
    env = subject.env
    if env.draft is None:
        mend = "give draft= so that the tiny base can learn the task and RL has something to choose"
        return noted("drafts", "none: supervised tuning would imitate the gold alone", mend)
    written = []
    for level in (0,):
        for index in range(4 * n):
            prompt, row = draw(env, "train", index, level, 2)
            written.append((prompt, row, draft(env, prompt, row, 2)))
    mean = statistics.fmean(value >= 0.99 for value in share(written))
    said = f"{mean:.0%} of the drafts of level 0 earn the full score"
    if not 0.15 <= mean <= 0.75:
        return noted("drafts", said, "write the gold in about two of five, else a habit that the reward does not pay")
    return passed("drafts", said)
