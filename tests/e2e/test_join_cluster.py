"""A run on a Ray cluster that was there before: `cluster.address`, two nodes (both on this machine)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from command import Run, metrics

os.environ["RAY_AUTH_MODE"] = "token"  # before ray is imported

from ray.cluster_utils import Cluster

pytestmark = pytest.mark.e2e


@pytest.fixture
def address(monkeypatch) -> Iterator[str]:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of-this-test-0123456789abcdef0123456789abcdef")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 80 * 2**20})
    cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    cluster.wait_for_nodes()
    try:
        yield str(cluster.address)
    finally:
        cluster.shutdown()


def test_a_run_joins_a_cluster_judges_on_both_nodes_and_leaves_it_alone(address, tmp_path):
    run = Run(tmp_path / "run", f"cluster.address={address}", "stages.multidomain.steps=2", "cluster.learners=2")
    assert run.wait(300) == 0, run.output
    assert [row["step"] for row in metrics(run.run_dir)] == [1, 2]
    logs = {file.name for file in run.run_dir.glob("**/logs/**/*.log")}
    assert {"scoring-pool-0.log", "scoring-pool-1.log", "engine-0.log", "learner-0.log", "learner-1.log"} <= logs
    assert run.leftovers(10) == []
