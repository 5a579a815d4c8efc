"""Rollouts and verdicts of a set of prompts: each group is judged as soon as its last sample is there."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rlstack.cluster.groups import Engines
from rlstack.config.rl import SamplingConfig
from rlstack.errors import MismatchError
from rlstack.rollout.conversation import Rules, converse
from rlstack.rollout.engine import Ask
from rlstack.scoring.judges import Judges
from rlstack.scoring.pool import response_of
from rlstack.types import Group, Prompt, Score

Encode = Callable[[Prompt], tuple[int, ...]]
"""Renders a prompt's messages to token ids."""


@dataclass(frozen=True, slots=True)
class Collected:
    groups_P: tuple[Group, ...]  # in the order of the prompts, whatever the order of arrival
    rollout_s: float  # until the last sample
    judging_s: float  # from then until the last verdict: what scoring did not overlap


def asks(
    prompts: Sequence[Prompt], encode: Encode, sampling: SamplingConfig, *, samples: int, temperature: float, seed: str
) -> list[Ask]:
    """Requests whose randomness depends on (seed, prompt) only, not on engines or order."""
    return [
        Ask(
            prompt_id=prompt.id,
            env=prompt.env,
            prompt_ids=encode(prompt),
            samples=samples,
            seed=seed_of(seed, prompt.id),
            max_tokens=sampling.max_tokens,
            temperature=temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
        )
        for prompt in prompts
    ]


def seed_of(*parts: object) -> int:
    """A 48-bit seed from any parts; sample i of a group adds i."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:6], "big")


def collect(
    engines: Engines,
    judges: Judges,
    prompts: Sequence[Prompt],
    requests: Sequence[Ask],
    *,
    rules: Rules,
    deadline: float,
    on_group: Callable[[int], None],
) -> Collected:
    """Samples every prompt and judges every sample. `on_group` hears how many groups have arrived.

    A sample whose conversation failed on the env's side is not judged: its fault is its verdict.
    """
    started = time.monotonic()
    by_id = {prompt.id: prompt for prompt in prompts}
    pending = {}
    for rollout in converse(engines.generate, prompts, requests, rules):
        prompt = by_id[rollout.samples_G[0].prompt_id]
        sound = [s for s, fault in zip(rollout.samples_G, rollout.faults_G, strict=True) if fault is None]
        responses = [response_of(prompt, sample) for sample in sound]
        pending[prompt.id] = (rollout, judges.submit(prompt.env, responses, prompt.data))
        on_group(len(pending))
    sampled = time.monotonic()
    scores_P = judges.collect([pending[prompt.id][1] for prompt in prompts], deadline)
    groups = [
        Group(prompt, rollout.samples_G, _with_faults(rollout.faults_G, scores))
        for prompt, scores in zip(prompts, scores_P, strict=True)
        for rollout in [pending[prompt.id][0]]
    ]
    return Collected(tuple(groups), sampled - started, time.monotonic() - sampled)


def check_versions(groups_P: Sequence[Group], step: int, ahead: int) -> None:
    """Raises MismatchError for a sample of weights that are newer than `step` or more than `ahead` updates older."""
    for version in sorted({s.weight_version for g in groups_P for s in g.samples_G}):
        if not step - ahead <= version <= step:
            raise MismatchError(
                f"step {step + 1} was given samples of weight version {version}; with ahead={ahead} they must come "
                f"from version {max(0, step - ahead)} to {step}"
            )


def _with_faults(faults_G: Sequence[Score | None], scores: Sequence[Score]) -> tuple[Score, ...]:
    judged = iter(scores)
    return tuple(fault or next(judged) for fault in faults_G)
