"""The command itself, as a process: what it prints, its exit status, and what it has imported by then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rlstack.cli.border import guarded
from rlstack.errors import ConfigError, EngineError

pytestmark = pytest.mark.process

# Runs the command, then reports on the last line of stderr what it had imported and which processes it has.
PROBE = """
import os, sys
from rlstack.cli.border import guarded
from rlstack.run import main
status = guarded(main, sys.argv[1:])
heavy = sorted({"torch", "ray", "vllm", "transformers"} & set(sys.modules))
children = open(f"/proc/self/task/{os.getpid()}/children").read().split()
print("HEAVY", heavy, "CHILDREN", children, file=sys.stderr)
sys.exit(status)
"""
LIGHT = "HEAVY [] CHILDREN []"


def command(*argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROBE, *argv], cwd=cwd, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["recipe=multidomian", "model=tny"], "did you mean 'multidomain'?"),
        (["recipe=single", "env=maht"], "did you mean 'math'?"),
        (["stages.multidomain.optm.lr=1"], "did you mean 'optim'?"),
        (["stages.multidomain.sampling.top_p=0.5"], "log-probs"),
        (["--cgf", "job"], "did you mean '--cfg'?"),
    ],
)
def test_a_mistake_is_answered_before_anything_heavy(argv, said):
    done = command(*argv)
    error, _, probe = done.stderr.strip().rpartition("\n")
    assert (done.returncode, done.stdout) == (2, "")
    assert error.startswith("error: ")
    assert said in error
    assert "Traceback" not in error
    assert probe == LIGHT


def test_cfg_job_prints_the_whole_configuration():
    done = command("--cfg", "job", "recipe=single", "env=math", "cluster=cpu")
    data = yaml.safe_load(done.stdout)
    assert done.returncode == 0
    assert data["stages"]["single"]["envs"]["math"]["weight"] == 1.0
    assert data["stages"]["single"]["guard"]["verify_every"] == 1  # a default that no file spells out
    assert done.stderr.strip() == LIGHT


def test_dry_run_prints_the_plan_and_writes_nothing(tmp_path):
    done = command("recipe=multidomain_granite", "model=3b", "cluster=gpu", "dry_run=true", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for part in ("3.40B parameters", "711 steps", "45,504 prompts", "each learner", "KV cache", "(new)", str(tmp_path)):
        assert part in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert done.stderr.strip() == LIGHT


def test_help_lists_every_choice():
    done = command("--help")
    for word in ("multidomain", "single", "tiny", "30b", "cpu", "gpu", "temporal", "dry_run=true", "examples"):
        assert word in done.stdout
    assert done.returncode == 0
    assert done.stderr.strip() == LIGHT


@pytest.mark.slow
def test_decoys_in_the_working_directory_change_nothing(tmp_path):
    """Folders named like ours, whose import would be noticed, stand where Python looks first."""
    decoy = "raise SystemExit('a decoy was imported')"
    for name in ("models", "envs", "rewards", "recipes", "models/tiny", "envs/math", "rewards/maths"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(decoy)
    (tmp_path / "models" / "granite.py").write_text(decoy)
    words = ["recipe=multidomain", "cluster=cpu"]
    here = subprocess.run(
        [sys.executable, "-m", "rlstack.run", "--cfg", "job", *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert here.returncode == 0, here.stderr
    assert here.stdout == command("--cfg", "job", *words).stdout
    plan = subprocess.run(
        [sys.executable, "-m", "rlstack.run", "dry_run=true", "model=3b", *words],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert "3.40B parameters" in plan.stdout, plan.stderr


@pytest.mark.slow
def test_a_reward_of_the_working_directory_named_like_ours_is_refused_and_not_imported(tmp_path):
    (tmp_path / "rewards" / "math").mkdir(parents=True)
    (tmp_path / "rewards" / "math" / "__init__.py").write_text("raise SystemExit('a decoy was imported')")
    done = command("recipe=multidomain", "cluster=cpu", "dry_run=true", cwd=tmp_path)
    assert done.returncode == 2
    assert "reward 'math' is found in 2 places" in done.stderr
    assert str(tmp_path / "rewards" / "math") in done.stderr
    assert "decoy" not in done.stderr


def test_an_env_of_the_working_directory_is_found(tmp_path):
    (tmp_path / "envs" / "countdown").mkdir(parents=True)
    (tmp_path / "envs" / "countdown" / "env.py").write_text("raise SystemExit('listing must not import')")
    done = command("--cfg", "job", "recipe=single", "env=countdown", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(yaml.safe_load(done.stdout)["stages"]["single"]["envs"]) == ["countdown"]
    assert "did you mean 'countdown'?" in command("recipe=single", "env=countdwn", cwd=tmp_path).stderr


# ---- the border ---------------------------------------------------------------------------------------


def raising(error: BaseException):
    def run(_: list[str]) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ConfigError("no such recipe"), 2, "error: no such recipe\n"),
        (EngineError("engine 1 died"), 1, "error: engine 1 died\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_errors_become_messages_and_statuses(error, status, said, capsys):
    assert guarded(raising(error), []) == status
    assert capsys.readouterr().err == said


def test_a_defect_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        guarded(raising(ZeroDivisionError()), [])


def test_the_console_script_dispatches(capsys):
    from rlstack.cli.main import COMMANDS, main

    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in COMMANDS)
    assert main(["rnu"]) == 2
    assert "did you mean 'run'?" in capsys.readouterr().err
    assert main(["run", "--cfg", "job"]) == 0
    assert "recipe: multidomain" in capsys.readouterr().out


def test_every_command_has_a_main():
    import importlib.util

    from rlstack.cli.main import COMMANDS

    for module, summary in COMMANDS.values():
        spec = importlib.util.find_spec(module)
        assert spec is not None, module
        assert spec.origin is not None
        assert "def main(" in Path(spec.origin).read_text()
        assert summary


def test_importing_the_command_is_quick_enough_to_answer_in_two_seconds():
    """Not by the clock, which another load would falsify: by the number of modules it imports."""
    code = "import sys; import rlstack.config.compose, rlstack.run; print(len(sys.modules))"
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert int(done.stdout) < 900


ENV = """
from rlstack.api import Env, Row
def generate(rng, level):
    return Row.ask(f"{{rng.random()}}", {data}, "1")
ENV = Env(name="odd", rewards={{"{reward}": 1.0}}, generate=generate)
"""


@pytest.mark.parametrize(
    ("env", "argv", "said"),
    [
        ("1 / 0", [], "ZeroDivisionError"),
        (ENV.format(data="{}", reward="odd"), [], "envs/odd/reward.py does not exist"),
        (ENV.format(data="{1, 2}", reward="exact"), [], "data is not JSON"),
        (ENV.format(data="{}", reward="exact"), ["stages.single.envs.odd.level=9"], "stages.single.envs.odd.level=9: "),
    ],
)
@pytest.mark.parametrize("dry", [True, False])
def test_a_plugin_that_will_not_do_is_refused_before_anything_starts(tmp_path, env, argv, said, dry):
    (tmp_path / "envs" / "odd").mkdir(parents=True)
    (tmp_path / "envs" / "odd" / "env.py").write_text(env)
    done = command("recipe=single", "env=odd", "cluster=cpu", f"dry_run={str(dry).lower()}", *argv, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["envs"]
    assert done.stderr.strip().endswith(LIGHT)
