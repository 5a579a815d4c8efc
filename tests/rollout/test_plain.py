"""transformers' generate behind the sampler, with the shipped tiny base."""

from __future__ import annotations

import pytest

from rlstack.config.model import ModelConfig
from rlstack.errors import EngineError
from rlstack.models.source import resolve
from rlstack.rollout.plain import PlainSampler
from rlstack.types import Message

pytestmark = pytest.mark.slow
MODEL = ModelConfig(name="tiny", path="builtin:tiny")
TALKS: list[list[Message]] = [
    [{"role": "user", "content": "Ann has 3 pens and gets 4 more. How many now? Answer in \\boxed{}."}],
    [{"role": "user", "content": "Today is Monday. The sale is in 3 days. Which day?"}],
    [{"role": "user", "content": "Hi"}],
]


def sampler(**changes) -> PlainSampler:
    return PlainSampler(MODEL, resolve(MODEL), **{"max_tokens": 40, "temperature": 0.0, "seed": 0, **changes})


def test_greedy_answers_do_not_depend_on_the_batch():
    greedy = sampler()
    heard: list[int] = []
    together = greedy.answer(TALKS, heard.append)
    alone = [greedy.answer([talk])[0] for talk in TALKS]
    assert [r.text for r in together] == [r.text for r in alone], "padding changes nothing"
    assert sum(heard) == 3
    assert all(r.finish_reason == "stop" for r in together)
    assert together[1].messages == tuple(TALKS[1])
    assert "<|" not in together[0].text


def test_the_seed_decides_and_the_callers_chance_is_left_alone():
    import torch

    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first = sampler(temperature=1.0).answer(TALKS * 8)
    assert torch.equal(torch.rand(1), expected)
    assert [r.text for r in first] == [r.text for r in sampler(temperature=1.0).answer(TALKS * 8)]
    assert [r.text for r in first] != [r.text for r in sampler(temperature=1.0, seed=1).answer(TALKS * 8)]


def test_the_limit_and_the_positions():
    (cut,) = sampler(max_tokens=2).answer(TALKS[1:2])
    assert (cut.finish_reason, cut.n_tokens) == ("length", 2)
    with pytest.raises(EngineError, match="positions"):
        sampler().answer([[{"role": "user", "content": "word " * 3000}]])
