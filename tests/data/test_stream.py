"""Which prompts a step meets: exact quotas, epochs, refills, learnability, and positions that survive JSON."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from rlstack.api import Env, Row
from rlstack.config.rl import DifficultyConfig
from rlstack.data import prompts
from rlstack.data.difficulty import Passes, ranking, weight
from rlstack.data.prompts import Source, quotas
from rlstack.data.stream import Position, Supply, further_prompts, observed, stage_seed, step_prompts
from rlstack.errors import PluginError
from rlstack.types import Prompt

LEARNABLE = DifficultyConfig(kind="learnable")


def _digits(rng: random.Random, level: int) -> Row:
    n = rng.randrange(10 ** (level + 2))
    return Row.ask(f"Say {n}.", {"answer": str(n)}, str(n))


def _env(name: str = "digits", **fields) -> Env:
    return Env(name=name, rewards={"exact": 1.0}, **({"generate": _digits, "levels": 3} | fields))


def _table(n: int, name: str = "table", **fields) -> Env:
    rows = [Row.ask(f"t{i}", {"i": i}, str(i)) for i in range(n)]
    return Env(name=name, rewards={"exact": 1.0}, rows=lambda split: rows, **fields)


def _supply(sources: Sequence[Source], n: int, seed: int = 0, stage: str = "rl", **fields) -> Supply:
    counts = quotas({source.env.name: source.weight for source in sources}, n)
    return Supply(sources, counts, stage_seed(seed, stage), **fields)


def _steps(supply: Supply, n: int) -> list[tuple[Prompt, ...]]:
    position, found = Position(), []
    for _ in range(n):
        prompts_P, position = step_prompts(supply, position)
        position = Position.from_json(json.loads(json.dumps(position.to_json())))  # as a checkpoint keeps it
        found.append(prompts_P)
    return found


def _mixture(*weights: float) -> tuple[Source, ...]:
    return tuple(Source(_env(f"env{i}"), weight, level=2) for i, weight in enumerate(weights))


def test_step_prompts_are_pure_distinct_and_never_held_out():
    sources = _mixture(1, 2, 3)
    steps = _steps(_supply(sources, 24, 1), 6)
    assert steps == _steps(_supply(sources, 24, 1), 6)
    assert steps[3] != _steps(_supply(sources, 24, 1, "math"), 4)[3]
    assert steps[3] != _steps(_supply(sources, 24, 2), 4)[3]
    for found in steps:
        assert Counter(p.env for p in found) == {"env0": 4, "env1": 8, "env2": 12}
        assert len({p.id for p in found}) == 24
        assert all(prompts.split_of(p.messages) == "train" for p in found)
    positions = [(p.env, p.index) for found in steps for p in found]
    assert len(set(positions)) == len(positions), "no position of a stream is used twice"


def test_a_step_repeats_no_text_even_where_texts_are_few():
    source = Source(_env(), 1.0, level=0)
    assert len({p.id for p in _steps(_supply([source], 60), 1)[0]}) == 60
    with pytest.raises(PluginError, match="too few distinct texts"):
        _steps(_supply([source], 99), 1)


def test_every_part_of_a_step_holds_every_env():
    for weights in itertools.product((1, 2, 5), repeat=3):
        for n in (16, 24, 60):
            [found] = _steps(_supply(_mixture(*weights), n), 1)
            smallest = min(Counter(p.env for p in found).values())
            for parts in (k for k in range(1, smallest + 1) if n % k == 0):
                size = n // parts
                for start in range(0, n, size):
                    assert len({p.env for p in found[start : start + size]}) == 3, (weights, n, parts)


def test_data_set_steps_repeat_no_row_within_an_epoch():
    source = Source(_table(10))
    found = [[p.data["i"] for p in step] for step in _steps(_supply([source], 4), 4)]
    assert len({*found[0], *found[1]}) == 8  # two whole steps of ten rows, then another order
    assert len({*found[2], *found[3]}) == 8
    assert found[:2] != found[2:]
    with pytest.raises(PluginError, match="10 train rows are too few"):
        _steps(_supply([source], 11), 1)


def test_kinds_take_turns_in_every_step():
    env = _env(kind=lambda row: "even" if int(row.gold) % 2 == 0 else "odd", kinds=("even", "odd"))
    for found in _steps(_supply([Source(env)], 2), 5):
        assert sorted(int(p.data["answer"]) % 2 for p in found) == [0, 1]


# ---- refills ------------------------------------------------------------------------------------------


def test_a_refill_goes_on_where_the_step_ended_and_the_next_step_behind_it():
    supply = _supply([Source(_table(20))], 4)
    first, position = step_prompts(supply, Position())
    more, position = further_prompts(supply, {"table": 3}, position, {p.id for p in first})
    second, position = step_prompts(supply, position)
    assert [p.index for p in (*first, *more, *second)] == list(range(11))
    assert len({p.data["i"] for p in (*first, *more, *second)}) == 11
    assert position.next == {"table": 11}


def test_a_refill_past_the_end_of_an_epoch_meets_no_row_of_its_step_again():
    supply = _supply([Source(_table(10))], 6)
    for seed in range(20):
        own = Supply(supply.sources, supply.quotas, seed)
        first, position = step_prompts(own, Position())
        more, behind = further_prompts(own, {"table": 4}, position, {p.id for p in first})
        assert sorted(p.data["i"] for p in (*first, *more)) == list(range(10))
        none, _ = further_prompts(own, {"table": 2}, behind, {p.id for p in (*first, *more)})
        assert none == (), "every row was tried in this step"
        second, behind = step_prompts(own, behind)
        across, _ = further_prompts(own, {"table": 4}, behind, {p.id for p in second})
        assert sorted(p.data["i"] for p in (*second, *across)) == list(range(10))
        assert max(p.index for p in across) > max(p.index for p in second)


def test_a_generator_that_runs_out_gives_what_it_has():
    supply = _supply([Source(_env(), 1.0, level=0)], 60)
    first, position = step_prompts(supply, Position())
    more, _ = further_prompts(supply, {"digits": 60}, position, {p.id for p in first})
    assert 10 < len(more) < 40  # of 100 texts, about 7/8 are for training
    assert not {p.id for p in more} & {p.id for p in first}


def test_only_what_is_missing_is_drawn():
    supply = _supply(_mixture(1, 1, 1), 9)
    first, position = step_prompts(supply, Position())
    more, behind = further_prompts(supply, {"env1": 2}, position, {p.id for p in first})
    assert [p.env for p in more] == ["env1", "env1"]
    assert behind.next == {**position.next, "env1": position.next["env1"] + 2}


# ---- learnability -------------------------------------------------------------------------------------


def test_weight_is_the_written_formula():
    assert weight(Passes(), LEARNABLE) == pytest.approx(1.0)  # unseen
    assert weight(Passes(7, 14), LEARNABLE) == pytest.approx(1.0)
    p = 17 / 18
    assert weight(Passes(16, 16), LEARNABLE) == pytest.approx(0.1 + 0.9 * 4 * p * (1 - p))
    assert weight(Passes(0, 16), LEARNABLE) == pytest.approx(weight(Passes(16, 16), LEARNABLE))
    assert weight(Passes(0, 1e12), LEARNABLE) == pytest.approx(0.1)


def test_counts_fade_when_new_ones_come_and_only_then():
    assert Passes(8, 16).then(2, 4, 0.5) == Passes(6.0, 12.0)
    assert Passes(8, 16).then(0, 0, 0.5) == Passes(8, 16)


def test_ranking_draws_by_weight_without_replacement():
    ids, seen = ["a", "b", "c"], {"a": Passes(0, 1e12), "b": Passes(5, 10), "c": Passes(0, 1e12)}
    first = Counter(ranking(ids, seen, LEARNABLE, random.Random(i))[0] for i in range(4000))
    assert first[1] / 4000 == pytest.approx(1 / 1.2, abs=0.02)  # 1 against 0.1 and 0.1
    assert all(sorted(ranking(ids, seen, LEARNABLE, random.Random(i))) == [0, 1, 2] for i in range(9))


def _play(supply: Supply, steps: int, chance, position: Position | None = None) -> tuple[list[Prompt], Position]:
    """Steps of a policy that passes a prompt with a given chance, in 16 samples."""
    position, found = position or Position(), []
    for _ in range(steps):
        prompts_P, position = step_prompts(supply, position)
        found += prompts_P
        position = observed(supply, position, [(p, round(16 * chance(p)), 16) for p in prompts_P])
    return found, position


def test_levels_of_even_chance_are_drawn_most_and_none_is_given_up():
    supply = _supply([Source(_env())], 20, difficulty=LEARNABLE)
    found, _ = _play(supply, 30, lambda p: (1.0, 0.5, 0.0)[p.level])
    counts = Counter(p.level for p in found[100:])
    total = sum(counts.values())
    assert counts[1] / total > 0.6
    assert counts[0] / total > 0.05
    assert counts[2] / total > 0.05


def test_rows_of_even_chance_are_drawn_most_and_every_row_once_before():
    supply = _supply([Source(_table(40))], 8, difficulty=LEARNABLE)
    found, _ = _play(supply, 60, lambda p: 0.5 if p.data["i"] < 8 else 1.0)
    counts = Counter(p.data["i"] for p in found)
    assert len(counts) == 40
    late = Counter(p.data["i"] < 8 for p in found[-200:])
    assert late[True] / 200 > 2 * 8 / 40
    for start in range(0, len(found), 8):
        assert len({p.id for p in found[start : start + 8]}) == 8


def test_learnable_kinds_still_take_turns():
    env = _table(30, kind=lambda row: "even" if int(row.gold) % 2 == 0 else "odd", kinds=("even", "odd"))
    found, _ = _play(_supply([Source(env)], 4, difficulty=LEARNABLE), 20, lambda p: float(p.data["i"] % 2))
    for start in range(0, len(found), 4):
        assert sorted(p.data["i"] % 2 for p in found[start : start + 4]) == [0, 0, 1, 1]


@pytest.mark.parametrize("source", [Source(_env()), Source(_table(40))], ids=["generator", "data set"])
def test_a_position_from_a_checkpoint_goes_on_with_the_same_prompts(source):
    supply = _supply([source], 6, difficulty=LEARNABLE)
    whole, last = _play(supply, 12, lambda p: 0.3)
    begun, position = _play(supply, 5, lambda p: 0.3)
    saved = Position.from_json(json.loads(json.dumps(position.to_json())))
    rest, end = _play(supply, 7, lambda p: 0.3, saved)
    assert [*begun, *rest] == whole
    assert end == last


def test_what_could_not_be_judged_is_no_observation_and_fixed_keeps_none():
    supply = _supply([Source(_env())], 4, difficulty=LEARNABLE)
    prompts_P, position = step_prompts(supply, Position())
    seen = observed(supply, position, [(p, 0, 0) for p in prompts_P]).seen["digits"]
    assert set(seen.values()) == {Passes()}
    fixed = _supply([Source(_env())], 4)
    assert observed(fixed, position, [(p, 1, 1) for p in prompts_P]) == position
