"""A Ray session for one run: private, authenticated, on loopback, gone when the run ends."""

from __future__ import annotations

import logging
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rlstack.cluster.actors import environment
from rlstack.config.cluster import ClusterConfig
from rlstack.errors import EngineError

_OBJECT_STORE_BYTES = 256 * 2**20  # batches and rollouts only; weights travel outside it


@contextmanager
def session(cfg: ClusterConfig) -> Iterator[None]:
    """Starts a private Ray on this machine, or joins the cluster at `cfg.address`.

    Ray listens on all interfaces, even for one local process, so its token authentication is turned on. The
    token lives in this process tree only.
    """
    # Before the import: Ray reads them then.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if cfg.address is None:
        if "ray" in sys.modules and os.environ.get("RAY_AUTH_MODE") != "token":
            raise EngineError("ray was imported before the session set its token: set RAY_AUTH_MODE=token before that")
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # Ray reads it once in a process
    import ray

    # Workers import rlstack from where the driver found it, whatever directory they start in.
    root = str(Path(__file__).resolve().parents[2])
    inherited = environment(cfg) | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    options: dict[str, Any] = {"include_dashboard": None, "runtime_env": {"env_vars": inherited}}
    if cfg.address is None:
        # Processes of this machine inherit the variables: with a runtime_env, Ray would leave the workers that it
        # starts in advance unused and set up others, a second later.
        options = {
            "include_dashboard": False,
            "num_cpus": os.cpu_count(),
            "object_store_memory": _OBJECT_STORE_BYTES,
            "_node_ip_address": "127.0.0.1",
        }
    with _variables({} if cfg.address else inherited):
        ray.init(
            address=cfg.address or "local",  # None would join another run's session on this machine
            log_to_driver=False,
            logging_level=logging.ERROR,
            **options,
        )
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _variables(values: dict[str, str]) -> Iterator[None]:
    """Sets them for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
