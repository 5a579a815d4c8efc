"""Checks of engine against learner: the same log-probs, the same weights, and an alarm when they are not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from rlstack.errors import MismatchError
from rlstack.grpo.mismatch import Gap, alarm, gap
from rlstack.types import Sample
from rlstack.verify.material import Material, material
from rlstack.verify.report import Check
from rlstack.verify.size import TINY_RATE
from rlstack.verify.subject import Subject

_SHARES = (0.01, 0.03, 0.1, 0.3)  # by which weights are off until the guard on log-probs fires
_FAR = 0.1  # share by which weights are moved so that a tensor that was not sent shows
_MOVED = 0.99  # share of weights
_STEP_ERROR = 0.05  # float32 rounds a step of 3e-7 on a weight of 1 to 2 or 3 units in the last place


def gap_of(subject: Subject, samples: Sequence[Sample]) -> Gap:
    """Engine's log-probs of its samples against the learner's under its present weights."""
    batch = (step := _step(subject, samples)).batch
    found_N = subject.learners.logprobs(batch, step.shared(subject.cluster.learners), subject.temperature)
    return gap(found_N, batch.engine_logprobs_N, batch.trained_N)


def _step(subject: Subject, samples: Sequence[Sample]) -> Material:
    return material(samples, subject.stage, subject.cluster.micro_tokens)


def synced(subject: Subject, version: int, name: str, claim: str) -> Check:
    """Sends the learner's weights; the sync itself compares the fingerprints of both sides."""
    try:
        subject.learners.sync(version, verify=True)
    except MismatchError as error:
        return Check(name, claim, 1.0, 0.0, "exactly", "engines differ", str(error))
    found = subject.fingerprints()
    return Check(name, claim, 0.0, 0.0, "exactly", "engines differ", f"{found[0]:016x} on {len(found)} engine(s)")


def temperature(subject: Subject, samples: Sequence[Sample]) -> Iterator[Check]:
    found = gap_of(subject, samples)
    yield Check(
        "engine_gap",
        f"engine and learner agree on sampled tokens at temperature {subject.temperature:g}",
        found.mean_error - 1.0,
        subject.tolerance.engine,
        unit="mean error of a probability",
        detail=f"largest {found.largest:.2g} nats",
    )


def order(subject: Subject, samples: Sequence[Sample]) -> Iterator[Check]:
    """On an accelerator kernels depend on what else is in the batch, so sums may round otherwise."""
    again = {(s.prompt_id, s.index): s for s in subject.sample("first", backwards=True)}
    other = sum(not np.array_equal(s.completion_ids, again[s.prompt_id, s.index].completion_ids) for s in samples)
    exact = subject.cluster.device == "cpu" and subject.cluster.dtype == "float32"
    yield Check(
        "order",
        "the same requests in another order and on other engines give the same samples",
        other / len(samples),
        0.0 if exact else 1.0,
        "exactly" if exact else "at most",
        unit="of the samples differ",
        detail="" if exact else "for information: kernels of an accelerator depend on the batch around a request",
    )


def alarmed(subject: Subject) -> Iterator[Check]:
    """Weights a little away go to the engine, the learner returns to its own: the alarms must see it. Needs `keep`.

    The fingerprint sees 1 % of any model in any type. How much the log-probs of sampled tokens feel depends on the
    model (those of an untrained one hardly move), and in bfloat16 1 % is little more than rounding, so for the guard
    the least share is looked for at which it fires.
    """
    right = subject.fingerprints()
    limit = subject.stage.guard.limit(subject.cluster.dtype)
    readings: dict[float, float] = {}
    wrong: list[int] = []
    for version, share in enumerate(_SHARES, 1):
        readings[share] = _reading(subject, share, version)
        wrong = wrong or subject.fingerprints()
        if alarm(readings[share], limit):
            break
    yield Check(
        "alarm_fingerprint",
        "an engine whose weights are 1 % off has another fingerprint",
        float(sum(a == b for a, b in zip(right, wrong, strict=True))),
        0.0,
        "exactly",
        "engines unnoticed",
    )
    yield Check(
        "alarm_guard",
        "and one whose weights are farther off stops the run by its log-probs (guard.max_mismatch)",
        next((share for share, reading in readings.items() if alarm(reading, limit)), math.inf),
        _SHARES[-1],
        unit="of each weight",
        detail=f"above {limit:g} it fires; " + ", ".join(f"{s:.0%} off: {r:.4f}" for s, r in readings.items()),
    )


def _reading(subject: Subject, share: float, version: int) -> float:
    """What the guard reads when the engine's weights are off by `share`."""
    subject.learners.probe("restore")
    subject.learners.probe("perturb", share, 2)
    subject.learners.sync(version, verify=True)
    subject.learners.probe("restore")
    return gap_of(subject, subject.sample("alarm")).mean_error


def tiny_rate(subject: Subject, step: Material) -> Iterator[Check]:
    """The first step of a fresh optimizer, at a rate that bfloat16 weights would swallow. Needs `keep`."""
    subject.learners.probe("restore")
    plan = step.shared(subject.cluster.learners)
    found = subject.learners.probe("movement", subject.objective, batch=step.batch, plan=plan)
    felt, moved = sum(m.felt for m in found), sum(m.moved for m in found)
    error, expected = sum(m.error for m in found), sum(m.expected for m in found)
    claim = f"a learning rate of {TINY_RATE:g} moves the weights"
    yield Check("tiny_rate_moves", claim, moved / felt if felt else 0.0, _MOVED, "at least", "of those with a gradient")
    yield Check(
        "tiny_rate_step", "by the step that float64 computes", (error / expected) ** 0.5 if expected else float("nan"),
        _STEP_ERROR, unit="of its norm",
    )  # fmt: skip


def new_weights(subject: Subject) -> Iterator[Check]:
    """Weights far from the old ones: a tensor that was not sent, or a tied head that kept its copy, shows."""
    subject.learners.probe("perturb", _FAR, 3)
    yield synced(
        subject, len(_SHARES) + 1, "fingerprint_new", "after a sync of changed weights both sides hold the same"
    )
    found = gap_of(subject, subject.sample("new"))
    yield Check(
        "tied_head",
        "engine and learner agree after it, output embedding included",
        found.mean_error - 1.0,
        subject.tolerance.engine,
        unit="mean error of a probability",
        detail=f"largest {found.largest:.2g} nats",
    )
