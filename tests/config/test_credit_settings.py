"""Settings of credits, refills and difficulty that do not fit together."""

from __future__ import annotations

import pytest

from rlstack.config.compose import compose
from rlstack.data.prompts import load_sources
from rlstack.errors import ConfigError


@pytest.mark.parametrize(
    ("overrides", "found"),
    [
        (["sampling.overlong_cache=65"], "allowed: at most sampling.max_tokens=64"),
        (["sampling.refill=2", "advantage.kind=reinforce_pp"], "allowed with advantage.kind=reinforce_pp: 0"),
        (["sampling.truncated=zero", "advantage.combine=after"], "write advantage.combine=before"),
        (["envs.math.gates={math: 1}", "advantage.combine=after"], "write advantage.combine=before"),
        (["sampling.truncated=hide"], "allowed: keep, zero, mask, drop"),
        (["envs.math.brevity=-1"], "allowed: at least 0"),
        (["difficulty.floor=0"], "allowed: above 0"),
        (["difficulty.kind=learnabel"], "did you mean 'learnable'"),
        (
            ["envs.math.diversity=1", "sampling.samples_per_prompt=1", "advantage.kind=reinforce_pp"],
            "compares the samples of a prompt",
        ),
    ],
)
def test_refused(overrides: list[str], found: str):
    with pytest.raises(ConfigError) as error:
        compose(["recipe=single", "env=math", *(f"stages.single.{word}" for word in overrides)])
    assert found in str(error.value)


def test_a_gate_names_a_reward_of_its_env():
    config = compose(["recipe=single", "env=math", "+stages.single.envs.math.gates={format: 1}"])
    with pytest.raises(ConfigError, match=r"envs\.math\.gates names 'format': a component is <reward>"):
        load_sources(config.stages["single"].envs)
    config = compose(
        [
            "recipe=single",
            "env=math",
            "stages.single.envs.math.rewards={math: 1.0, format: 0.1}",
            "stages.single.envs.math.gates={format/boxed: 1}",
        ]
    )
    assert load_sources(config.stages["single"].envs)
