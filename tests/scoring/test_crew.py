from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

WITHOUT_FILTER = """
import os, tempfile, time
from pathlib import Path
from rlstack.scoring import crew, sandbox
from rlstack.scoring.jobs import GroupJob, Item, Judge

def score(response, data):
    if os.fork() == 0:
        os.setsid()
    while True:
        time.sleep(1)

sandbox.restrict = lambda: False
sandbox.adopt_orphans()
empty = tempfile.mkdtemp()
worker = crew.hire({"x": [("x", score)]}, sandbox.Limits(1024, empty), 1.0)
job = GroupJob(b"1", "x", [Judge("x", 1.0, score, 1.0, False, True)], b"{}", [None])
answer = b'{"text": "", "finish_reason": "stop", "n_tokens": 0, "messages": []}'
worker.add([Item(job, 0, answer)])
worker.flush()
time.sleep(0.3)
print(worker.end())
time.sleep(0.05)
children = lambda: Path("/proc/thread-self/children").read_text().split()
print(len(children()))
crew.end_strays(set())
print(len(children()))
os.rmdir(empty)
"""


def test_strays_are_ended_where_no_filter_forbids_them() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_FILTER], capture_output=True, text=True, timeout=30)
    ending, before, after = done.stdout.splitlines()
    assert ending == "was killed by SIGKILL (out of memory, or it closed its socket)"
    assert int(before) in (0, 1)  # 0 where RLIMIT_NPROC binds, that is for all but root
    assert int(after) == 0
