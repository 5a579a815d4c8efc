"""Rollouts of several turns, token in, token out: the policy writes, its env replies, until one of them is done.

Rounds over the engines. What was sampled stays as it is: the next turn's prompt is all ids so far, then the
newly rendered ids of the env's messages, which are not trained on (mask False, log-prob 0). Prompts of envs
that do not reply pass through as soon as they are sampled. Axis: `_G` samples of a group.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rlstack.api import Response
from rlstack.errors import DeadlineError
from rlstack.rollout.engine import Ask
from rlstack.scoring.pool import response_of
from rlstack.scoring.reply import Reply, read_reply
from rlstack.types import Message, Prompt, Sample, Score

Generate = Callable[[Sequence[Ask]], Iterator[tuple[Sample, ...]]]


@dataclass(frozen=True, slots=True)
class Rules:
    """What a run's conversations go by."""

    max_turns: Mapping[str, int]  # env that replies → most turns of the policy
    reply: Callable[[str, Sequence[Response], Mapping[str, Any]], Future[tuple[Score, ...]]]  # env, turns, data
    render: Callable[[Sequence[Message]], tuple[int, ...]]  # replies → the ids that follow the policy's turn
    stop_ids: frozenset[int]  # token ids that end a turn
    context: int  # tokens of the longest prompt and completion together
    seconds: float  # longest wall time of a collection's conversations


@dataclass(frozen=True, slots=True)
class Rollout:
    """All samples of one prompt; a fault says why a sample cannot be judged."""

    samples_G: tuple[Sample, ...]
    faults_G: tuple[Score | None, ...]


@dataclass(slots=True, eq=False)
class _Talks:
    """The conversations of one prompt."""

    prompt: Prompt
    ask: Ask
    samples: dict[int, Sample]  # by index in the group
    faults: dict[int, Score]
    open: set[int]  # which may go on

    def rollout(self) -> Rollout:
        order = sorted(self.samples)
        return Rollout(tuple(self.samples[i] for i in order), tuple(self.faults.get(i) for i in order))


def converse(generate: Generate, prompts: Sequence[Prompt], asks: Sequence[Ask], rules: Rules) -> Iterator[Rollout]:
    """The rollout of every prompt, in the order in which they finish.

    An ask's `max_tokens` bounds all turns and replies of a sample together. A sample ends with reason "length"
    when the next turn has no room, and keeps its last turn. Raises DeadlineError after `rules.seconds`.
    """
    end = time.monotonic() + rules.seconds
    by_id = {prompt.id: (prompt, ask) for prompt, ask in zip(prompts, asks, strict=True)}
    talks: dict[str, _Talks] = {}
    turns: dict[str, tuple[_Talks, int, Sequence[Message], Ask]] = {}  # by id of the ask: the turns under way
    pending: Sequence[Ask] = asks
    for turn in range(1, max(rules.max_turns.values(), default=1) + 1):
        waiting = []
        for samples_G in generate(pending):
            key = samples_G[0].prompt_id
            if key in turns:
                talk, index, heard, ask = turns.pop(key)
                talk.samples[index] = extended(talk.samples[index], heard, ask, samples_G[0])
                fresh = [index]
            elif by_id[key][0].env not in rules.max_turns:
                yield Rollout(samples_G, (None,) * len(samples_G))
                continue
            else:
                talk = talks[key] = _begun(*by_id[key], samples_G)
                fresh = sorted(talk.samples)
            waiting.append(_asked(talk, fresh, turn, rules))
        for talk, indices, future in waiting:
            for index, reply in zip(indices, map(read_reply, _wait(future, end, talk.prompt.env)), strict=True):
                if following := _next(talk, index, reply, turn, rules):
                    turns[following.prompt_id] = (talk, index, reply.messages, following)
        pending = [ask for *_, ask in turns.values()]
        for key in [key for key, talk in talks.items() if not talk.open]:
            yield talks.pop(key).rollout()
        if not pending:
            return


def _begun(prompt: Prompt, ask: Ask, samples_G: Sequence[Sample]) -> _Talks:
    first = {s.index: replace(s, turns=({"role": "assistant", "content": s.text},)) for s in samples_G}
    return _Talks(prompt, ask, first, {}, set(first))


def extended(so_far: Sample, heard: Sequence[Message], ask: Ask, said: Sample) -> Sample:
    """The sample with one more turn: what the policy `said` to `ask`, whose prompt holds what it `heard` last."""
    known = len(so_far.prompt_ids) + so_far.n_tokens
    new = np.asarray(ask.prompt_ids[known:], np.int32)
    return replace(
        so_far,
        completion_ids=np.concatenate([so_far.completion_ids, new, said.completion_ids]),
        logprobs=np.concatenate([so_far.logprobs, np.zeros(len(new), np.float32), said.logprobs]),
        loss_mask=np.concatenate([so_far.loss_mask, np.zeros(len(new), np.bool_), said.loss_mask]),
        finish_reason=said.finish_reason,
        weight_version=min(so_far.weight_version, said.weight_version),
        text=said.text,
        turns=(*so_far.turns, *heard, {"role": "assistant", "content": said.text}),
    )


def _asked(
    talk: _Talks, indices: Sequence[int], turn: int, rules: Rules
) -> tuple[_Talks, Sequence[int], Future[tuple[Score, ...]]]:
    """Hand the finished turns to the env; those that were cut off, or were the last, go no further."""
    prompt = talk.prompt
    last = turn >= rules.max_turns[prompt.env]
    going = [i for i in indices if talk.samples[i].finish_reason == "stop" and not last]
    talk.open -= set(indices) - set(going)
    said = [response_of(prompt, talk.samples[i]) for i in going]
    return talk, going, rules.reply(prompt.env, said, prompt.data)


def _next(talk: _Talks, index: int, reply: Reply, turn: int, rules: Rules) -> Ask | None:
    """The request for the policy's next turn; None where the conversation is over."""
    sample, ask = talk.samples[index], talk.ask
    if reply.fault:
        talk.faults[index] = reply.fault
    if not reply.messages:
        talk.open.discard(index)
        return None
    ids = [*map(int, sample.prompt_ids), *map(int, sample.completion_ids)]
    new = rules.render(reply.messages)
    if ids[-1] in rules.stop_ids and new and new[0] in rules.stop_ids:
        new = new[1:]  # the end token is there already, as sampled
    room = min(ask.max_tokens - sample.n_tokens, rules.context - len(ids)) - len(new)
    if room < 1:
        talk.open.discard(index)
        talk.samples[index] = replace(sample, finish_reason="length")
        return None
    return replace(
        ask,
        prompt_id=f"{ask.prompt_id}/{index}/{turn}",
        prompt_ids=(*ids, *new),
        samples=1,
        seed=_seed(ask.seed, index, turn),
        max_tokens=room,
    )


def _seed(seed: int, index: int, turn: int) -> int:
    digest = hashlib.sha256(f"{seed}/{index}/{turn}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


def _wait(future: Future[tuple[Score, ...]], end: float, env: str) -> tuple[Score, ...]:
    try:
        return future.result(max(0.0, end - time.monotonic()))
    except TimeoutError:
        raise DeadlineError(
            f"the driver waited for replies of env '{env}' until the rollouts' time was over "
            "(cluster.deadlines.rollout): its reply is slow, or its conversations have too many turns"
        ) from None
