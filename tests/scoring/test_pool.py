from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rlstack.api import Response
from rlstack.config.rl import ScoringConfig
from rlstack.errors import DeadlineError, PluginError, ScoringError
from rlstack.scoring import ScoringPool

pytestmark = pytest.mark.process

Plugin = Callable[[str, str], str]  # name, source → path

LENGTH = """
from rlstack.api import judged
def score(response, data):
    return judged(len(response.text) / data["best"], "counted", words=len(response.text.split()))
"""
SLEEPY = """
import time
from rlstack.api import judged
DEADLINE_S = 0.3
def score(response, data):
    time.sleep(float(response.text))
    return judged(1.0, "slept")
"""
BROKEN = """
def score(response, data):
    return data["no such key"]
"""
PID = """
import os
from rlstack.api import judged
def score(response, data):
    return judged(os.getpid())
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    def write(name: str, source: str) -> str:
        path = tmp_path / f"{name}.py"
        path.write_text(source)
        return str(path)

    return write


def answers(*texts: str) -> list[Response]:
    return [Response(text) for text in texts]


def open_pool(rewards: Mapping[str, Mapping[str, float]], workers: int = 1, recycle_after: int = 2000) -> ScoringPool:
    return ScoringPool(rewards, ScoringConfig(workers=workers), recycle_after=recycle_after)


def test_groups_are_judged_in_their_own_order(plugin: Plugin) -> None:
    with open_pool({"count": {plugin("letters", LENGTH): 1.0}}, workers=2) as pool:
        futures = [pool.submit("count", answers("a" * n, "", "b" * (n + 1)), {"best": 10}) for n in range(50)]
        scores = pool.collect(futures, 30)
    assert [[round(score.value * 10) for score in group] for group in scores] == [[n, 0, n + 1] for n in range(50)]
    assert scores[3][0].components == {"letters": 0.3, "letters/words": 1.0}
    assert scores[3][0].detail == "counted"


def test_an_env_adds_up_its_weighted_rewards(plugin: Plugin) -> None:
    rewards = {"both": {plugin("letters", LENGTH): 0.5, plugin("tens", LENGTH.replace("/ data", "/ 10 / data")): 2.0}}
    with open_pool(rewards) as pool:
        (score,) = pool.judge("both", answers("abcd"), {"best": 4})
    assert score.value == pytest.approx(0.5 * 1.0 + 2.0 * 0.1)
    assert score.components == {"letters": 1.0, "letters/words": 1.0, "tens": 0.1, "tens/words": 1.0}
    assert score.detail == "letters: counted; tens: counted"


def test_a_failing_reward_makes_the_sum_an_error_not_a_low_score(plugin: Plugin) -> None:
    with open_pool({"both": {plugin("letters", LENGTH): 1.0, plugin("broken", BROKEN): 1.0}}) as pool:
        (score,) = pool.judge("both", answers("abcd"), {"best": 4})
    assert (score.value, score.status) == (0.0, "error")
    assert score.components["letters"] == 1.0
    assert score.detail.startswith("broken: KeyError: 'no such key' at ")
    assert score.detail.endswith("broken.py:3 score")


def test_the_rewards_own_deadline_holds_for_each_call(plugin: Plugin) -> None:
    with open_pool({"slow": {plugin("sleepy", SLEEPY): 1.0}}) as pool:
        begun = time.monotonic()
        scores = pool.judge("slow", answers("0.15", "0.2", "60", "0.18"), {})
        took = time.monotonic() - begun
    assert [score.status for score in scores] == ["ok", "ok", "timeout", "ok"]
    assert scores[2].detail == "killed at its deadline of 0.3 s"
    assert 300 <= scores[2].ms < 500
    assert took < 2.0


def test_the_recipes_deadline_may_be_shorter(plugin: Plugin) -> None:
    rewards = {"slow": {plugin("sleepy", SLEEPY.replace("DEADLINE_S = 0.3", "DEADLINE_S = 9")): 1.0}}
    with ScoringPool(rewards, ScoringConfig(deadline=0.2)) as pool:
        assert pool.judge("slow", answers("60"), {})[0].status == "timeout"


def test_one_hang_does_not_hold_up_the_other_worker(plugin: Plugin) -> None:
    with ScoringPool({"slow": {plugin("sleepy", SLEEPY): 1.0}}, ScoringConfig(workers=2)) as pool:
        hanging = pool.submit("slow", answers("60"), {})
        begun = time.monotonic()
        pool.collect([pool.submit("slow", answers("0"), {"n": n}) for n in range(5)], 10)
        assert time.monotonic() - begun < 0.25
        assert hanging.result(10)[0].status == "timeout"


def test_equal_answers_are_judged_once_and_remembered(plugin: Plugin) -> None:
    with open_pool({"count": {plugin("letters", LENGTH): 1.0}}) as pool:
        first = pool.judge("count", answers("ab", "ab", "c", "ab"), {"best": 2})
        again = pool.judge("count", answers("c", "ab"), {"best": 2})
        other = pool.judge("count", answers("ab"), {"best": 4})
        cut_off = pool.judge("count", [Response("ab", finish_reason="length")], {"best": 2})
        stats = pool.stats()
        anew = pool.submit("count", answers("ab"), {"best": 2}, cached=False).result(10)
        assert pool.stats()["judged"] == stats["judged"] + 1
    assert [score.value for score in first] == [1.0, 1.0, 0.5, 1.0]
    assert [score.value for score in again] == [0.5, 1.0]
    assert (other[0].value, cut_off[0].value, anew[0].value) == (0.5, 1.0, 1.0)
    assert (stats["judged"], stats["cached"]) == (4, 4)


def test_what_could_not_be_judged_is_judged_anew(plugin: Plugin) -> None:
    with open_pool({"broken": {plugin("broken", BROKEN): 1.0}}) as pool:
        for _ in range(2):
            assert pool.judge("broken", answers("x"), {})[0].status == "error"
        assert pool.stats()["judged"] == 2
        assert pool.stats()["error"] == 2


def test_workers_are_recycled(plugin: Plugin) -> None:
    with open_pool({"pid": {plugin("pid", PID): 1.0}}, recycle_after=10) as pool:
        pids = [pool.judge("pid", answers(str(n)), {})[0].value for n in range(35)]
    assert len(set(pids)) == 4
    assert pids == sorted(pids, key=pids.index)


def test_a_reward_that_runs_code_gets_a_worker_per_answer(plugin: Plugin) -> None:
    rewards = {"pid": {plugin("pid", "FRESH_WORKER = True" + PID): 1.0}, "count": {plugin("letters", LENGTH): 1.0}}
    with open_pool(rewards, workers=2) as pool:
        for n in range(3):
            pool.submit("count", answers(*"abcd"), {"best": n + 1})
        scores = pool.judge("pid", answers(*"abcdefgh"), {})
        assert pool.judge("count", answers("abc"), {"best": 3})[0].value == 1.0
    assert len({score.value for score in scores}) == 8


def test_modules_named_by_preload_are_there_before_the_fork(plugin: Plugin) -> None:
    source = """
import sys
from rlstack.api import judged
PRELOAD = ("colorsys",)
def score(response, data):
    return judged("colorsys" in sys.modules)
"""
    with open_pool({"warm": {plugin("warm", source): 1.0}}) as pool:
        assert pool.judge("warm", answers("x"), {})[0].value == 1.0


def test_one_answer_cannot_change_what_the_next_one_sees(plugin: Plugin) -> None:
    source = """
from rlstack.api import judged
def score(response, data):
    data["rows"].append(response.text)
    return judged(len(data["rows"]))
"""
    with open_pool({"rows": {plugin("rows", source): 1.0}}) as pool:
        assert [score.value for score in pool.judge("rows", answers(*"abc"), {"rows": []})] == [1.0, 1.0, 1.0]


def test_odd_and_large_texts_arrive_unchanged(plugin: Plugin) -> None:
    source = """
from rlstack.api import judged
def score(response, data):
    return judged(response.text == data["text"] and response.messages[0]["content"] == "?")
"""
    texts = ["\ud800 lone", "\x00\x1b[31m", "é\u200b𝟙\u2028", "x" * 3_000_000, '"}]\\', ""]
    with open_pool({"same": {plugin("same", source): 1.0}}) as pool:
        for text in texts:
            response = Response(text, messages=({"role": "user", "content": "?"},))
            assert pool.judge("same", [response], {"text": text})[0].value == 1.0, text[:20]


def test_no_secret_reaches_a_worker(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
import os
from rlstack.api import judged
def score(response, data):
    seen = sorted(name for name in os.environ if name.endswith("_TOKEN") or "SECRET" in name)
    here = os.listdir(".")
    return judged(not seen and not here, f"{seen} {here} {sorted(map(int, os.listdir('/proc/self/fd')))[:4]}")
"""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with open_pool({"bare": {plugin("bare", source): 1.0}}) as pool:
        (score,) = pool.judge("bare", answers("x"), {})
        assert pool.facts.filtered
    assert score.value == 1.0, score.detail


def test_mistakes_end_the_start_with_a_clear_message(plugin: Plugin) -> None:
    with pytest.raises(PluginError, match=r"no reward is named 'json_shema'.*did you mean 'json_schema'"):
        open_pool({"x": {"json_shema": 1.0}})
    with pytest.raises(PluginError, match="cannot be imported\n  ModuleNotFoundError: No module named 'nowhere'"):
        open_pool({"x": {plugin("lost", "import nowhere"): 1.0}})
    with pytest.raises(PluginError, match="PRELOAD names 'nowhere'"):
        open_pool({"x": {plugin("later", "PRELOAD = ('nowhere',)" + LENGTH): 1.0}})
    with pytest.raises(ScoringError, match=r"set scoring.memory_mb=\d+ or more"):
        ScoringPool({"x": {plugin("letters", LENGTH): 1.0}}, ScoringConfig(memory_mb=20))


def test_an_unknown_env_is_refused_at_once(plugin: Plugin) -> None:
    with open_pool({"count": {plugin("letters", LENGTH): 1.0}}) as pool:
        with pytest.raises(ScoringError, match="no env 'cuont': did you mean 'count'"):
            pool.submit("cuont", answers("x"), {})
        assert pool.judge("count", [], {"best": 1}) == ()


def test_collect_says_who_waited_for_whom(plugin: Plugin) -> None:
    rewards = {"slow": {plugin("sleepy", SLEEPY.replace("DEADLINE_S = 0.3", "DEADLINE_S = 9")): 1.0}}
    with open_pool(rewards) as pool:
        futures = [pool.submit("slow", answers(str(n)), {}) for n in range(3)]
        with pytest.raises(DeadlineError, match=r"waited 0.5 s .* 2 of 3 groups are still being judged \(slow; 1 work"):
            pool.collect(futures, 0.5)


def test_closing_is_quick_and_tells_those_who_wait(plugin: Plugin) -> None:
    pool = open_pool({"slow": {plugin("sleepy", SLEEPY.replace("DEADLINE_S = 0.3", "DEADLINE_S = 9")): 1.0}})
    future = pool.submit("slow", answers("60"), {})
    begun = time.monotonic()
    pool.close()
    pool.close()
    assert time.monotonic() - begun < 1.0
    with pytest.raises(ScoringError, match="closed while this group was being judged"):
        future.result(1)
    with pytest.raises(ScoringError, match="pool is closed"):
        pool.submit("slow", answers("0"), {})


def test_two_rewards_of_one_name_are_refused(plugin: Plugin, tmp_path: Path) -> None:
    other = tmp_path / "other" / "letters.py"
    other.parent.mkdir()
    other.write_text(SLEEPY)
    with pytest.raises(PluginError, match="env 'both': two of its rewards are named 'letters'"):
        open_pool({"both": {plugin("letters", LENGTH): 0.5, str(other): 0.5}})
