"""What every environment of ours owes: determinism, fair splits, gold that pays and junk that does not."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import rlstack.envs
from rlstack.api import Env, Response, Row
from rlstack.data.prompts import demonstration, draft, draw, eval_prompts, split_of
from rlstack.plugins import list_envs, load_env, load_reward
from rlstack.types import Prompt

HOME = Path(rlstack.envs.__path__[0]).resolve()
NAMES = sorted(folder.parent.name for folder in HOME.glob("*/env.py"))
CASES = [(name, level) for name in NAMES for level in range(load_env(name).levels)]
SEED = 11
N = 24

FORM = {"instruction": 0.45, "identity": 1.0}  # share of other prompts' answers that may rightly pay
SAYS_NOTHING = ("", " \n", "{}", "[]", "null", "\\boxed{}", "?" * 500)

Judge = Callable[[Prompt, str], float]


def judge_of(env: Env) -> Judge:
    """The env's score of an answer to a prompt, as a share of the best."""
    rewards = [(load_reward(name).score, weight) for name, weight in env.rewards.items()]
    best = sum(weight for _, weight in rewards)

    def judge(prompt: Prompt, text: str) -> float:
        scores = [(score(Response(text, messages=prompt.messages), prompt.data), weight) for score, weight in rewards]
        assert all(score.status == "ok" for score, _ in scores), (text, [score.detail for score, _ in scores])
        return sum(score.value * weight for score, weight in scores) / best

    return judge


def stream(env: Env, level: int, n: int = N, seed: int = SEED) -> list[tuple[Prompt, Row]]:
    return [draw(env, "train", index, level, seed) for index in range(n)]


def test_ours_all_load():
    assert len(NAMES) >= 6
    assert {one.name: one.problem for one in list_envs() if one.name in NAMES} == dict.fromkeys(NAMES, "")


@pytest.mark.parametrize("name", NAMES)
def test_folder_is_complete(name):
    folder = HOME / name
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for word in ("Source", "Licence", "Example"):
        assert word in readme, f"{name}/README.md says nothing on {word}"
    env = load_env(name)
    assert {"source", "licence", "about"} <= set(env.facts)
    assert (folder / "test_env.py").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_gold_file(name):
    env = load_env(name)
    judge = judge_of(env)
    rows = [json.loads(line) for line in (HOME / name / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 20
    for row in rows:
        prompt = Prompt("", name, 0, tuple(row["messages"]), row["data"])
        assert judge(prompt, row["gold"]) >= 0.99, row


@pytest.mark.parametrize(("name", "level"), CASES)
def test_deterministic_and_json(name, level):
    env = load_env(name)
    once, again = stream(env, level), stream(env, level)
    assert once == again
    assert [p.id for p, _ in once] != [p.id for p, _ in stream(env, level, seed=SEED + 1)]
    for prompt, row in once:
        assert json.loads(json.dumps(row.data, allow_nan=False)) == row.data
        assert Prompt.from_json(json.loads(json.dumps(prompt.to_json()))) == prompt
        assert row.messages[-1]["role"] == "user"


@pytest.mark.parametrize(("name", "level"), CASES)
def test_gold_pays_and_junk_does_not(name, level):
    env = load_env(name)
    judge = judge_of(env)
    rows = stream(env, level)
    for prompt, row in rows:
        assert judge(prompt, row.gold) >= 0.99, (row.messages, row.gold)
        unsure = () if row.data.get("answerable") is False else ("I don't know",)
        for text in (*SAYS_NOTHING, *unsure, "SELECT 1"):
            assert judge(prompt, text) <= 0.01, (row.messages, text)
        assert judge(prompt, row.messages[-1]["content"]) <= 0.01, ("echo", row.messages)
    golds = Counter(row.gold for _, row in rows)
    others = [(prompt, gold, n) for prompt, row in rows for gold, n in golds.items() if gold != row.gold]
    paid = sum(n for prompt, gold, n in others if judge(prompt, gold) > 0.01)
    assert paid <= FORM.get(name, 0.02) * sum(n for *_, n in others), "answers to other prompts pay"
    ones = sum(judge(prompt, "1") > 0.01 for prompt, row in rows if "1" not in row.gold)
    assert ones == 0


@pytest.mark.parametrize(("name", "level"), CASES)
def test_splits_are_disjoint_and_large(name, level):
    env = load_env(name)
    train = {p.id for p, _ in stream(env, level, 100)}
    held_out = eval_prompts(env, 40, level)
    assert len(held_out) == 40
    assert all(split_of(p.messages) == "eval" for p in held_out)
    assert not train & {p.id for p in held_out}
    assert len(train) >= 60, "the generator repeats itself"


@pytest.mark.parametrize("name", NAMES)
def test_level_0_is_wide_and_short(name):
    """A model of a million parameters reads it, and 500 prompts are there to tell learning from recall."""
    env = load_env(name)
    rows = stream(env, 0, 1500)
    assert len({p.id for p, _ in rows}) >= 500
    assert max(len(row.messages[-1]["content"]) for _, row in rows) <= 100
    assert max(len(row.gold) for _, row in rows) <= 64


@pytest.mark.parametrize("name", NAMES)
def test_levels_differ(name):
    env = load_env(name)
    texts = [{row.messages[-1]["content"] for _, row in stream(env, level)} for level in range(env.levels)]
    assert env.levels >= 3
    assert all(not a & b for i, a in enumerate(texts) for b in texts[:i])


@pytest.mark.parametrize("name", NAMES)
def test_drafts_leave_choices_open(name):
    """An imitator of the drafts is right on every kind of prompt sometimes, and never always."""
    env = load_env(name)
    judge = judge_of(env)
    assert env.draft is not None
    shares = []
    for prompt, row in stream(env, 0, 60):
        assert draft(env, prompt, row, 1) == draft(env, prompt, row, 1)
        written = [env.draft(row, random.Random(i)) for i in range(24)]
        passed = [judge(prompt, demonstration(env, prompt, row, text)[-1]["content"]) for text in written]
        assert all(value <= 0.01 or value >= 0.99 for value in passed)
        assert len(set(written)) >= 3
        assert max(map(len, written)) <= 64
        shares.append(sum(value >= 0.99 for value in passed) / len(passed))
    assert 0.3 <= sum(shares) / len(shares) <= 0.5
    assert min(shares) > 0.05
    assert max(shares) < 0.85
