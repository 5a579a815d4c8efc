"""The pool's verdict and a scalar model's opinion as one score."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import pytest

from rlstack.api import Response
from rlstack.config.rl import ScoringConfig
from rlstack.errors import DeadlineError, ScoringError
from rlstack.scoring import ScoringPool
from rlstack.scoring.judges import Judges, by_rule
from rlstack.types import Message

pytestmark = pytest.mark.process

REWARDS = {
    "plain": {"exact": 1.0},
    "mixed": {"exact": 1.0, "reward_model": 0.5},
    "taste": {"reward_model": 2.0},
}
DATA = {"answer": "yes"}
QUESTION: Message = {"role": "user", "content": "Well?"}


class Lengths:
    """Scores a conversation by the length of its last turn; answers when told to."""

    def __init__(self, at_once: bool = True) -> None:
        self.at_once = at_once
        self.asked: list[tuple[Future[list[float]], list[float]]] = []

    def submit(self, conversations: Sequence[Sequence[Message]]) -> Future[list[float]]:
        assert all(talk[0] == QUESTION and talk[-1]["role"] == "assistant" for talk in conversations)
        future: Future[list[float]] = Future()
        self.asked.append((future, [float(len(talk[-1]["content"])) for talk in conversations]))
        if self.at_once:
            self.answer()
        return future

    def answer(self) -> None:
        for future, values in self.asked:
            if not future.done():
                future.set_result(values)


@pytest.fixture(scope="module")
def pool() -> Iterator[ScoringPool]:
    with ScoringPool(by_rule(REWARDS), ScoringConfig()) as pool:
        yield pool


def answers(*texts: str) -> list[Response]:
    return [Response(text, messages=(QUESTION,)) for text in texts]


def test_the_pools_part() -> None:
    assert by_rule(REWARDS) == {"plain": {"exact": 1.0}, "mixed": {"exact": 1.0}}


@pytest.mark.parametrize("at_once", [True, False])
def test_values_add_up(pool: ScoringPool, at_once: bool) -> None:
    model = Lengths(at_once)
    judges = Judges(pool, REWARDS, model)
    futures = [judges.submit(env, answers("yes", "no!!", "<think>hm</think>yes"), DATA) for env in REWARDS]
    model.answer()
    plain, mixed, taste = judges.collect(futures, 20)
    assert [s.value for s in plain] == [1.0, 0.0, 1.0]
    assert [s.value for s in mixed] == [1 + 0.5 * 3, 0.5 * 4, 1 + 0.5 * 3]
    assert [s.value for s in taste] == [6.0, 8.0, 6.0]
    assert mixed[0].components == {"exact": 1.0, "reward_model": 3.0}
    assert taste[0].components == {"reward_model": 3.0}
    assert len(model.asked) == 2  # the first env has no use for it


def test_what_the_pool_cannot_judge_stays_so(pool: ScoringPool) -> None:
    (score,) = Judges(pool, REWARDS, Lengths()).submit("mixed", answers("yes"), {}).result(20)
    assert (score.status, score.value) == ("invalid", 0.0)
    assert score.components["reward_model"] == 3.0


@pytest.mark.parametrize("scalar", [math.nan, math.inf])
def test_a_scalar_that_is_not_finite_is_an_error(pool: ScoringPool, scalar: float) -> None:
    class Broken(Lengths):
        def answer(self) -> None:
            self.asked[-1][0].set_result([scalar, 1.0])

    first, second = Judges(pool, REWARDS, Broken()).submit("mixed", answers("yes", "no"), DATA).result(20)
    assert (first.status, first.value) == ("error", 0.0)
    assert (second.status, second.value) == ("ok", 0.5)


def test_a_failing_model_ends_the_step(pool: ScoringPool) -> None:
    class Lost(Lengths):
        def answer(self) -> None:
            self.asked[-1][0].set_exception(RuntimeError("out of memory"))

    for env in ("mixed", "taste"):
        with pytest.raises(ScoringError, match="the reward model failed: out of memory"):
            Judges(pool, REWARDS, Lost()).submit(env, answers("yes"), DATA).result(20)


def test_a_model_that_never_answers_meets_the_deadline(pool: ScoringPool) -> None:
    judges = Judges(pool, REWARDS, Lengths(at_once=False))
    with pytest.raises(DeadlineError):
        judges.collect([judges.submit("mixed", answers("yes"), DATA)], 0.2)


def test_an_env_that_asks_for_a_model_needs_one(pool: ScoringPool) -> None:
    with pytest.raises(ScoringError, match=r"env 'mixed' names the reward reward_model.*scoring.reward_model="):
        Judges(pool, REWARDS)
    assert Judges(pool, {"plain": {"exact": 1.0}}).submit("plain", answers("yes"), DATA).result(20)[0].value == 1.0


def test_a_pool_without_a_rule_still_runs() -> None:
    rewards = {"taste": {"reward_model": 1.0}}
    with ScoringPool(by_rule(rewards), ScoringConfig()) as empty:
        assert empty.verifiable("taste") == {}
        (score,) = Judges(empty, rewards, Lengths()).submit("taste", answers("four"), {}).result(5)
    assert score.value == 4.0
