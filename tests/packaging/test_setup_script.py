"""scripts/setup.sh against a stand-in Python that records what it is asked for: no network, no minutes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).resolve().parents[2]

FAKE_PYTHON = """#!/usr/bin/env bash
echo "$*" >>"$FAKE_LOG"
case "$1 $2" in
    "-m venv") mkdir -p "${@: -1}/bin" && cp "$0" "${@: -1}/bin/python" ;;
    "-m pip")
        if [[ -n ${FAKE_FAILS:-} && "$*" =~ $FAKE_FAILS ]]; then
            echo "${FAKE_SAYS:-no reason given}"
            exit 1
        fi ;;
    "--version "*) echo "Python 3.11.9" ;;
esac
"""


class Checkout:
    """A copy of what the script reads, and a PATH on which our stand-ins come first."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin, self.log = folder / "repo", folder / "bin", folder / "log"
        self.folder.mkdir()
        for name in ("scripts", "requirements"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", self.folder)
        self.bin.mkdir()
        self.program("python3.11", FAKE_PYTHON)
        self.program("nvidia-smi", "#!/bin/sh\nexit 9\n")
        self.program("df", "#!/bin/sh\necho Filesystem 1024-blocks Used Available\necho /dev/x 1 1 99999999\n")

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def setup(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        kept = {k: v for k, v in os.environ.items() if k not in ("FLAVOUR", "PYTHON", "VIRTUAL_ENV")}
        path = f"{self.bin}:/usr/bin:/bin"
        return subprocess.run(
            [str(self.folder / "scripts" / "setup.sh"), *words],
            env={**kept, "PATH": path, "FAKE_LOG": str(self.log), **env},
            capture_output=True, text=True, cwd="/",
        )  # fmt: skip

    @property
    def pip(self) -> list[str]:
        """Arguments of every pip install since the last call."""
        return [line for line in self.log.read_text().splitlines() if line.startswith("-m pip install")]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_installs_the_lock_without_resolving_then_rlstack_then_extras(checkout):
    done = checkout.setup("dev")
    assert done.returncode == 0, done.stderr
    torch, lock, rlstack, dev = checkout.pip
    assert torch.endswith("torch==2.13.0+cpu")
    assert "--no-deps" in lock
    assert lock.endswith("-r requirements/cpu.lock")
    assert rlstack.endswith("--editable .")
    assert dev.endswith("-r requirements/dev.lock")
    assert 4 <= len(done.stdout.splitlines()) <= 6
    assert not [line for line in checkout.pip if "index" in line]


def test_a_second_run_does_nothing_and_says_nothing(checkout):
    checkout.setup("dev")
    done = checkout.setup("dev")
    assert (done.returncode, done.stdout, checkout.log.read_text()) == (0, "", "")
    assert len(checkout.setup("dev", "bench").stdout.splitlines()) == 1
    assert [line.split()[-1] for line in checkout.pip] == ["requirements/bench.lock"]


def test_a_changed_lock_is_installed_again(checkout):
    checkout.setup("dev")
    with (checkout.folder / "requirements" / "dev.lock").open("a") as file:
        file.write("more==1.0\n")
    checkout.setup("dev")
    assert [line.split()[-1] for line in checkout.pip] == ["requirements/dev.lock"]


def test_what_failed_is_done_again(checkout):
    failed = checkout.setup(FAKE_FAILS="cpu.lock", FAKE_SAYS="OSError: [Errno 28] No space left on device")
    assert failed.returncode == 1
    assert "disk is full" in failed.stderr
    assert "run the same command again" in failed.stderr
    assert checkout.setup().returncode == 0
    assert [line.split()[-1] for line in checkout.pip] == ["torch==2.13.0+cpu", "requirements/cpu.lock", "."]


def test_the_public_index_is_asked_for_torch_only_when_your_own_has_none(checkout):
    done = checkout.setup(FAKE_FAILS="no-deps torch==", FAKE_SAYS="No matching distribution found")
    assert done.returncode == 0, done.stderr
    asked = [line for line in checkout.pip if "--extra-index-url" in line]
    assert len(asked) == 1
    assert asked[0].endswith("torch==2.13.0+cpu")
    assert "has no torch==2.13.0+cpu" in done.stdout


def test_no_network_is_named(checkout):
    done = checkout.setup(FAKE_FAILS="pip install", FAKE_SAYS="NewConnectionError: Name or service not known")
    assert done.returncode == 1
    assert "no package index could be reached" in done.stderr


def test_a_gpu_takes_the_gpu_lock_and_a_change_of_machine_starts_anew(checkout):
    checkout.setup()
    (checkout.folder / ".venv" / "left").write_text("")
    checkout.program("nvidia-smi", "#!/bin/sh\necho GPU 0\n")
    done = checkout.setup()
    assert done.returncode == 0, done.stderr
    assert [line.split()[-1] for line in checkout.pip] == ["requirements/gpu.lock", "."]
    assert not (checkout.folder / ".venv" / "left").exists()
    assert checkout.setup(FLAVOUR="cpu").returncode == 0
    assert "requirements/cpu.lock" in checkout.pip[1]


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        ((), {"PYTHON": "/nowhere/python"}, "no Python 3.11 found"),
        ((), {"FLAVOUR": "tpu"}, "allowed: cpu, gpu"),
        (("devv",), {}, "no extra is named 'devv'"),
        (("cpu",), {}, "no extra is named 'cpu'"),
    ],
)
def test_clear_errors(checkout, words, env, said):
    done = checkout.setup(*words, **env)
    assert done.returncode == 1
    assert said in done.stderr
    assert not checkout.pip


def test_too_little_disk_is_said_before_anything_is_fetched(checkout):
    checkout.program("df", "#!/bin/sh\necho head\necho /dev/x 1 1 2097152\n")
    done = checkout.setup()
    assert done.returncode == 1
    assert "2 GB free" in done.stderr
    assert not checkout.pip


def test_cuda_siblings_of_torch_are_removed(checkout):
    checkout.setup()
    packages = checkout.folder / ".venv" / "lib" / "python3.11" / "site-packages"
    (packages / "torchvision-0.28.0.dist-info").mkdir(parents=True)
    done = checkout.setup()
    assert "removing torchvision" in done.stdout
    assert "pip uninstall" in checkout.log.read_text()
