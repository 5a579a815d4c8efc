"""Groups with verdicts → the packed batch of one optimizer step, and each rank's share of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rlstack.config.rl import RLStage
from rlstack.data.batch import Batch, Item, behind_prompts, shared_items
from rlstack.data.packing import balance
from rlstack.grpo import advantage, kl, reduction
from rlstack.scoring.shaping import TERMS, weights_of
from rlstack.types import Credit, Group, Sample, Score

Rewards = Mapping[str, Mapping[str, float]]
"""Env → reward name → weight."""

Row = tuple[int, Sample, Score, Credit]
"""Number of the group, and one sample of it."""


def batch_of(groups_P: Sequence[Group], stage: RLStage, rewards: Rewards) -> tuple[Batch, list[Sample]]:
    """The samples of credited groups that are learned from, at least one, and their batch, in the same order.

    A sample that could not be judged has left: its group's baseline is that of the others.
    """
    rows = _rows(groups_P)
    advantages_B = _advantages(rows, groups_P, stage, rewards)
    kept = _kept(rows)
    samples_B = [rows[i][1] for i in kept]
    prompt_lengths_B = np.array([len(s.prompt_ids) for s in samples_B], np.int64)
    lengths_B = prompt_lengths_B + [s.n_tokens for s in samples_B]
    trained_B = np.array([int(s.loss_mask.sum()) for s in samples_B])
    weights = reduction.compute(stage.loss, trained_B, [rows[i][0] for i in kept], stage.sampling.max_tokens)
    return Batch(
        tokens_N=np.concatenate([part for s in samples_B for part in (s.prompt_ids, s.completion_ids)]),
        lengths_B=lengths_B,
        prompt_lengths_B=prompt_lengths_B,
        trained_N=behind_prompts([s.loss_mask for s in samples_B], prompt_lengths_B, np.bool_),
        engine_logprobs_N=behind_prompts([s.logprobs for s in samples_B], prompt_lengths_B, np.float32),
        advantages_N=np.repeat(advantages_B[kept], lengths_B).astype(np.float32),
        weights_N=np.repeat(weights.weight_B, lengths_B).astype(np.float32),
        normaliser=weights.normaliser,
    ), samples_B


def nothing_to_learn(groups_P: Sequence[Group], stage: RLStage) -> str:
    """Why none of these samples can be learned from; "" when one can."""
    rows = _rows(groups_P)
    if _kept(rows):
        return ""
    unjudged = sum(score.status != "ok" for _, _, score, _ in rows)
    cut = sum(sample.finish_reason == "length" for _, sample, _, _ in rows)
    aborted = sum(sample.finish_reason == "abort" for _, sample, _, _ in rows)
    return (
        f"no sample can be learned from: of {len(rows)}, {unjudged} could not be judged, {cut} were cut off "
        f"(sampling.truncated={stage.sampling.truncated}), {aborted} were aborted"
    )


def with_kl_in_reward(
    batch: Batch, groups_P: Sequence[Group], stage: RLStage, rewards: Rewards, kl_N: NDArray[np.float64]
) -> Batch:
    """The batch of these groups with advantages that hold -beta times the KL, as `stage.kl.place` says.

    kl_N: log p - log q of the batch's tokens, 0 where not trained. With `reward`, a sample that is not learned from
    has no KL and leaves its group's baseline too.
    """
    if stage.kl.place == "reward_to_go":
        ahead_N = kl.reward_to_go(kl_N, batch.lengths_B)
        return replace(batch, advantages_N=(batch.advantages_N - stage.kl.beta * ahead_N).astype(np.float32))
    rows = _rows(groups_P)
    kept = _kept(rows)
    penalised = list(rows)
    for i, scored in zip(kept, _per_sequence(kl_N, batch.lengths_B), strict=True):
        p, sample, score, credit = rows[i]
        value = float(kl.in_reward(credit.value, scored, stage.kl.beta))
        penalised[i] = (p, sample, score, replace(credit, value=value))
    penalised = [(p, s, score, replace(c, counts=c.counts and c.trains)) for p, s, score, c in penalised]
    advantages_B = _advantages(penalised, groups_P, stage, rewards)
    return replace(batch, advantages_N=np.repeat(advantages_B[kept], batch.lengths_B).astype(np.float32))


def _rows(groups_P: Sequence[Group]) -> list[Row]:
    return [(p, *row) for p, g in enumerate(groups_P) for row in zip(g.samples_G, g.scores_G, g.credits_G, strict=True)]


def _kept(rows: Sequence[Row]) -> list[int]:
    """Rows that are learned from: they train, and the policy chose some of their tokens."""
    return [i for i, (_, sample, _, credit) in enumerate(rows) if credit.trains and sample.loss_mask.any()]


def _per_sequence(values_N: NDArray[np.float64], lengths_B: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.add.reduceat(values_N, np.concatenate(([0], np.cumsum(lengths_B)[:-1])))


def _advantages(
    rows: Sequence[Row], groups_P: Sequence[Group], stage: RLStage, rewards: Rewards
) -> NDArray[np.float32]:
    envs = sorted(rewards)
    env_B = [groups_P[p].prompt.env for p, *_ in rows]
    terms = {env: weights_of(stage.envs[env], stage.sampling) for env in envs}
    names = sorted({name for weights in rewards.values() for name in weights})
    return advantage.compute(
        stage.advantage,
        scores_B=[credit.value for *_, credit in rows],
        valid_B=[credit.counts for *_, credit in rows],
        group_B=[p for p, *_ in rows],
        domain_B=[envs.index(env) for env in env_B],
        parts_KB=[
            *([score.components.get(name, np.nan) for _, _, score, _ in rows] for name in names),
            *([credit.terms.get(term, np.nan) for *_, credit in rows] for term in TERMS),
        ],
        weights_KB=[
            *([rewards[env].get(name, 0.0) for env in env_B] for name in names),
            *([terms[env][term] for env in env_B] for term in TERMS),
        ],
    )


def sampled_logprobs(stage: RLStage, batch: Batch) -> NDArray[np.float32] | None:
    """Log-probs [N] that the first update's ratio is taken against; None: its own, the ratio is 1.

    One step ahead the samples come from older weights. Either the ratio is against what the engine sampled with, and
    the clip bounds it; or a correction weighs the tokens by that same gap (docs/algorithms.md).
    """
    return batch.engine_logprobs_N if stage.ahead and stage.loss.correction == "none" else None


def plan_of(
    batch: Batch, samples_B: Sequence[Sample], ranks: int, micro_tokens: int, *, attention: float = 0.0
) -> list[list[list[Item]]]:
    """Per rank, per micro-batch: items of sequences that share a prompt. Equal counts on every rank.

    `attention`: what a pair of tokens costs, in tokens (`plan.pair_cost`).
    """
    items = shared_items([s.prompt_id for s in samples_B], batch, micro_tokens)
    sizes, pairs = [batch.item_tokens(item) for item in items], [batch.item_pairs(item) for item in items]
    shares = balance(sizes, ranks, micro_tokens, attention=attention, pairs=pairs)
    return [[[items[i] for i in micro] for micro in share] for share in shares]
