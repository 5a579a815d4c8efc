"""The pure parts of the benchmark, its process protocol, and once the whole script at a toy size."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rlstack.api import Response
from rlstack.models.chat import stop_ids
from rlstack.models.tokenizer import open_tokenizer

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "models" / "tiny" / "base"


@pytest.fixture(autouse=True)
def _scripts_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))


def module(name: str) -> ModuleType:
    return importlib.import_module(name)


# ---- figures ------------------------------------------------------------------------------------------


def pair(step_s: float, trl_s: float, *, tokens: int = 1000, bare_s: float = 1.0) -> Any:
    script, theirs, ours = module("grpo_vs_trl"), module("grpo.theirs"), module("grpo.ours")
    metrics = {
        "seconds/step": step_s, "seconds/rollout": 0.4 * step_s, "seconds/judging": 0.0, "seconds/learn": 0.5 * step_s,
        "seconds/sync": 0.05 * step_s, "speed/tokens": tokens, "reward/mean": 0.5, "cpu_s": 2 * step_s,
    }  # fmt: skip
    trl = theirs.TrlStep(seconds=trl_s, cpu_s=trl_s, generate_s=0.75 * trl_s, tokens=1000, longest=128, reward=0.25)
    return script.Pair(metrics, trl, ours.Bare(bare_s, 1000), ours.Bare(bare_s / 2, 1000), load=1.0)


def test_a_pair_compares_tokens_per_second_of_whole_steps() -> None:
    one = pair(2.0, 6.0)
    assert one.ratio == pytest.approx(3.0)
    assert one.cpu_ratio == pytest.approx(1.5)  # we spent two CPU seconds a second, TRL one
    assert pair(2.0, 6.0, tokens=500).ratio == pytest.approx(1.5)


def test_our_rollouts_are_compared_with_bare_vllm_by_tokens_per_second() -> None:
    one = pair(2.0, 6.0, bare_s=0.6)
    assert one.of_bare(one.seeded) == pytest.approx(0.75)  # 0.8 s of rollouts against 0.6 s
    assert one.of_bare(one.unseeded) == pytest.approx(0.375)


def test_phases_add_up_to_the_step() -> None:
    phases = pair(2.0, 6.0).phases()
    assert sum(phases.values()) == pytest.approx(2.0)
    assert phases["rest"] == pytest.approx(0.1)


def test_the_summary_is_the_median_of_ratios_not_a_ratio_of_medians() -> None:
    script = module("grpo_vs_trl")
    pairs = [pair(1.0, 2.0), pair(2.0, 2.0), pair(4.0, 20.0)]  # ratios 2, 1, 5; medians 2 s and 2 s
    facts = script.summary(pairs)
    assert facts["ratio"] == {"median": pytest.approx(2.0), "min": pytest.approx(1.0), "max": pytest.approx(5.0)}
    assert facts["trl_phases_s"] == {"generation": pytest.approx(1.5), "rest": pytest.approx(0.5)}
    assert "2.00 (1.00-5.00)" in script.table(facts)


def test_a_run_of_our_side_alone_has_a_table_too() -> None:
    script = module("grpo_vs_trl")
    alone = script.Pair(pair(2.0, 6.0).ours, None, None, None, load=0.5)
    facts = script.summary([alone])
    assert "ratio" not in facts
    assert "500 trained tok/s" in script.table(facts)
    assert "TRL" not in alone.line(1)


def test_options_refuse_a_batch_that_does_not_divide_the_step(capsys: pytest.CaptureFixture[str]) -> None:
    script = module("grpo_vs_trl")
    assert script.parse(["--prompts", "4"]).trl_batch == 64
    assert script.parse(["--lengths", "real"]).envs == script.NINE
    with pytest.raises(SystemExit):
        script.parse(["--trl-batch", "48"])
    assert "does not divide 8 x 16" in capsys.readouterr().err


# ---- what both sides load -----------------------------------------------------------------------------


def test_equal_lengths_leave_no_token_that_could_end_an_answer(tmp_path: Path) -> None:
    checkpoint = module("grpo.checkpoint")
    folder = checkpoint.prepare(TINY, tmp_path / "model", "equal", None)
    tokenizer = open_tokenizer(folder)
    assert stop_ids(tokenizer, folder) == ()
    trl = checkpoint.tokenizer_with_end(folder)
    assert trl.eos_token_id >= json.loads((folder / "config.json").read_text())["vocab_size"]
    text = "<|start_of_role|>user<|end_of_role|>What is 3 + 4?<|end_of_text|>"
    assert trl.encode(text) == tokenizer.encode(text) == open_tokenizer(TINY).encode(text)
    assert (folder / "model.safetensors").read_bytes() == (TINY / "model.safetensors").read_bytes()


def test_real_lengths_leave_a_trained_checkpoint_as_it_is(tmp_path: Path) -> None:
    checkpoint = module("grpo.checkpoint")
    folder = checkpoint.prepare(TINY, tmp_path / "model", "real", None)
    for file in TINY.iterdir():
        assert (folder / file.name).read_bytes() == file.read_bytes()
    assert checkpoint.tokenizer_with_end(folder).eos_token_id == open_tokenizer(TINY).eos_token_id


def test_random_weights_get_end_tokens_of_the_wanted_rate(tmp_path: Path) -> None:
    checkpoint = module("grpo.checkpoint")
    folder = checkpoint.prepare(TINY, tmp_path / "model", "real", 40)
    ids = stop_ids(open_tokenizer(folder), folder)
    assert 1024 / 40 - 1 <= len(ids) <= 1024 / 40 + 2  # the tokenizer's own end may be one more
    assert max(ids) < 1024
    assert len(set(checkpoint.spread(1000, 10))) == 100


def test_the_reward_is_the_share_of_vowels() -> None:
    vowels = module("grpo.vowels")
    assert vowels.score(Response("Ab e"), {}).value == 0.5
    assert vowels.score(Response(""), {}).value == 0.0


# ---- the other process --------------------------------------------------------------------------------


def child(tmp_path: Path, program: str) -> Any:
    return module("grpo.theirs").Child([sys.executable, "-u", "-c", program], tmp_path / "log", {})


def test_a_child_answers_each_line(tmp_path: Path) -> None:
    echo = child(tmp_path, "import sys\nfor n, line in enumerate(sys.stdin): print('{\"n\": %d}' % n)")
    try:
        for n in range(3):
            echo.say("1")
            assert echo.answer(20) == {"n": n}
    finally:
        echo.close()


def test_a_child_that_hangs_is_given_up_at_the_deadline_and_killed(tmp_path: Path) -> None:
    hung = child(tmp_path, "import os, sys, time; os.write(2, b'thinking'); print('{\"ready\": 1}'); time.sleep(600)")
    hung.answer(20)
    started = time.monotonic()
    with pytest.raises(module("grpo.theirs").ChildError, match=r"no answer within 0 s(.|\n)*thinking"):
        hung.answer(0.2)
    hung.close()
    assert time.monotonic() - started < 10


def test_a_child_that_dies_leaves_its_status_and_its_last_words(tmp_path: Path) -> None:
    dead = child(tmp_path, "raise SystemExit('no such model')")
    with pytest.raises(module("grpo.theirs").ChildError, match=r"status 1(.|\n)*no such model"):
        dead.answer(20)
    dead.close()


def test_trl_gets_the_number_of_threads_with_which_it_is_faster(tmp_path: Path) -> None:
    theirs = module("grpo.theirs")
    row = '{"seconds": %f, "cpu_s": 1, "generate_s": 1, "tokens": 1, "longest": 1, "reward": 0}'
    for one, two, best in ((1.0, 2.0, 1), (2.0, 1.0, 2)):
        seconds = f"{{1: {one}, 2: {two}}}[int(line)] - (n == 0)"  # a quick first step does not count
        program = f"import sys\nfor n, line in enumerate(sys.stdin): print({row!r} % ({seconds}))"
        trl = child(tmp_path, program)
        try:
            assert theirs.best_threads(trl, 20) == best
        finally:
            trl.close()


def test_cpu_seconds_count_descendants() -> None:
    ours = module("grpo.ours")
    spin = "import time\nwhile time.process_time() < 0.5: pass\nprint(1, flush=True)\ninput()"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}])"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        assert busy.stdin is not None
        busy.stdout.readline()
        whole, grandchildren = ours.tree_of(os.getpid(), [busy.pid]), ours.tree_of(busy.pid, [])[1:]
        assert {p.pid for p in grandchildren} <= {p.pid for p in whole}
        assert ours.cpu_seconds(grandchildren) >= 0.4
        busy.stdin.write(b"\n")


# ---- the script ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.bench
def test_both_sides_train_side_by_side(tmp_path: Path) -> None:
    if importlib.util.find_spec("trl") is None:
        pytest.skip("TRL is not installed: make setup EXTRAS=bench")
    file = tmp_path / "out.json"
    sizes = ["--prompts", "2", "--samples", "4", "--tokens", "12", "--pairs", "1", "--learners", "1"]
    options = ["--trl-batch", "4", "--json", str(file)]
    script = [sys.executable, str(ROOT / "bench" / "grpo_vs_trl.py"), *sizes, *options]
    done = subprocess.run(script, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    [row] = json.loads(file.read_text())["pairs"]
    assert row["ours"]["speed/tokens"] == row["trl"]["tokens"] == row["seeded"]["tokens"] == 2 * 4 * 12
    assert 0 < row["trl"]["generate_s"] < row["trl"]["seconds"]
    assert "ours / TRL, trained tokens per second" in done.stdout
