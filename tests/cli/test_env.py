"""`rlstack env …`, as an author uses it from an empty directory."""

from __future__ import annotations

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from rlstack.cli.main import main

pytestmark = pytest.mark.process


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("reward", [[], ["--reward"]], ids=["shared reward", "own reward"])
def test_a_new_env_works_as_it_is(here, capsys, reward):
    assert main(["env", "new", "sizes", *reward]) == 0
    said = capsys.readouterr().out
    assert "rlstack env check sizes" in said
    folder = here / "envs" / "sizes"
    texts = {file.name: file.read_text() for file in folder.glob("*") if file.is_file()}
    files = {"__init__.py", "env.py", "README.md", "gold.jsonl", "test_env.py", *(["reward.py"] if reward else [])}
    assert texts.keys() == files
    assert sorted(n for text in texts.values() for n in (1, 2, 3, 4) if f"TODO {n}" in text) == [1, 2, 3, 4]
    assert "$" not in "".join(texts.values()), "every blank is filled"
    assert len(texts["gold.jsonl"].splitlines()) == 24
    assert main(["env", "check", "sizes"]) == 0
    report = capsys.readouterr().out
    assert report.startswith("sizes  ./envs/sizes\n")
    assert "✗" not in report
    assert report.count("\n! ") == 1, "the marks that are left, and nothing else"
    for number, file in ((1, "env.py"), (2, "env.py"), (3, "reward.py" if reward else "env.py"), (4, "test_env.py")):
        assert f"TODO {number} in {file}" in report
    assert "README.md, which is still the template's" in report
    readme = folder / "README.md"
    readme.write_text(readme.read_text().replace("Counting down in steps.", "Sizes."))
    assert main(["env", "check", "sizes", "--rows", "2"]) == 0
    assert "still the template's" not in capsys.readouterr().out
    assert report.rstrip().endswith("every rule holds")


@pytest.mark.slow
def test_the_generated_tests_pass_beside_each_other(here):
    for name, options in (("first", []), ("second", ["--reward"])):
        assert main(["env", "new", name, *options]) == 0
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "envs"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "5 passed" in done.stdout, done.stdout


def test_the_generated_code_keeps_the_house_rules(here):
    main(["env", "new", "sizes", "--reward"])
    for command in (["format", "--check"], ["check", "--select", "E,F,I,B,UP,SIM,RUF,C4"]):
        words = [sys.executable, "-m", "ruff", *command, "--line-length", "120", "envs"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Sizes", "small letters"),
        ("../up", "small letters"),
        ("json", "a module of Python's own library"),
        ("temporal", "there is an environment 'temporal' already"),
        ("taken", "exists already; nothing was touched"),
    ],
)
def test_names_that_will_not_do(here, capsys, name, said):
    (here / "envs" / "taken").mkdir(parents=True)
    assert main(["env", "new", name]) == 2
    assert said in capsys.readouterr().err
    assert [p.name for p in (here / "envs").iterdir()] == ["taken"]


def test_an_own_reward_may_not_take_the_name_of_another(here, capsys):
    assert main(["env", "new", "exact", "--reward"]) == 2
    assert "there is a reward 'exact' already" in capsys.readouterr().err


@pytest.mark.slow
def test_check_fails_with_what_to_mend_and_as_json(here, capsys):
    main(["env", "new", "sizes"])
    file = here / "envs" / "sizes" / "env.py"
    file.write_text(file.read_text().replace("gold=answer)", 'gold="wrong")'))
    capsys.readouterr()
    code = "import sys; from rlstack.cli.main import main; sys.exit(main(sys.argv[1:]))"  # afresh: env.py has changed
    words = [sys.executable, "-c", code, "env", "check", "sizes"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "✗ gold" in done.stdout
    assert "→ gold must be an answer that the rewards pay in full" in done.stdout
    done = subprocess.run([*words, "temporal", "--json"], capture_output=True, text=True, timeout=60)
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [(report["env"], report["sound"]) for report in reports] == [("sizes", False), ("temporal", True)]


def test_list_shows_broken_ones_and_goes_on(here, capsys):
    main(["env", "new", "sizes"])
    (here / "envs" / "broken").mkdir()
    (here / "envs" / "broken" / "env.py").write_text("x = 1\nraise ValueError('no data [here]')")
    capsys.readouterr()
    assert main(["env", "list"]) == 0
    shown = capsys.readouterr().out
    assert "broken: ValueError: no data [here]" in shown
    assert "./envs/sizes" in shown
    assert main(["env", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["broken"]["problem"] == "ValueError: no data [here]"
    assert (rows["sizes"]["levels"], rows["sizes"]["rewards"]) == (3, {"exact": 1.0})
    assert rows["math"]["origin"] == "rlstack"


def test_gold_is_written_anew(here, capsys):
    main(["env", "new", "sizes"])
    file = here / "envs" / "sizes" / "gold.jsonl"
    before = file.read_text()
    file.write_text("")
    assert main(["env", "gold", "sizes"]) == 0
    assert file.read_text() == before
    assert len({json.loads(line)["messages"][0]["content"] for line in before.splitlines()}) == 24, "no row twice"
    assert main(["env", "gold", "./envs/sizes", "-n", "6"]) == 0
    assert len(file.read_text().splitlines()) == 6
    assert "all of them earn the full score" in capsys.readouterr().out
    with pytest.raises(SystemExit) as exit_:
        main(["env", "gold", "sizes", "-n", "0"])
    assert exit_.value.code == 2
    assert len(file.read_text().splitlines()) == 6


def test_gold_of_an_env_that_is_not_yours_is_not_touched_unasked(here, capsys, monkeypatch):
    monkeypatch.setattr("rlstack.cli.env.gold.write_gold", lambda *_: pytest.fail("written"))
    assert main(["env", "gold", "math"]) == 2
    said = capsys.readouterr().err
    assert "nothing was touched" in said
    assert "rlstack env gold math --write" in said


def test_gold_that_is_not_paid_is_named(here, capsys):
    main(["env", "new", "sizes"])
    file = here / "envs" / "sizes" / "env.py"
    file.write_text(file.read_text().replace("gold=answer)", 'gold="wrong")'))
    (here / "elsewhere").mkdir()
    (here / "envs" / "sizes").rename(here / "elsewhere" / "sizes")  # another place, else Python has it loaded already
    capsys.readouterr()
    assert main(["env", "gold", "elsewhere/sizes", "-n", "3"]) == 1
    said = capsys.readouterr().out
    assert "3 of 3 do not earn the full score" in said
    assert "line 1: 0.00 for 'wrong'" in said
    assert "rlstack env gold elsewhere/sizes" in said


def test_try_shows_rows_gold_and_drafts(here, capsys):
    assert main(["env", "try", "temporal", "-n", "8"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("   gold      ") == shown.count("   draft     ") == 8
    assert shown.count("→ 1.00") == 8
    assert "8  level 3" in shown
    assert shown.endswith("gold answers: mean score 1.000 of 8\n")
    assert main(["env", "try", "temporal", "-n", "2", "--level", "1", "--split", "eval", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["prompt"]["level"] for row in rows] == [1, 1]
    assert rows[0]["answers"][0]["response"] == rows[0]["gold"]


def test_try_does_not_judge_a_gold_that_is_not_there(here, capsys):
    rows = [
        {"messages": [{"role": "user", "content": f"Say {n}."}], "data": {"answer": str(n)}, "gold": str(n) * (n < 50)}
        for n in range(100)
    ]
    for name, kept in (("some", rows), ("none", rows[50:])):
        (here / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in kept))
    assert main(["env", "try", "icl", "--data", "none.jsonl"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("   gold      none is known\n") == 4
    assert "→" not in shown
    assert shown.endswith(
        "gold answers: no gold in these rows, so nothing is judged; name a --model to see its answers\n"
    )
    assert main(["env", "try", "icl", "--data", "some.jsonl", "-n", "20"]) == 0
    shown = capsys.readouterr().out
    without = shown.count("none is known\n")
    assert 0 < without < 20
    assert shown.endswith(f"gold answers: mean score 1.000 of {20 - without}, {without} rows without a gold\n")
    assert main(["env", "try", "icl", "--data", "none.jsonl", "-n", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answers"] == []


@pytest.fixture
def endpoint(monkeypatch):
    """A chat server that always says Monday, in terminal colours, and wants a key."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            known = self.headers.get("Authorization") == "Bearer key-of-the-test"
            content = {"choices": [{"message": {"content": "\x1b[31mMonday"}, "finish_reason": "stop"}]}
            data = json.dumps(content if known else {"error": "who are you?"}).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_try_against_an_endpoint(here, capsys, monkeypatch, endpoint):
    words = ["env", "try", "temporal", "-n", "2", "--level", "0", "--endpoint", endpoint, "--api-model", "any"]
    assert main([*words, "--samples", "2"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("   answer    \\x1b[31mMonday\n") == 4, "control characters do not reach the terminal"
    assert shown.count("→ ") == 4
    assert f"any at {endpoint}: mean score " in shown
    monkeypatch.delenv("OPENAI_API_KEY")
    assert main(words) == 1
    assert "answered 401: " in (error := capsys.readouterr().err)
    assert "set OPENAI_API_KEY" in error


def test_difficulty_against_an_endpoint(here, capsys, endpoint):
    words = ["env", "difficulty", "temporal", "--endpoint", endpoint, "--api-model", "any", "--prompts", "4"]
    assert main([*words, "--samples", "2", "--levels", "0", "3"]) == 0
    shown = capsys.readouterr().out
    assert "mixed groups" in shown
    assert "0%" in shown
    assert main([*words, "--samples", "2", "--levels", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["levels"][0]["samples"] == 8
    assert found["suggested_level"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek"], "did you mean 'check'?"),
        (["check", "temporel"], "did you mean 'temporal'?"),
        (["try", "temporel"], "did you mean 'temporal'?"),
        (["gold", "temporel"], "did you mean 'temporal'?"),
        (["try", "temporal", "--level", "9"], "has levels 0 to 3"),
        (["try", "temporal", "--endpoint", "http://x/v1"], "--endpoint needs --api-model"),
        (["try", "temporal", "--model", "tiny", "--endpoint", "http://x/v1"], "give one of"),
        (["try", "temporal", "--model", "tny"], "did you mean 'tiny'"),
        (["difficulty", "temporal"], "hard for whom?"),
        (["difficulty", "temporal", "--model", "tiny", "--levels", "7"], "has levels 0 to 3"),
    ],
)
def test_mistakes_are_explained(here, capsys, words, said):
    assert main(["env", *words]) == 2
    assert said in capsys.readouterr().err


def test_help_names_every_verb(capsys):
    from rlstack.cli.env import VERBS

    assert main(["env"]) == 0
    shown = capsys.readouterr().out
    assert all(verb in shown for verb in VERBS)
    for verb in VERBS:
        with pytest.raises(SystemExit) as exit_:
            main(["env", verb, "--help"])
        assert exit_.value.code == 0


@pytest.mark.slow
def test_try_and_difficulty_with_the_tiny_model(here):
    code = "import sys; from rlstack.cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "env"]
    done = subprocess.run(
        [*words, "difficulty", "math", "--model", "tiny", "--levels", "0", "--json"],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["suggested_level"] == 0, "level 0 is made for the tiny base"
    done = subprocess.run(
        [*words, "try", "math", "-n", "2", "--model", "tiny"], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.count("   answer    ") == 2
    assert "tiny: mean score" in done.stdout


def test_a_run_with_the_new_env_is_planned(here, capsys):
    from rlstack.run import main as run

    main(["env", "new", "sizes"])
    capsys.readouterr()
    for recipe in ("single", "sft_rl"):
        assert run([f"recipe={recipe}", "env=sizes", "model=tiny", "cluster=cpu", "dry_run=true"]) == 0
        assert "every step: sizes 16" in capsys.readouterr().out
    assert [p.name for p in here.iterdir()] == ["envs"], "nothing was started"
