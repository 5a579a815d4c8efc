"""Collections in the background: order, errors, and an end before their own."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from rlstack.config.compose import compose
from rlstack.data.batch import Batch
from rlstack.data.stream import Position
from rlstack.errors import ConfigError, EngineError, MismatchError
from rlstack.stages.ahead import Ahead
from rlstack.stages.collect import check_versions
from rlstack.stages.gather import Gathered, recalled, remembered
from rlstack.stages.records import group_row, read_groups
from rlstack.stages.rl_batch import sampled_logprobs
from rlstack.stages.rl_metrics import of_gap
from rlstack.types import Group, Prompt, Sample, Score


def _gathered(name: str) -> Gathered:
    return Gathered((), (), Position(next={name: 1}), 1, 0.0, 0.0)


START = Position()


def test_a_step_is_collected_once_whether_begun_before_or_not():
    seen: list[tuple[int, Position]] = []

    def collect(step: int, position: Position) -> Gathered:
        seen.append((step, position))
        return _gathered(f"collected {step}")

    with Ahead(collect, lambda: None) as ahead:
        first = ahead.take(0, START)
        assert first == _gathered("collected 0")
        assert ahead.settle() is None
        ahead.begin(1, first.position)
        assert ahead.settle() == _gathered("collected 1")
        assert ahead.take(1, START) == _gathered("collected 1")
        ahead.put(2, _gathered("from disk"))
        assert ahead.settle() == ahead.take(2, START) == _gathered("from disk")
        ahead.begin(4, START)
        ahead.begin(4, first.position)  # it is under way
        ahead.put(3, _gathered("the step before"))
        assert ahead.take(3, START) == _gathered("the step before")
        assert ahead.settle() == _gathered("collected 4")
    assert seen == [(0, START), (1, first.position), (4, START)]


def test_it_works_while_the_driver_does_and_counts_only_the_waiting():
    def collect(step: int, position: Position) -> Gathered:
        time.sleep(0.2)
        return _gathered("slow")

    with Ahead(collect, lambda: None) as ahead:
        ahead.begin(0, START)
        time.sleep(0.4)
        ahead.take(0, START)
        assert ahead.waited() < 0.1
        ahead.take(1, START)
        assert 0.15 < ahead.waited() < 2.0
        assert ahead.waited() == 0.0


@pytest.mark.parametrize("wait", ["take", "settle"])
def test_an_error_of_the_collection_reaches_the_driver(wait):
    def collect(step: int, position: Position) -> Gathered:
        raise EngineError("engine 0 died")

    with Ahead(collect, lambda: None) as ahead:
        ahead.begin(3, START)
        with pytest.raises(EngineError, match="engine 0 died"):
            ahead.take(3, START) if wait == "take" else ahead.settle()


def test_leaving_early_stops_the_collection_and_keeps_the_first_error():
    stopped = threading.Event()
    ended = threading.Event()

    def collect(step: int, position: Position) -> Gathered:
        stopped.wait(30)
        ended.set()
        raise EngineError("given up")

    def leave(ahead: Ahead) -> None:
        with ahead:
            ahead.begin(0, START)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave(Ahead(collect, stopped.set))
    assert ended.is_set()


def test_sealed_rollouts_come_back_as_they_were_gathered(tmp_path):
    made = tuple(replace(_group(3, 3), prompt=Prompt(name, "math", 0, (), {})) for name in "abc")
    gathered = Gathered((made[2], made[0]), made, Position(next={"math": 9}), 2, 1.5, 0.5)
    file = tmp_path / "step.jsonl"
    file.write_text("".join(json.dumps(group_row(g, 4)) + "\n" for g in made))
    state = json.loads(json.dumps(remembered(gathered)))
    found = recalled(read_groups(file), state)
    assert [g.prompt.id for g in found.groups_P] == ["c", "a"]
    assert (found.position, found.rounds) == (gathered.position, 2)
    for ours, theirs in zip(found.made_P, made, strict=True):
        assert (ours.prompt, ours.scores_G, ours.credits_G) == (theirs.prompt, theirs.scores_G, theirs.credits_G)
        for a, b in zip(ours.samples_G, theirs.samples_G, strict=True):
            assert a.to_json() == b.to_json()
            assert a.logprobs.tobytes() == b.logprobs.tobytes()


def _group(*versions: int) -> Group:
    samples = tuple(
        Sample(
            "p", "math", i, np.arange(2, dtype=np.int32), np.arange(3, dtype=np.int32),
            np.full(3, -1.0 - i, np.float32), np.ones(3, np.bool_), "stop", version, "",
        )
        for i, version in enumerate(versions)
    )  # fmt: skip
    return Group(Prompt("p", "math", 0, (), {}), samples, (Score(),) * len(samples))


@pytest.mark.parametrize(
    ("versions", "step", "ahead", "allowed"),
    [
        ((4, 4), 4, 0, True), ((3, 4), 4, 0, False), ((5,), 4, 0, False), ((3, 4), 4, 1, True), ((2, 3), 4, 1, False),
        ((0,), 0, 1, True), ((0,), 1, 1, True), ((1,), 0, 1, False),
    ],
)  # fmt: skip
def test_samples_of_other_weights_than_allowed_are_refused(versions, step, ahead, allowed):
    if allowed:
        check_versions([_group(*versions)], step, ahead)
        return
    with pytest.raises(MismatchError, match="weight version"):
        check_versions([_group(*versions)], step, ahead)


def _batch(group: Group) -> Batch:
    length, n = 5, len(group.samples_G)
    trained = np.tile([False, False, True, True, True], n)
    engine = np.concatenate([np.r_[0.0, 0.0, s.logprobs] for s in group.samples_G]).astype(np.float32)
    zeros = np.zeros(length * n, np.float32)
    return Batch(
        zeros.astype(np.int32), np.full(n, length), np.full(n, 2), trained, engine, zeros, zeros + 1, float(3 * n)
    )


def test_the_gap_is_of_equal_weights_only_and_movement_is_reported_apart():
    group = _group(3, 4)
    batch = _batch(group)
    learner = np.where(batch.trained_N, batch.engine_logprobs_N, np.nan).astype(np.float32)
    learner[2:5] += 0.5  # the sample of version 3
    found = of_gap(batch, group.samples_G, learner, version=4)
    assert (found["gap/mean_error"], found["gap/max"], found["gap/math"]) == (1.0, 0.0, 1.0)
    assert found["stale/max"] == pytest.approx(0.5)
    assert found["stale/mean_error"] == pytest.approx(np.exp(0.5))
    assert (found["stale/share"], found["stale/age"]) == (0.5, 1.0)
    assert (found["gap/kl_k1"], found["gap/kl_k3"]) == (0.0, 0.0)
    assert found["stale/kl_k1"] == pytest.approx(-0.5)  # the learner finds the samples likelier
    assert found["stale/kl_k3"] == pytest.approx(np.exp(0.5) - 1.5)
    assert "stale/max" not in of_gap(batch, group.samples_G[1:] * 2, learner, version=4)
    assert "gap/max" not in of_gap(batch, group.samples_G[:1] * 2, learner, version=4)


def test_the_ratio_is_against_the_engine_where_no_correction_accounts_for_its_age():
    batch = _batch(_group(0))
    words = ["recipe=multidomain", "cluster=cpu"]
    stages = {
        name: compose([*words, *more]).stages["multidomain"]
        for name, more in {
            "synchronous": [],
            "ahead": ["stages.multidomain.ahead=1"],
            "corrected": ["stages.multidomain.ahead=1", "stages.multidomain.loss.correction=token"],
        }.items()
    }
    assert sampled_logprobs(stages["synchronous"], batch) is None
    assert sampled_logprobs(stages["ahead"], batch) is batch.engine_logprobs_N
    assert sampled_logprobs(stages["corrected"], batch) is None


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["stages.multidomain.loss.kind=reinforce", "cluster=cpu"], "stages.multidomain.loss.correction"),
        (["cluster=gpu"], "stages.multidomain.ahead"),
        (["stages.multidomain.ahead=2", "cluster=cpu"], "stages.multidomain.ahead"),
    ],
)
def test_what_cannot_run_ahead_is_refused(words, key):
    with pytest.raises(ConfigError, match=key):
        compose(["recipe=multidomain", "stages.multidomain.ahead=1", *words])
