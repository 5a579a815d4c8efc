"""`rlstack verify` on the tiny base, two learner ranks and one engine, as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

EXPECTED = {
    "fingerprint", "engine_gap", "order", "packed", "shared_prompt", "documents", "siblings", "first_ratio",
    "first_clip", "first_recomputed", "first_gradient", "micro_batches_loss", "micro_batches_gradient",
    "unshared_loss", "unshared_gradient", "uneven_ranks_loss", "uneven_ranks_gradient", "rank_count_loss",
    "rank_count_gradient", "alarm_fingerprint", "alarm_guard", "tiny_rate_moves", "tiny_rate_step",
    "fingerprint_new", "tied_head",
}  # fmt: skip


def test_every_invariance_holds_on_the_tiny_base():
    code = "import sys; from rlstack.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "verify", "model=tiny", "cluster=cpu", "cluster.learners=2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    checks = {c["name"]: c for c in report["checks"]}
    assert checks.keys() == EXPECTED
    assert {c["verdict"] for c in checks.values()} == {"pass"}
    assert checks["alarm_guard"]["measured"] > 1.005  # a reading that does not come from rounding
    assert checks["micro_batches_gradient"]["measured"] < 2e-6
