"""One scoring pool on every node of a real Ray cluster of two nodes (both on this machine)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

os.environ["RAY_AUTH_MODE"] = "token"  # before ray is imported

import ray
from ray.cluster_utils import Cluster

from rlstack.api import Response, Row
from rlstack.cluster.scoring import NodePools, open_pool
from rlstack.cluster.session import session
from rlstack.config.cluster import ClusterConfig
from rlstack.config.rl import ScoringConfig
from rlstack.errors import DeadlineError, PluginError, ScoringError
from rlstack.scoring import probe

pytestmark = pytest.mark.e2e

SLOW = """
import time
DEADLINE_S = 0.5
def score(response, data):
    from rlstack.api import judged
    time.sleep(float(response.text))
    return judged(1.0)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    os.environ["RAY_AUTH_TOKEN"] = "of-this-test-0123456789abcdef0123456789abcdef"
    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 80 * 2**20})
    started.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    started.wait_for_nodes()
    try:
        with session(ClusterConfig(name="two", device="cpu", engines=1, learners=1, address=started.address)):
            yield
    finally:
        started.shutdown()


def _open(tmp_path, rewards=None, **config):
    rewards = rewards or {"sums": {"math": 1.0}}
    return open_pool(ScoringConfig(**config), tmp_path / "logs", seconds=60, rewards=rewards)


def _answers(n: int) -> list[Response]:
    return [Response(f"\\boxed{{{i}}}") for i in range(n)]


def test_every_node_judges_and_each_is_probed(cluster, tmp_path):
    with _open(tmp_path) as (pool, each):
        assert isinstance(pool, NodePools)
        assert len(each) == 2
        assert pool.verifiable("sums") == {"math": 1.0}
        futures = [pool.submit("sums", _answers(8), {"answer": str(i % 8)}) for i in range(40)]
        for i, scores in enumerate(pool.collect(futures, 60)):
            assert [s.value for s in scores] == [float(k == i % 8) for k in range(8)]
        for one in each:
            probe(one, "sums", [Row.ask("2 + 2?", {"answer": "4"}, "\\boxed{4}")])
            with pytest.raises(ScoringError, match="gold answer"):
                probe(one, "sums", [Row.ask("2 + 2?", {"answer": "4"}, "\\boxed{5}")])
        assert {p.name for p in (tmp_path / "logs").iterdir()} == {"scoring-pool-0.log", "scoring-pool-1.log"}


def test_one_node_gives_the_pool_of_this_process(cluster, tmp_path):
    with _open(tmp_path, place="driver") as (pool, each):
        assert each == (pool,)
        assert pool.judge("sums", _answers(2), {"answer": "1"})[1].value == 1.0  # type: ignore[attr-defined]


def test_a_groups_judge_dies_and_another_node_judges_it(cluster, tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    with _open(tmp_path, {"nap": {str(tmp_path / "slow.py"): 1.0}}) as (pool, _):
        assert isinstance(pool, NodePools)
        futures = [pool.submit("nap", [Response(f"0.3{i}{k}") for k in range(3)], {}) for i in range(4)]
        time.sleep(0.3)
        ray.kill(pool._nodes[0].member.handle)
        assert [[s.value for s in scores] for scores in pool.collect(futures, 60)] == [[1.0] * 3] * 4
        assert len(pool.each()) == 1
        ray.kill(pool._nodes[1].member.handle)
        with pytest.raises(ScoringError, match="no scoring pool is left"):
            pool.collect([pool.submit("nap", [Response("0")], {})], 30)


def test_overruns_end_on_their_node_and_the_driver_does_not_wait_for_ever(cluster, tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)
    with _open(tmp_path, {"nap": {str(tmp_path / "slow.py"): 1.0}}) as (pool, _):
        late = pool.submit("nap", [Response("60"), Response("0")], {})
        with pytest.raises(DeadlineError, match=r"scoring pool 0: \d+ answers"):
            pool.collect([late], 0.05)
        assert [s.status for s in pool.collect([late], 60)[0]] == ["timeout", "ok"]


def test_a_reward_that_does_not_load_is_named(cluster, tmp_path):
    with pytest.raises(PluginError, match="no_such"), _open(tmp_path, {"sums": {"no_such": 1.0}}):
        pass
