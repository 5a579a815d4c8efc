"""Identity and sampling of prompts: pure, disjoint, exact."""

from __future__ import annotations

import hashlib
import random

import pytest

from rlstack.api import Env, Row
from rlstack.config.rl import EnvShare
from rlstack.data import prompts
from rlstack.data.prompts import draw, eval_prompts, quotas
from rlstack.errors import ConfigError, PluginError


def _digits(rng: random.Random, level: int) -> Row:
    n = rng.randrange(10 ** (level + 2))
    return Row.ask(f"Say {n}.", {"answer": str(n)}, str(n))


def _env(name: str = "digits", **fields) -> Env:
    return Env(name=name, rewards={"exact": 1.0}, **({"generate": _digits, "levels": 3} | fields))


def _table(n_train: int, n_eval: int = 4, name: str = "table") -> Env:
    rows = {
        "train": [Row.ask(f"t{i}", {"i": i}, "x") for i in range(n_train)],
        "eval": [Row.ask(f"e{i}", {"i": i}, "x") for i in range(n_eval)],
    }
    return Env(name=name, rewards={"exact": 1.0}, rows=lambda split: rows[split])


def test_id_depends_on_env_and_messages_only():
    message = {"role": "user", "content": "héllo"}
    one = prompts.prompt_id("a", [message])
    assert one == prompts.prompt_id("a", ({"content": "héllo", "role": "user"},))
    assert one != prompts.prompt_id("b", [message])
    assert one != prompts.prompt_id("a", [message, message])
    text = '["a", [{"content": "héllo", "role": "user"}]]'
    assert one == hashlib.sha256(text.encode()).hexdigest()[:16]  # as saved rollouts have it


def test_draw_is_a_function_of_its_arguments():
    env = _env()
    assert draw(env, "train", 5, 1, seed=3) == draw(env, "train", 5, 1, seed=3)
    seen = {draw(env, "train", i, 2, seed)[0].id for i in range(20) for seed in range(3)}
    assert len(seen) > 55, "index and seed both matter"


def test_splits_are_disjoint_even_where_texts_are_few():
    env = _env()  # 100 texts at level 0
    train = {draw(env, "train", i, 0, seed)[0].id for i in range(400) for seed in range(2)}
    held_out = {p.id for p in eval_prompts(env, 50)}
    assert not train & held_out
    assert len(train | held_out) == 100
    assert 5 <= len(held_out) <= 25


def test_too_few_texts_end_with_an_error():
    same = _env(generate=lambda rng, level: Row.ask("always", {}, "x"), levels=1)
    split = prompts.split_of(Row.ask("always", {}, "x").messages)
    other = "eval" if split == "train" else "train"
    with pytest.raises(PluginError, match=f"no further {other} prompt"):
        draw(same, other, 0, 0, 0)


def test_eval_prompts_are_distinct_and_few_where_there_are_few():
    env = _env()
    found = eval_prompts(env, 30, level=2)
    assert len({p.id for p in found}) == 30
    assert found == eval_prompts(env, 30, level=2)
    assert found[:10] == eval_prompts(env, 10, level=2)
    assert len(eval_prompts(_table(5, n_eval=3), 64)) == 3
    with pytest.raises(PluginError, match="is empty"):
        eval_prompts(_table(5, n_eval=0), 4)


def test_data_set_epochs_are_permutations_that_differ():
    env = _table(30)
    first, second = ([draw(env, "train", i + 30 * e, 0, 7)[0].id for i in range(30)] for e in range(2))
    assert sorted(first) == sorted(second)
    assert len(set(first)) == 30
    assert first != second
    assert first != [draw(env, "train", i, 0, 8)[0].id for i in range(30)]


def test_a_text_twice_in_a_data_set_counts_once():
    rows = [Row.ask("same", {"i": i}, "x") for i in range(3)] + [Row.ask("other", {}, "x")]
    env = Env(name="twice", rewards={"exact": 1.0}, rows=lambda split: rows)
    kept = prompts.data_rows(env, "train")
    assert [row.messages[0]["content"] for row in kept] == ["same", "other"]
    assert kept[0].data == {"i": 0}


@pytest.mark.parametrize(
    ("weights", "n", "expected"),
    [
        ({"a": 1, "b": 1, "c": 1}, 16, {"a": 6, "b": 5, "c": 5}),
        ({"a": 1, "b": 1}, 2, {"a": 1, "b": 1}),
        ({"a": 3, "b": 1}, 8, {"a": 6, "b": 2}),
        ({"a": 0.5, "b": 0.3, "c": 0.2}, 7, {"a": 4, "b": 2, "c": 1}),
    ],
)
def test_quotas_by_largest_remainder(weights, n, expected):
    assert quotas(weights, n) == expected


def test_quotas_are_exact_for_any_weights():
    rng = random.Random(0)
    for _ in range(300):
        weights = {f"e{i}": rng.uniform(0.5, 3) for i in range(rng.randint(1, 9))}
        n = rng.randint(60, 300)
        counts = quotas(weights, n)
        total = sum(weights.values())
        assert sum(counts.values()) == n
        assert all(abs(counts[e] - n * w / total) < 1 for e, w in weights.items())


def test_an_env_without_a_prompt_is_refused_with_a_way_out():
    with pytest.raises(ConfigError, match=r"leaves no prompt for b.*44 is enough"):
        quotas({"a": 43.0, "b": 1.0}, 16)
    assert quotas({"a": 43.0, "b": 1.0}, 44)["b"] == 1


def test_load_sources_checks_level_and_name(tmp_path):
    loaded = prompts.load_sources({"math": EnvShare(level=1, weight=2.0), "logic": EnvShare()})
    assert [(s.env.name, s.weight, s.level) for s in loaded] == [("logic", 1.0, 0), ("math", 2.0, 1)]
    with pytest.raises(ConfigError, match=r"envs\.math\.level=99.*levels 0 to"):
        prompts.load_sources({"math": EnvShare(level=99)})
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "env.py").write_text(
        "from rlstack.api import Env\nENV = Env(name='mine', rewards={'exact': 1.0}, rows=lambda split: [])\n"
    )
    with pytest.raises(ConfigError, match="holds the env 'mine'"):
        prompts.load_sources({"other": EnvShare(path=str(folder))})


def test_draft_is_the_gold_without_a_draft_function():
    env = _env()
    prompt, row = draw(env, "train", 0, 0, 0)
    assert prompts.draft(env, prompt, row, 0) == row.gold
    noisy = _env(draft=lambda row, rng: f"{row.gold} {rng.random()}")
    assert prompts.draft(noisy, prompt, row, 1) == prompts.draft(noisy, prompt, row, 1)
    assert prompts.draft(noisy, prompt, row, 1) != prompts.draft(noisy, prompt, row, 2)


def _parity(row: Row) -> str:
    return "even" if int(row.gold) % 2 == 0 else "odd"


def test_kinds_take_turns_in_a_stream():
    env = _env(kind=_parity, kinds=("even", "odd"))
    assert [_parity(draw(env, "train", i, 1, 5)[1]) for i in range(12)] == ["even", "odd"] * 6


def test_kinds_of_a_data_set_are_evenly_interleaved():
    rows = [Row.ask(f"n{i}", {}, str(i)) for i in [*range(0, 40, 2), 1, 3, 5, 7, 9]]
    env = Env(name="t", rewards={"exact": 1.0}, rows=lambda split: rows, kind=_parity, kinds=("even", "odd"))
    for epoch in range(2):
        drawn = [_parity(draw(env, "train", 25 * epoch + i, 0, 5)[1]) for i in range(25)]
        assert all(drawn[i : i + 5].count("odd") == 1 for i in range(0, 25, 5))
    first, second = ([draw(env, "train", 25 * e + i, 0, 5)[0].id for i in range(25)] for e in range(2))
    assert first != second
    assert sorted(first) == sorted(second)


@pytest.mark.parametrize("fields", [{"kind": _parity}, {"kinds": ("even", "odd")}])
def test_kinds_come_with_their_names(fields):
    with pytest.raises(ValueError, match="kind= and kinds="):
        _env(**fields)
