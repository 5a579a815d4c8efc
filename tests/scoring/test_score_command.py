"""`rlstack score`, run as a user runs it: a process with files and pipes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.process

REWARD = """
import os, time
from rlstack.api import judged
DEADLINE_S = 0.5
def score(response, data):
    if response.text == "hang":
        time.sleep(60)
    if response.text == "crash":
        os._exit(1)
    return judged(response.text == data["answer"], f"{response.finish_reason}", length=len(response.text))
"""


@pytest.fixture
def reward(tmp_path: Path) -> str:
    path = tmp_path / "same.py"
    path.write_text(REWARD)
    return str(path)


def command(*arguments: str) -> list[str]:
    return [
        sys.executable,
        "-c",
        "import sys; from rlstack.cli.score import main; sys.exit(main(sys.argv[1:]))",
        *arguments,
    ]


def run(*arguments: str, text: str | bytes = "") -> tuple[list[dict[str, Any]], str]:
    given = text if isinstance(text, bytes) else text.encode()
    done = subprocess.run(command(*arguments), input=given, capture_output=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def line(answer: Any, response: Any) -> str:
    return json.dumps({"data": {"answer": answer}, "response": response})


def test_one_verdict_per_line_in_order(reward: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    texts = [str(n) if n % 3 else "wrong" for n in range(500)]
    file.write_text("".join(line(str(n), text) + "\n" for n, text in enumerate(texts)))
    rows, summary = run(reward, str(file), "--workers", "2")
    assert [row["value"] for row in rows] == [float(bool(n % 3)) for n in range(500)]
    assert rows[1].keys() == {"value", "status", "components", "detail", "ms"}
    assert rows[100]["components"] == {"length": 3.0}
    assert summary.startswith("500 judged, ")
    assert "mean value 0.6660, 0 invalid, 0 error, 0 timeout" in summary


def test_hangs_and_crashes_stay_on_their_lines(reward: str) -> None:
    rows, summary = run(
        reward, "--workers", "2", text="\n".join(line("7", t) for t in ("7", "hang", "7", "crash", "8"))
    )
    assert [(row["value"], row["status"]) for row in rows] == [
        (1.0, "ok"),
        (0.0, "timeout"),
        (1.0, "ok"),
        (0.0, "error"),
        (0.0, "ok"),
    ]
    assert "1 error, 1 timeout" in summary


def test_bad_lines_get_an_error_with_their_number(reward: str) -> None:
    lines = [
        "\ufeff" + line("7", "7"),
        "{not json",
        "",
        "[1, 2]",
        '{"data": {}}',
        '{"data": [], "response": "x"}',
        '{"data": {}, "response": null}',
        line("7", {"text": "7", "finish_reason": "length"}),
        "[" * 100_000,
        line("7", "7"),
        "",
        "   ",
    ]
    rows, _ = run(reward, text="\n".join(lines).encode() + b"\n")
    assert [row["status"] for row in rows] == ["ok", *["error"] * 6, "ok", "error", "ok"]
    assert [row["detail"].partition(":")[0] for row in rows if row["status"] == "error"] == [
        f"line {n}" for n in (2, 3, 4, 5, 6, 7, 9)
    ]
    assert rows[7]["detail"] == "length"
    rows, _ = run(reward, text=b"\xff\xfe\n" + line("7", "7").encode())
    assert [row["status"] for row in rows] == ["error", "ok"]


def test_no_lines_no_verdicts(reward: str) -> None:
    assert run(reward, text="")[0] == []


def test_a_dialogue_gets_each_verdict_at_once(reward: str) -> None:
    with subprocess.Popen(
        command(reward, "-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for answer in ("7", "8"):
            process.stdin.write(line("7", answer) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["value"] == float(answer == "7")
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_reader_that_leaves_ends_the_command_quietly(reward: str, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    file.write_text((line("7", "7" * 500) + "\n") * 20_000)
    with subprocess.Popen(command(reward, str(file)), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == 141
        assert process.stderr.read() == b""


def test_ctrl_c_ends_the_command_quietly_while_it_waits_for_input(reward: str) -> None:
    with subprocess.Popen(
        command(reward, "-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(line("7", "7") + "\n")
        process.stdin.flush()
        process.stdout.readline()
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert time.monotonic() - begun < 2.0
        assert process.stderr.read() == ""


@pytest.mark.slow
def test_memory_stays_bounded_on_a_long_file(reward: str) -> None:
    code = (
        "import sys; from rlstack.cli.score import main; main(sys.argv[1:]);"
        "status = open('/proc/self/status').read();"
        "print(int(status.partition('VmHWM:')[2].split()[0]) // 1024, file=sys.stderr)"
    )
    peaks = []
    for lines in (200, 4000):
        text = "".join(line(str(n), "x" * 20_000) + "\n" for n in range(lines)).encode()
        done = subprocess.run(
            [sys.executable, "-c", code, reward, "--workers", "1"],
            input=text,
            capture_output=True,
            timeout=60,
            check=True,
        )
        peaks.append(int(done.stderr.split()[-1]))
    assert peaks[1] - peaks[0] < 30, peaks  # the long input alone is 80 MB


def test_mistakes_are_explained(reward: str) -> None:
    done = subprocess.run(command(reward, "/no/such/file"), capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "cannot read /no/such/file: No such file or directory" in done.stderr
    done = subprocess.run(command("maths"), input="", capture_output=True, text=True, timeout=30)
    assert "PluginError: no reward is named 'maths': did you mean 'math'?" in done.stderr


def test_options_may_stand_between_reward_and_file_and_a_folder_names_its_reward(reward: str, tmp_path: Path) -> None:
    folder = tmp_path / "units"
    folder.mkdir()
    (folder / "env.py").write_text("raise RuntimeError('not needed')")
    (folder / "__init__.py").write_text("")
    (folder / "reward.py").write_text(Path(reward).read_text())
    file = tmp_path / "answers.jsonl"
    file.write_text(line("4", "4") + "\n")
    for words in (("units", "--env", str(folder), str(file)), ("--workers", "1", str(folder), str(file))):
        (verdict,), _ = run(*words)
        assert verdict["status"] == "ok", verdict
