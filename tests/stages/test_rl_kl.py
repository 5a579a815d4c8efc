"""The KL in the reward, from groups to advantages, and beta from step to step."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rlstack.config.compose import compose
from rlstack.config.rl import RLStage
from rlstack.errors import ConfigError
from rlstack.stages.rl_batch import batch_of, with_kl_in_reward
from rlstack.stages.rl_kl import next_beta
from rlstack.types import Credit, Group, Prompt, Sample, Score

REWARDS = {"sums": {"exact": 1.0}}
VALUES = [[1.0, 0.0, 0.5], [1.0, 1.0, 1.0]]


def stage(place: str, kind: str = "rloo", **kl) -> RLStage:
    return RLStage.model_validate(
        {
            "envs": {"sums": {}},
            "steps": 1,
            "prompts_per_step": 2,
            "sampling": {"max_tokens": 8},
            "advantage": {"kind": kind},
            "optim": {"lr": 1e-3},
            "kl": {"beta": 0.2, "place": place, **kl},
        }
    )


def groups(trains: bool = True) -> list[Group]:
    """Two prompts with three answers each, of one to six tokens; `trains` of the very first."""
    made, rng = [], np.random.default_rng(0)
    for p, values in enumerate(VALUES):
        prompt = Prompt(str(p), "sums", p, (), {})
        samples = []
        for i in range(3):
            n = 1 + (2 * i + p) % 6
            mask = np.ones(n, bool)
            mask[1:2] = False  # a token of the env
            ids, logprobs = rng.integers(0, 9, n).astype(np.int32), rng.normal(-1, 0.3, n).astype(np.float32)
            first = np.array([3, 4], np.int32)
            samples.append(Sample(str(p), "sums", i, first, ids, logprobs * mask, mask, "stop", 0, ""))
        credits = [Credit(v, v, trains=trains or p + i > 0) for i, v in enumerate(values)]
        made.append(Group(prompt, tuple(samples), tuple(Score(v) for v in values), tuple(credits)))
    return made


def drift(batch) -> np.ndarray:
    return np.random.default_rng(1).normal(0.1, 0.5, len(batch.tokens_N)) * batch.trained_N


def per_sequence(batch, values_N) -> np.ndarray:
    return np.array([values_N[o : o + n].sum() for o, n in zip(batch.offsets_B, batch.lengths_B, strict=True)])


def test_a_sample_s_kl_is_subtracted_from_its_score_before_the_baseline():
    made, cfg = groups(), stage("reward")
    batch, _ = batch_of(made, cfg, REWARDS)
    kl_N = drift(batch)
    found = with_kl_in_reward(batch, made, cfg, REWARDS, kl_N).advantages_N[batch.offsets_B]
    scores = np.concatenate(VALUES) - 0.2 * per_sequence(batch, kl_N)
    others = [np.delete(scores[i // 3 * 3 : i // 3 * 3 + 3], i % 3).mean() for i in range(6)]
    np.testing.assert_allclose(found, scores - others, rtol=1e-6)
    assert (found[3:] != 0).all()  # equal scores, but not equally far from the reference


def test_reward_to_go_leaves_the_group_s_advantage_and_adds_to_each_token():
    made, cfg = groups(), stage("reward_to_go", "grpo")
    batch, _ = batch_of(made, cfg, REWARDS)
    kl_N = drift(batch)
    found = with_kl_in_reward(batch, made, cfg, REWARDS, kl_N)
    for start, length in zip(batch.offsets_B, batch.lengths_B, strict=True):
        for t in range(start, start + length):
            wanted = batch.advantages_N[t] - 0.2 * kl_N[t : start + length].sum()
            assert found.advantages_N[t] == pytest.approx(wanted, rel=1e-5, abs=1e-6)


def test_a_sample_without_a_kl_leaves_the_baseline():
    made, cfg = groups(trains=False), stage("reward")
    batch, _ = batch_of(made, cfg, REWARDS)
    kl_N = drift(batch)
    found = with_kl_in_reward(batch, made, cfg, REWARDS, kl_N).advantages_N[batch.offsets_B]
    scores = np.array(VALUES[0][1:]) - 0.2 * per_sequence(batch, kl_N)[:2]
    np.testing.assert_allclose(found[:2], [scores[0] - scores[1], scores[1] - scores[0]], rtol=1e-6)


def test_beta_follows_the_kl_and_comes_back_from_json_unchanged():
    cfg = stage("loss", target=2.0, horizon=100).kl
    assert next_beta(cfg, {"kl_k1": 2.0 * 16}, 16) == 0.2
    above, below = next_beta(cfg, {"kl_k1": 2.2 * 16}, 16), next_beta(cfg, {"kl_k1": 0.0}, 16)
    assert above == pytest.approx(0.2 * (1 + 0.1 * 16 / 100))
    assert below == pytest.approx(0.2 * (1 - 0.2 * 16 / 100))
    beta = 0.2
    for kl in np.random.default_rng(0).uniform(0, 60, 50):
        beta = next_beta(cfg.at(json.loads(json.dumps(beta))), {"kl_k1": float(kl)}, 16)
        assert json.loads(json.dumps(beta)) == beta > 0
    assert next_beta(stage("loss").kl, {}, 16) == 0.2


def test_a_base_without_adapters_is_not_renewed():
    with pytest.raises(ConfigError) as caught:
        compose(["cluster=cpu", "model.lora.rank=4", "stages.multidomain.kl.refresh_every=2"])
    assert "stages.multidomain.kl.refresh_every" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        (["kl.place=reward", "advantage.kind=grpo", "advantage.normalise=std"], "kl.place"),
        (["kl.place=reward", "advantage.kind=rloo", "advantage.combine=after"], "kl.place"),
        (["kl.beta=0", "kl.target=3"], "kl.target"),
        (["kl.beta=0", "kl.refresh_every=5"], "kl.refresh_every"),
        (["kl.beta=0", "kl.place=reward_to_go"], "kl.place"),
    ],
)
def test_what_cannot_work_is_refused_with_its_key(changes, key):
    with pytest.raises(ConfigError) as caught:
        compose(["cluster=cpu", *(f"stages.multidomain.{change}" for change in changes)])
    assert f"stages.multidomain.{key}" in str(caught.value)
