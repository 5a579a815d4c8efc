"""How the processes of a pool begin and end, seen from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from rlstack.api import Response
from rlstack.config.rl import ScoringConfig
from rlstack.errors import ScoringError
from rlstack.scoring import ScoringPool

pytestmark = pytest.mark.process

REWARD = """
import time
from rlstack.api import judged
def score(response, data):
    if response.text == "hang":
        time.sleep(60)
    return judged(1.0)
"""
DRIVER = """
import sys, time
from rlstack.api import Response
from rlstack.config.rl import ScoringConfig
from rlstack.scoring import ScoringPool
with ScoringPool({"x": {sys.argv[1]: 1.0}}, ScoringConfig(workers=2)) as pool:
    future = pool.submit("x", [Response("hang")] * 4, {})
    print(pool.server_pid, flush=True)
    future.result()
"""


@pytest.fixture
def reward(tmp_path: Path) -> str:
    path = tmp_path / "slow.py"
    path.write_text(REWARD)
    return str(path)


def family(pid: int) -> list[int]:
    """A process and its descendants that still run, zombies included."""
    table = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    rows = sorted(tuple(map(int, line.split())) for line in table.splitlines())
    found = [row[0] for row in rows if row[0] == pid]
    found += [row[0] for row in rows if row[1] == pid]
    return found


def wait_until_gone(pids: list[int], seconds: float) -> list[int]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        left = [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        if not left:
            return []
        time.sleep(0.02)
    return left


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_the_driver(reward: str, number: signal.Signals, tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, reward], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    assert driver.stdout is not None
    pids = family(int(driver.stdout.readline()))
    assert len(pids) == 3
    assert list(tmp_path.glob("rlstack-scoring-*"))
    driver.send_signal(number)
    driver.communicate(timeout=20)
    assert wait_until_gone(pids, 10.0) == []  # at once on an idle machine; a busy one needs its turn
    end = time.monotonic() + 5
    while list(tmp_path.glob("rlstack-scoring-*")) and time.monotonic() < end:
        time.sleep(0.02)
    assert not list(tmp_path.glob("rlstack-scoring-*"))


def test_no_worker_outlives_a_killed_server_and_the_pool_recovers(
    reward: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ScoringPool({"x": {reward: 1.0}}, ScoringConfig(workers=2)) as pool:
        hanging = pool.submit("x", [Response("hang")], {})
        pids = family(pool.server_pid)
        os.kill(pool.server_pid, signal.SIGKILL)
        assert pool.judge("x", [Response("fine")], {"after": True})[0].value == 1.0
        assert wait_until_gone(pids, 10.0) == []
        assert pool.stats()["restarts"] == 1
        assert not hanging.done()
    assert not list(tmp_path.glob("rlstack-scoring-*"))


def test_a_server_that_keeps_dying_fails_the_pool(reward: str) -> None:
    with ScoringPool({"x": {reward: 1.0}}, ScoringConfig()) as pool:
        future = pool.submit("x", [Response("hang")], {})
        for restarts in range(4):
            while pool.stats()["restarts"] < restarts:
                time.sleep(0.01)
            os.kill(pool.server_pid, signal.SIGKILL)
        with pytest.raises(ScoringError, match="the scoring server died: exit code -9"):
            future.result(10)
        with pytest.raises(ScoringError, match="pool is closed"):
            pool.submit("x", [Response("fine")], {})


def test_a_folder_of_the_users_hides_no_module(reward: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for decoy in ("rlstack", "numpy", "json"):
        (tmp_path / decoy).mkdir()
        (tmp_path / decoy / "__init__.py").write_text("raise SystemExit('decoy')")
    monkeypatch.chdir(tmp_path)
    with ScoringPool({"x": {reward: 1.0}}, ScoringConfig()) as pool:
        assert pool.judge("x", [Response("fine")], {})[0].value == 1.0


def test_importing_the_runtime_loads_nothing_heavy() -> None:
    code = "import sys, rlstack.scoring; print(*{'torch', 'ray', 'vllm', 'transformers', 'sympy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
