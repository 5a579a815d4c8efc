"""Loss terms in the metrics are what the optimizer was given, under every reduction."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rlstack.config.rl import KLConfig, LossConfig
from rlstack.data.batch import Batch
from rlstack.grpo import reduction
from rlstack.learner.head import TokenScores
from rlstack.learner.learner import UpdateResult
from rlstack.learner.microbatch import micro_batch
from rlstack.learner.objective import PolicyObjective
from rlstack.stages.rl_metrics import of_update

LENGTHS, GROUPS, PROMPT, LONGEST = [3, 1, 6, 2], [0, 0, 1, 1], 2, 8
RNG = np.random.default_rng(4)
LOGP, ENTROPY, ADVANTAGE, REFERENCE = (
    RNG.normal(mean, scale, sum(LENGTHS)) for mean, scale in ((-1.5, 0.4), (1.2, 0.2), (0.0, 1.0), (-1.6, 0.4))
)

MEANS = {
    "token": lambda rows: np.concatenate(rows).mean(),
    "sequence": lambda rows: np.mean([row.mean() for row in rows]),
    "prompt": lambda rows: np.mean([np.concatenate(rows[:2]).mean(), np.concatenate(rows[2:]).mean()]),
    "constant": lambda rows: np.mean([row.sum() / LONGEST for row in rows]),
}


def _update(cfg: LossConfig, kl: KLConfig, engine: np.ndarray = LOGP) -> dict[str, float]:
    lengths = np.array(LENGTHS) + PROMPT
    trained = np.concatenate([np.arange(n) >= PROMPT for n in lengths])

    def laid(values) -> np.ndarray:
        row = np.zeros(len(trained), np.float32)
        row[trained] = values
        return row

    weights = reduction.compute(cfg, LENGTHS, GROUPS, LONGEST)
    batch = Batch(
        np.ones(len(trained), np.int32), lengths, np.full(4, PROMPT), trained, laid(engine), laid(ADVANTAGE),
        np.repeat(weights.weight_B, lengths), weights.normaliser,
    )  # fmt: skip
    micro = micro_batch(batch, [(i,) for i in range(4)], torch.device("cpu"))
    scores = TokenScores(*(torch.tensor(x, dtype=torch.float32) for x in (LOGP, ENTROPY)))
    terms = PolicyObjective(cfg, kl, 1.0)(micro, scores, scores.logprobs_M, torch.tensor(REFERENCE).float())
    sums = {name: float(value) for name, value in terms.sums.items()}
    found = of_update(UpdateResult(sums, np.empty(0, np.float32), 1.0, 0.1, 20, 0.0), batch)
    optimised = float(terms.loss) / batch.normaliser
    assert found["loss/total"] == pytest.approx(optimised, rel=1e-5)
    return found


def _rows(values: np.ndarray) -> list[np.ndarray]:
    return np.split(values, np.cumsum(LENGTHS)[:-1])


@pytest.mark.parametrize("kind", ["token", "sequence", "prompt", "constant"])
def test_loss_terms_are_what_is_optimised_and_statistics_are_per_token(kind):
    found = _update(
        LossConfig(kind="reinforce", reduction=kind, entropy_bonus=0.05), KLConfig(beta=0.3, estimator="k2")
    )
    mean, far = MEANS[kind], LOGP - REFERENCE
    assert found["loss/policy"] == pytest.approx(-mean(_rows(ADVANTAGE * LOGP)), rel=1e-5)
    assert found["loss/entropy"] == pytest.approx(-0.05 * mean(_rows(ENTROPY)), rel=1e-5)
    assert found["loss/kl"] == pytest.approx(0.3 * mean(_rows(far**2 / 2)), rel=1e-4)
    assert found["policy/entropy"] == pytest.approx(ENTROPY.mean(), rel=1e-5)
    assert found["policy/kl"] == pytest.approx((np.exp(-far) - 1 + far).mean(), rel=1e-4)
    assert (found["policy/ratio"], found["policy/kl_old"]) == (1.0, 0.0)
    assert "correction/mean" not in found


def test_a_correction_reports_its_mean_weight_and_what_it_cuts():
    cfg, kl = LossConfig(correction="mask_token"), KLConfig(beta=0.3)
    found = _update(cfg, kl)
    assert (found["correction/mean"], found["correction/cut"]) == (1.0, 0.0)
    far = LOGP.copy()
    far[:3] += 1.0  # 3 of 12 tokens outside of [0.5, 2]
    found = _update(cfg, kl, engine=far)
    assert found["correction/cut"] == pytest.approx(3 / 12)
    assert found["correction/mean"] == pytest.approx(9 / 12)
