"""Dynamic sampling with a policy that is known: exact quotas, limits, epoch ends, and a run that was killed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from rlstack.api import Env, Row
from rlstack.config.rl import DifficultyConfig, EnvShare, SamplingConfig
from rlstack.data.prompts import Source
from rlstack.data.stream import Position, Supply
from rlstack.scoring.shaping import credited
from rlstack.stages import rl_metrics
from rlstack.stages.collect import Collected
from rlstack.stages.gather import Gathered, Gathering, gather, has_preference
from rlstack.stages.records import group_row, read_groups
from rlstack.types import Group, Prompt, Sample, Score

FULL = {"a": 1.0, "b": 1.0, "table": 1.0}
Value = Callable[[Prompt, int], float]


def _endless(name: str) -> Env:
    def generate(rng: Any, level: int) -> Row:
        n = rng.randrange(10**6)
        return Row.ask(f"Say {n}.", {"i": n}, str(n))

    return Env(name=name, rewards={"exact": 1.0}, generate=generate)


def _table(n: int) -> Env:
    rows = [Row.ask(f"t{i}", {"i": i}, str(i)) for i in range(n)]
    return Env(name="table", rewards={"exact": 1.0}, rows=lambda split: rows)


def _sample(prompt: Prompt, index: int, reason: Any = "stop") -> Sample:
    ids = np.array([1, 2, 3], np.int32)
    return Sample(prompt.id, prompt.env, index, ids, ids, np.zeros(3, np.float32), np.ones(3, np.bool_), reason, 0, "")


def _policy(value: Value, asked: list[int] | None = None) -> Callable[[Sequence[Prompt]], Collected]:
    def roll(prompts: Sequence[Prompt]) -> Collected:
        if asked is not None:
            asked.append(len(prompts))
        groups = [
            Group(p, tuple(_sample(p, i) for i in range(4)), tuple(Score(value(p, i)) for i in range(4)))
            for p in prompts
        ]
        return Collected(tuple(groups), 1.0, 0.25)

    return roll


def _rules(quotas: dict[str, int], *, refill: int, n: int = 30, kind: Any = "fixed") -> Gathering:
    envs = {"a": _endless("a"), "b": _endless("b"), "table": _table(n)}
    supply = Supply([Source(envs[name]) for name in quotas], quotas, 7, DifficultyConfig(kind=kind))
    sampling = SamplingConfig(max_tokens=8)
    return Gathering(supply, lambda g: credited(g, EnvShare(), sampling, 1.0), FULL, refill, {})


def _mixed_where(prefers: Callable[[Prompt], bool]) -> Value:
    return lambda prompt, i: float(i % 2) if prefers(prompt) else 1.0


def _third(prompt: Prompt) -> bool:
    return prompt.data["i"] % 3 == 0


def test_off_is_one_round_and_drops_nothing():
    asked: list[int] = []
    found = gather(_policy(_mixed_where(_third), asked), _rules({"a": 4, "b": 2}, refill=0), Position())
    assert asked == [6]
    assert found.made_P == found.groups_P
    assert not any(g.dropped for g in found.made_P)


def test_every_place_gets_a_preference_and_quotas_stay_exact():
    asked: list[int] = []
    rules = _rules({"a": 6, "b": 3, "table": 3}, refill=30)
    found = gather(_policy(_mixed_where(_third), asked), rules, Position())
    assert Counter(g.prompt.env for g in found.groups_P) == {"a": 6, "b": 3, "table": 3}
    assert all(_third(g.prompt) for g in found.groups_P)
    assert len({g.prompt.id for g in found.made_P}) == len(found.made_P) == sum(asked)
    assert asked == sorted(asked, reverse=True), "only what is missing is sampled again"
    assert [g.prompt.id for g in found.made_P if not g.dropped] != []
    assert {g.prompt.id for g in found.groups_P} == {g.prompt.id for g in found.made_P if not g.dropped}
    first = gather(_policy(_mixed_where(_third)), _rules({"a": 6, "b": 3, "table": 3}, refill=0), Position())
    assert [g.prompt.env for g in found.groups_P] == [g.prompt.env for g in first.groups_P], "places keep their env"
    assert (found.rounds, found.rollout_s, found.judging_s) == (len(asked), len(asked), len(asked) / 4)


def test_at_the_limit_groups_without_a_preference_keep_their_places():
    asked: list[int] = []
    found = gather(_policy(lambda prompt, i: 1.0, asked), _rules({"a": 4}, refill=2), Position())
    assert asked == [4, 4, 4]
    assert [g.prompt.id for g in found.groups_P] == [g.prompt.id for g in found.made_P[:4]]
    assert [bool(g.dropped) for g in found.made_P] == [False] * 4 + [True] * 8


def test_a_data_set_whose_rows_are_all_tried_ends_the_refill():
    asked: list[int] = []
    found = gather(_policy(lambda prompt, i: 0.0, asked), _rules({"table": 4}, refill=99, n=10), Position())
    assert asked == [4, 4, 2]
    assert sorted(g.prompt.data["i"] for g in found.made_P) == list(range(10))
    assert len(found.groups_P) == 4


def _course(rules: Gathering, value: Value, steps: int, position: Position) -> tuple[list[list[str]], Position]:
    seen = []
    for _ in range(steps):
        found = gather(_policy(value), rules, position)
        position = found.position
        seen.append([g.prompt.id + g.dropped for g in found.made_P])
    return seen, position


@pytest.mark.parametrize("kind", ["fixed", "learnable"])
def test_a_killed_run_meets_the_same_prompts_over_epoch_ends(kind: str):
    rules, value = _rules({"a": 3, "table": 4}, refill=4, n=11, kind=kind), _mixed_where(_third)
    whole, end = _course(rules, value, 9, Position())
    for stop in range(9):
        _, position = _course(rules, value, stop, Position())
        saved = Position.from_json(json.loads(json.dumps(position.to_json())))
        rest, last = _course(rules, value, 9 - stop, saved)
        assert rest == whole[stop:]
        assert last == end
    assert end.next["table"] > 2 * 11, "more than two epochs"


def test_refills_use_up_an_epoch_before_the_next_begins():
    found, position = [], Position()
    for _ in range(9):
        gathered = gather(_policy(_mixed_where(_third)), _rules({"table": 1}, refill=9, n=12), position)
        position = gathered.position
        found += [g.prompt.data["i"] for g in gathered.made_P]
    for epoch in range(2):
        assert sorted(found[12 * epoch : 12 * epoch + 12]) == list(range(12))


def test_the_policys_passes_are_counted_once_per_step():
    rules = _rules({"a": 4}, refill=1, kind="learnable")
    position = gather(_policy(lambda prompt, i: float(i < 3)), rules, Position()).position
    assert position.seen == {"a": {"0": type(position.seen["a"]["0"])(12.0, 16.0)}}


# ---- what a preference is -----------------------------------------------------------------------------


def _group(values: Sequence[float], reasons: Sequence[str] = (), truncated: str = "keep", **share: Any) -> Group:
    prompt = Prompt("p", "a", 0, (), {})
    samples = tuple(_sample(prompt, i, reason) for i, reason in enumerate(reasons or ["stop"] * len(values)))
    group = Group(prompt, samples, tuple(Score(v) for v in values))
    return credited(group, EnvShare(**share), SamplingConfig(max_tokens=3, truncated=truncated, overlong_cache=2), 1.0)


def test_terms_alone_are_no_preference():
    assert not has_preference(_group([1.0, 1.0], diversity=1.0), {})
    assert has_preference(_group([1.0, 0.0]), {})
    assert not has_preference(_group([0.1 + 0.2, 0.3]), {})
    assert not has_preference(_group([1.0]), {})


def test_truncated_samples_in_a_preference():
    values, reasons = [0.0, 1.0, 1.0], ["length", "stop", "stop"]
    assert has_preference(_group(values, reasons), {})
    assert has_preference(_group(values, reasons, "mask"), {}), "the baseline is below the others"
    assert not has_preference(_group(values, reasons, "drop"), {})
    assert has_preference(_group([1.0, 1.0, 1.0], reasons, "zero"), {})
    assert not has_preference(_group([0.0, 1.0], ["length", "length"], "mask"), {}), "none of them is learned from"


def test_rewards_that_are_normalised_one_by_one_may_each_prefer():
    group = _group([1.0, 1.0])
    scores = (Score(1.0, components={"x": 1.0, "y": 0.0}), Score(1.0, components={"x": 0.0, "y": 1.0}))
    group = Group(group.prompt, group.samples_G, scores, group.credits_G)
    assert not has_preference(group, {})
    assert has_preference(group, {"a": {"x": 1.0, "y": 1.0}})


def test_a_reward_of_weight_zero_prefers_nothing_neither_in_refills_nor_in_metrics():
    group = _group([1.0, 1.0])
    scores = (Score(1.0, components={"x": 1.0, "watched": 0.0}), Score(1.0, components={"x": 1.0, "watched": 1.0}))
    group = Group(group.prompt, group.samples_G, scores, group.credits_G)
    assert not has_preference(group, {"a": {"x": 1.0, "watched": 0.0}})
    assert has_preference(group, {"a": {"x": 1.0, "watched": -0.5}})
    gathered = Gathered((group,), (group,), Position(), 1, 0.0, 0.0)
    shares = [
        rl_metrics.of_groups(gathered, {"a": {"x": 1.0, "watched": weight}})["group/zero_variance"]
        for weight in (0.0, 0.5)
    ]
    assert shares == [1.0, 0.0]


# ---- records and metrics ------------------------------------------------------------------------------


def _gathered() -> Gathered:
    return gather(_policy(_mixed_where(_third)), _rules({"a": 6, "b": 3}, refill=2), Position())


def test_rollouts_say_what_was_dropped_and_what_training_made_of_it(tmp_path):
    made = _gathered().made_P
    file = tmp_path / "rollouts.jsonl"
    file.write_text("".join(json.dumps(group_row(g, 1)) + "\n" for g in made))
    read = read_groups(file)
    assert [(g.dropped, g.credits_G, g.scores_G) for g in read] == [(g.dropped, g.credits_G, g.scores_G) for g in made]
    assert {g.dropped for g in read} == {"", "zero variance"}
    dropped = next(row for row in map(json.loads, file.read_text().splitlines()) if "dropped" in row)
    assert dropped["samples"][3]["credit"] == {"value": 1.0, "base": 1.0, "counts": True, "trains": True, "terms": {}}


def test_accounts_of_a_step_add_up():
    gathered = _gathered()
    found = rl_metrics.of_groups(gathered, {})
    for suffix, quota in (("", 9), ("/a", 6), ("/b", 3)):
        assert found[f"group/kept{suffix}"] == quota
        assert found[f"group/generated{suffix}"] == quota + found[f"group/dropped{suffix}"]
    own = [g for g in gathered.made_P if g.prompt.env == "a"]
    assert found["group/generated/a"] == len(own)
    assert found["group/zero_variance/a"] == pytest.approx(sum(not _third(g.prompt) for g in own) / len(own))
    assert found["reward/a"] == pytest.approx(np.mean([s.value for g in own for s in g.scores_G]))
    assert found["group/rounds"] == gathered.rounds == 3
