"""From credited groups to a batch: who is in the baseline, who in the loss, who in the normaliser."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rlstack.config.optim import OptimConfig
from rlstack.config.rl import AdvantageConfig, EnvShare, LossConfig, RLStage, SamplingConfig
from rlstack.scoring.shaping import credited
from rlstack.stages.rl_batch import batch_of, nothing_to_learn
from rlstack.types import Group, Prompt, Sample, Score

SCORES = [1.0, 0.0, 1.0, 0.5]
LENGTHS = [2, 3, 4, 6]  # the last was cut off
REWARDS = {"math": {"math": 1.0}}


def stage(truncated: Any = "keep", **fields: Any) -> RLStage:
    sampling = {"max_tokens": 6, "truncated": truncated, **fields.pop("sampling", {})}
    return RLStage(
        envs={"math": EnvShare(**fields.pop("share", {}))},
        steps=1,
        prompts_per_step=1,
        sampling=SamplingConfig(**sampling),
        optim=OptimConfig(lr=1e-4),
        **{"advantage": AdvantageConfig(kind="dr_grpo"), **fields},
    )


def sample(index: int, n: int, reason: Any) -> Sample:
    ids = np.full(n, index, np.int32)
    return Sample("p", "math", index, ids[:1], ids, np.zeros(n, np.float32), np.ones(n, np.bool_), reason, 0, "")


def group(cfg: RLStage, lengths: list[int] = LENGTHS, scores: list[float] = SCORES) -> Group:
    samples = tuple(sample(i, n, "length" if n == 6 else "stop") for i, n in enumerate(lengths))
    verdicts = tuple(Score(v, components={"math": v}) for v in scores)
    raw = Group(Prompt("p", "math", 0, (), {}), samples, verdicts)
    return credited(raw, cfg.envs["math"], cfg.sampling, 1.0)


def advantages(cfg: RLStage) -> dict[int, float]:
    batch, samples_B = batch_of([group(cfg)], cfg, REWARDS)
    return {s.index: float(batch.advantages_N[at]) for s, at in zip(samples_B, batch.offsets_B, strict=True)}


@pytest.mark.parametrize(
    ("truncated", "baseline", "trained"),
    [
        ("keep", (1.0 + 0.0 + 1.0 + 0.5) / 4, [0, 1, 2, 3]),
        ("zero", (1.0 + 0.0 + 1.0 + 0.0) / 4, [0, 1, 2, 3]),
        ("mask", (1.0 + 0.0 + 1.0 + 0.5) / 4, [0, 1, 2]),
        ("drop", (1.0 + 0.0 + 1.0) / 3, [0, 1, 2]),
    ],
)
def test_truncated_samples_in_baseline_and_loss(truncated: str, baseline: float, trained: list[int]):
    cfg = stage(truncated)
    values = [1.0, 0.0, 1.0, 0.0 if truncated == "zero" else 0.5]
    assert advantages(cfg) == {i: pytest.approx(values[i] - baseline, abs=1e-6) for i in trained}
    batch, _ = batch_of([group(cfg)], cfg, REWARDS)
    assert batch.normaliser == batch.n_trained == sum(LENGTHS[i] for i in trained)


@pytest.mark.parametrize(("reduction", "normaliser"), [("sequence", 3), ("prompt", 1), ("constant", 3)])
def test_a_masked_sample_is_in_no_reduction(reduction: Any, normaliser: int):
    cfg = stage("mask", loss=LossConfig(reduction=reduction))
    batch, _ = batch_of([group(cfg)], cfg, REWARDS)
    assert batch.normaliser == normaliser


def test_terms_move_advantages_and_the_group_is_normalised_with_them():
    cfg = stage(sampling={"overlong_cache": 4})  # free up to 2 tokens
    values = [s + (0.0 if n <= 2 else (2 - n) / 4) for s, n in zip(SCORES, LENGTHS, strict=True)]
    assert advantages(cfg) == {i: pytest.approx(v - np.mean(values), abs=1e-6) for i, v in enumerate(values)}


def test_terms_are_rewards_of_their_own_where_rewards_are_normalised_one_by_one():
    cfg = stage(advantage=AdvantageConfig(kind="grpo", combine="after"), share={"brevity": 0.4})

    def normalised(values: list[float]) -> np.ndarray:
        return (np.array(values) - np.mean(values)) / (np.std(values, ddof=1) + 1e-6)

    brevity = [0.5 - (n - 2) / 4 for n in LENGTHS]
    brevity = [b if s == 1.0 else min(0.0, b) for b, s in zip(brevity, SCORES, strict=True)]
    expected = normalised(SCORES) + 0.4 * normalised(brevity)
    assert advantages(cfg) == {i: pytest.approx(v, abs=1e-5) for i, v in enumerate(expected)}


def test_a_step_with_nothing_to_learn_from_says_why():
    cfg = stage("mask")
    assert nothing_to_learn([group(cfg)], cfg) == ""
    found = nothing_to_learn([group(cfg, [6, 6], [1.0, 0.0])], cfg)
    assert "of 2, 0 could not be judged, 2 were cut off (sampling.truncated=mask), 0 were aborted" in found
    failed = group(cfg, [2, 3], [0.0, 0.0])
    failed = replace(failed, scores_G=(Score(status="error"), Score(status="timeout")))
    failed = credited(failed, cfg.envs["math"], cfg.sampling, 1.0)
    assert "of 2, 2 could not be judged" in nothing_to_learn([failed], cfg)
    assert nothing_to_learn([failed, group(cfg)], cfg) == ""


def test_a_sample_without_a_token_of_the_policys_is_in_the_baseline_only():
    cfg = stage()
    made = group(cfg)
    mute = replace(made.samples_G[1], loss_mask=np.zeros(3, np.bool_))
    made = replace(made, samples_G=(made.samples_G[0], mute, *made.samples_G[2:]))
    batch, samples_B = batch_of([made], cfg, REWARDS)
    assert [s.index for s in samples_B] == [0, 2, 3]
    assert batch.advantages_N[0] == pytest.approx(1.0 - sum(SCORES) / 4)
    assert batch.normaliser == sum(LENGTHS) - 3
    assert nothing_to_learn([replace(made, samples_G=(mute,) * 4)], cfg)
