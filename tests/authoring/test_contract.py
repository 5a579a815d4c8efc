"""`check` as a whole, with live pools: gold, junk, hostile answers, and reports for people."""

from __future__ import annotations

import json
import time

import pytest

from rlstack.authoring import check, prompts_contract
from rlstack.authoring.hostile import TEXTS
from rlstack.authoring.report import Report

pytestmark = pytest.mark.process

EXACT = """
def score(response, data):
    return judged(response.text == data["answer"], "compared")
"""


def marks(report: Report) -> dict[str, str]:
    return {finding.rule: finding.mark for finding in report.findings}


def finding(report: Report, rule: str):
    return next(f for f in report.findings if f.rule == rule)


def own(write, reward: str, **files):
    return check(write('ENV = make(rewards={"sizes": 1.0})', reward=reward, **files), rows=3)


def test_a_sound_env_with_a_reward_of_its_own(write):
    report = own(write, EXACT)
    assert report.sound, report
    assert marks(report) == {
        "loads": "ok",
        "folder": "note",  # neither README.md nor gold.jsonl nor test_env.py
        "data": "ok",
        "stable": "ok",
        "splits": "ok",
        "levels": "ok",
        "size": "ok",
        "gold": "ok",
        "repeatable": "ok",
        "junk": "ok",
        "hostile": "ok",
        "drafts": "note",
        "bounds": "ok",
    }
    assert report.figures.keys() == {"prompts_per_s", "ms_per_score", "ms_per_score_max"}
    assert json.loads(json.dumps(report.to_json()))["sound"] is True


@pytest.mark.parametrize(
    ("reward", "rule", "said"),
    [
        ('def score(r, d):\n    return judged(r.text == "7")', "gold", "6 of 6 gold answers earn too little"),
        ("def score(r, d):\n    return judged(1.0)", "junk", "are paid, e.g. 1.00 for ''"),
        ("def score(r, d):\n    return judged(r.text == str(int(r.text)))", "junk", "ValueError: invalid literal"),
        (
            "def score(r, d):\n    return judged(r.text == d['answer'], part=random.random())",
            "repeatable",
            "another verdict the second time",
        ),
        (
            "def score(r, d):\n    return judged(r.text == d['answer'] or '__import__' in r.text)",
            "hostile",
            "'code' is paid: 1.00 for \"__import__",
        ),
        (
            "def score(r, d):\n    return judged(r.text == d['answer']) if len(r.text) < 900_000 else 1 / 0",
            "hostile",
            "ZeroDivisionError",
        ),
        (
            "def score(r, d):\n    return judged(r.text == d['answer']) if len(r.text) < 900_000 else invalid('long')",
            "hostile",
            "invalid: long",
        ),
    ],
    ids=["gold unpaid", "all paid", "raises", "chance", "pays code", "raises on a long one", "invalid for a bad one"],
)
def test_rewards_that_break_a_rule(write, reward, rule, said):
    report = own(write, reward)
    found = finding(report, rule)
    assert found.mark == "failed", report.findings
    assert said in found.said
    assert found.mend
    assert not report.sound
    assert said in str(report)


def test_a_reward_that_hangs_on_one_text_is_cut_off_and_noted(write):
    hangs = EXACT.replace("    return", "    time.sleep(60 if 'Ignore the rubric' in response.text else 0)\n    return")
    report = own(write, f"DEADLINE_S = 0.3\n{hangs}")
    found = finding(report, "hostile")
    assert found.mark == "note", report.findings
    assert f"1 of {2 * len(TEXTS)} ran into the deadline and were cut off: flattery" in found.said
    assert report.sound


def test_form_alone_may_be_met_by_an_ugly_text(write):
    short = (
        "def score(r, d):\n    return judged(0 < len(r.text.split()) < 4 and len(r.text) > 2 or r.text == d['answer'])"
    )
    body = 'ENV = make(rewards={"sizes": 1.0}, facts={"judges": "form"})'
    report = check(write(body, reward=short), rows=3)
    assert finding(report, "hostile").mark == "ok"
    assert finding(own(write, short), "hostile").mark == "failed"


def test_the_gold_file_is_judged_too(write):
    good = {"messages": [{"role": "user", "content": "Which is larger?"}], "data": {"answer": "7"}, "gold": "7"}
    lines = [json.dumps(good), json.dumps({**good, "gold": "8"})]
    report = own(write, EXACT, gold="\n".join(lines))
    found = finding(report, "gold file")
    assert found.mark == "failed"
    assert "1 of 2 gold answers earn too little, e.g. 0.00 for '8'" in found.said
    assert "rlstack env gold sizes" in found.mend
    report = own(write, EXACT, gold=lines[0] + "\n{broken")
    assert "gold.jsonl:2 is no row" in str(report)


@pytest.mark.parametrize(
    ("body", "rule", "said"),
    [
        ("ENV = 3", "loads", "found a int"),
        ("1 / 0", "loads", "ZeroDivisionError"),
        (
            "def generate(rng, level):\n    raise KeyError('no such word')\nENV = make(generate=generate)",
            "data",
            "env.py:",
        ),
        (
            "def generate(rng, level):\n    return 'a text'\nENV = make(generate=generate)",
            "data",
            "a str, not a Row\n  at ",
        ),
        (
            "def generate(rng, level):\n    return None\nENV = make(generate=generate)",
            "data",
            "nothing, not a Row\n  at ",
        ),
        ("ENV = make(rewards={'exact': '1'})", "loads", "rewards['exact'] is '1', but a weight is a number\n  at "),
        ("def draft(row, rng):\n    pass\nENV = make(draft=draft)", "stable", "draft gave nothing, not a text\n  at "),
        ('ENV = make(rewards={"sizes": 1.0})', "rewards", "envs/sizes/reward.py does not exist"),
        ("def rows(split):\n    return []\nENV = make(generate=None, rows=rows, levels=1)", "data", "is empty"),
        ('ENV = make(rewards={"exakt": 1.0})', "rewards", "did you mean 'exact'"),
    ],
)
def test_what_cannot_be_used_is_a_finding_and_no_traceback(write, body, rule, said):
    report = check(write(body), rows=3)
    found = finding(report, rule)
    assert found.mark == "failed"
    assert said in found.said, found


def test_unknown_names_suggest_the_nearest(write):
    write()
    assert "did you mean 'sizes'" in check("size").findings[0].said


def test_taste_is_not_held_against_gold(write):
    report = own(write, "VERIFIABLE = False\ndef score(r, d):\n    return judged(0.3)")
    assert finding(report, "gold").mark == "note"
    assert report.sound


def test_a_reward_above_its_best_is_told_although_gold_pays(write):
    report = own(write, "def score(r, d):\n    return judged(2.0 if r.text == d['answer'] else 0.0)")
    found = finding(report, "bounds")
    assert found.mark == "failed"
    assert "e.g. 2.00 for " in found.said
    assert finding(report, "gold").mark == "ok"


def test_a_reward_that_always_hangs_ends_the_check_after_a_few_golds(write):
    started = time.monotonic()
    report = own(write, "DEADLINE_S = 0.2\ndef score(r, d):\n    time.sleep(60)")
    found = finding(report, "deadline")
    assert "3 of the first 3 answers ran into the deadline" in found.said
    assert "DEADLINE_S" in found.mend
    assert not report.sound
    assert time.monotonic() - started < 20


def test_a_generator_that_never_ends_is_cut_off_with_its_level_and_line(write, monkeypatch):
    monkeypatch.setattr(prompts_contract, "_LONGEST_S", 0.3)
    name = write("""
        def endless(rng, level):
            while level == 1:
                try:
                    rng.random()
                except Exception:
                    pass
            return generate(rng, level)
        ENV = make(generate=endless)
    """)
    found = finding(check(name, rows=3), "data")
    assert found.mark == "failed"
    assert "level 1: generating 3 prompts took longer than 0.3 s" in found.said
    assert "envs/sizes/env.py:" in found.said


@pytest.mark.parametrize(
    ("reward", "said", "mend"),
    [
        ("raise KeyError('unit')", "KeyError: 'unit'", "it must not raise"),
        ("return judged(float('nan'))", "not finite", "it must not raise"),
        ("return 1.0", "not a Score: use judged(", "it must not raise"),
        ("return invalid('no answer')", "no answer", "mend its data"),
    ],
)
def test_golds_that_cannot_be_judged_say_so_and_are_not_called_harmed(write, reward, said, mend):
    report = own(write, f"def score(r, d):\n    {reward}")
    found = finding(report, "gold")
    assert "6 of 6 gold answers cannot be judged" in found.said
    assert said in found.said
    assert mend in found.mend
    assert "pay in full" not in found.mend
    assert "harmed" not in str(report)


def test_hints_name_the_path_that_was_given(write, tmp_path):
    write(gold="{broken")
    report = check("./envs/sizes", rows=3)
    assert "rlstack env gold ./envs/sizes" in finding(report, "gold file").mend
    assert "rewards" not in marks(report), "a broken gold file is not the rewards' fault"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["instruction", "calibration", "calculator", "sql", "math"])
def test_ours_keep_the_contract_that_authors_are_held_to(name):
    report = check(name, rows=6)
    assert report.sound, report
