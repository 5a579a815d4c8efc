"""Waits end: with the result, with the member's own error, or at the deadline with its stack."""

from __future__ import annotations

import os
import time

import pytest

os.environ["RAY_AUTH_MODE"] = "token"  # before ray is imported

from rlstack.cluster.actors import _own_log
from rlstack.cluster.session import session
from rlstack.cluster.waiting import Member, await_all
from rlstack.config.cluster import ClusterConfig
from rlstack.errors import DeadlineError, LearnerError, MismatchError

pytestmark = pytest.mark.e2e


class _Member:
    def __init__(self, log: str) -> None:
        _own_log(log)

    def pid(self) -> int:
        return os.getpid()

    def answer(self, value: int) -> int:
        return value

    def sleep_on_it(self) -> None:
        time.sleep(60)

    def own_error(self) -> None:
        raise MismatchError("the weights differ")

    def defect(self) -> None:
        raise ZeroDivisionError("oh")

    def die(self) -> None:
        print("famous last words", flush=True)
        os._exit(7)


@pytest.fixture(scope="module")
def ray_session():
    with session(ClusterConfig(name="cpu", device="cpu", engines=1, learners=1)):
        import ray

        yield ray


@pytest.fixture
def members(ray_session, tmp_path):
    actor = ray_session.remote(_Member).options(num_cpus=0)
    logs = [tmp_path / f"{i}.log" for i in range(2)]
    handles = [actor.remote(str(log)) for log in logs]
    pids = ray_session.get([h.pid.remote() for h in handles], timeout=60)
    made = [Member(h, f"learner {i}", logs[i], pids[i]) for i, h in enumerate(handles)]
    yield made
    for handle in handles:
        ray_session.kill(handle)


def _await(refs, members, seconds=30.0):
    return await_all(refs, members, seconds=seconds, what="update 3", error=LearnerError)


def test_results_come_in_order(members):
    assert _await([m.handle.answer.remote(i) for i, m in enumerate(members)], members) == [0, 1]


def test_at_the_deadline_the_late_member_shows_what_it_was_doing(members):
    refs = [members[0].handle.answer.remote(1), members[1].handle.sleep_on_it.remote()]
    with pytest.raises(DeadlineError) as caught:
        _await(refs, members, seconds=1.0)
    message = str(caught.value)
    assert "update 3: the driver waited 1 s for learner 1" in message
    assert "sleep_on_it" in message
    assert "learner 0" not in message


def test_an_error_of_the_library_passes_as_it_is_and_at_once(members):
    refs = [members[0].handle.sleep_on_it.remote(), members[1].handle.own_error.remote()]
    started = time.monotonic()
    with pytest.raises(MismatchError, match="the weights differ"):
        _await(refs, members)
    assert time.monotonic() - started < 20


def test_a_defect_names_the_member_and_keeps_its_traceback(members):
    with pytest.raises(LearnerError, match=r"learner 1 failed while update 3: ZeroDivisionError"):
        _await([members[0].handle.answer.remote(1), members[1].handle.defect.remote()], members)


def test_a_death_shows_the_end_of_the_log(members):
    with pytest.raises(LearnerError) as caught:
        _await([members[0].handle.answer.remote(1), members[1].handle.die.remote()], members)
    assert "learner 1 died while update 3" in str(caught.value)
    assert "famous last words" in str(caught.value)
