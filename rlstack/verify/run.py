"""All checks in an order in which each finds the weights it needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rlstack.config.run import RunConfig
from rlstack.verify import agreement, cutting
from rlstack.verify.material import material
from rlstack.verify.report import Check, Report
from rlstack.verify.size import Size
from rlstack.verify.subject import Subject, open_subject
from rlstack.view.display import Display


def verify(
    config: RunConfig, model: Path, size: Size, folder: Path, display: Display, on_check: Callable[[Check], None]
) -> Report:
    """Starts engines and learners in the open session and runs every check; `on_check` hears of each at once.

    Raises RlstackError when something cannot be started or dies; a check that fails is data, not an error.
    """
    started, checks = time.monotonic(), []
    with open_subject(config, model, size, folder, display) as subject:
        ready = time.monotonic()
        for check in _checks(subject, display):
            checks.append(check)
            on_check(check)
        setting = _setting(subject)
    facts = {"start_seconds": round(ready - started, 1)}
    return Report(config.model.name, config.cluster.name, setting, checks, time.monotonic() - started, facts)


def _checks(subject: Subject, display: Display) -> Iterator[Check]:
    display.phase("syncing weights")
    yield agreement.synced(subject, 0, "fingerprint", "after a sync engine and learner hold the same weights")
    display.phase("sampling")
    samples = subject.sample("first")
    step = material(samples, subject.stage, subject.cluster.micro_tokens)
    display.phase("engine against learner")
    yield from agreement.temperature(subject, samples)
    yield from agreement.order(subject, samples)
    display.phase("packing")
    yield from cutting.logprobs(subject, step)
    display.phase("leaks between documents")
    yield from cutting.leaks(subject, step)
    display.phase("the first update")
    yield from cutting.first_update(subject, step)
    display.phase("gradients")
    yield from cutting.gradients(subject, step)
    display.phase("weights that are off")
    yield from agreement.alarmed(subject)
    display.phase("a tiny learning rate")
    yield from agreement.tiny_rate(subject, step)
    display.phase("new weights")
    yield from agreement.new_weights(subject)


def _setting(subject: Subject) -> str:
    cluster, size = subject.cluster, subject.size
    kl = f"KL {subject.stage.kl.beta:g} x {subject.stage.kl.estimator}" if subject.stage.kl.beta else "no KL"
    return (
        f"{cluster.engines} engine(s), {cluster.learners} learner rank(s), {cluster.dtype} on {cluster.device}; "
        f"{len(subject.prompts)} prompts x {size.samples} samples of up to {size.tokens} tokens at temperature "
        f"{subject.temperature:g}; loss {subject.stage.loss.kind}, {kl}"
    )
