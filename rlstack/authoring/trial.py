"""A model's answers to an environment's prompts, with their verdicts. Axes: `_P` prompts, `_G` samples of a prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rlstack.api import Env, Response
from rlstack.scoring import ScoringPool
from rlstack.scoring.reply import read_reply
from rlstack.types import Message, Prompt, Score

_JUDGING_S = 300.0

Advance = Callable[[int], None]


class Sampler(Protocol):
    """A model that answers: `rlstack.rollout.plain.PlainSampler`, `rlstack.rollout.endpoint.EndpointSampler`."""

    def answer(self, conversations: Sequence[Sequence[Message]], on_answer: Advance = ...) -> list[Response]:
        """One response per conversation, in order; `on_answer` hears how many more are done."""
        ...


@dataclass(frozen=True, slots=True)
class Trial:
    """All answers to one prompt."""

    prompt: Prompt
    responses_G: tuple[Response, ...]  # the last turn; earlier ones are in its messages
    scores_G: tuple[Score, ...]

    @property
    def judged_G(self) -> tuple[Score, ...]:
        return tuple(score for score in self.scores_G if score.status == "ok")

    def to_json(self) -> dict[str, Any]:
        answers = [
            {
                "response": response.text,
                "finish_reason": response.finish_reason,
                "turns": list(response.messages[len(self.prompt.messages) :]),
                "score": score.to_json(),
            }
            for response, score in zip(self.responses_G, self.scores_G, strict=True)
        ]
        return {"prompt": self.prompt.to_json(), "answers": answers}


def answer_all(
    env: Env,
    prompts_P: Sequence[Prompt],
    samples: int,
    sampler: Sampler,
    pool: ScoringPool,
    advance: Advance = lambda _: None,
) -> list[Trial]:
    """Asks every prompt `samples` times and judges the answers; envs that reply are talked to until they stop."""
    data_B = [prompt.data for prompt in prompts_P for _ in range(samples)]
    talks_B: list[Sequence[Message]] = [prompt.messages for prompt in prompts_P for _ in range(samples)]
    responses_B, faults = _talk(env, talks_B, data_B, sampler, pool, advance)
    trials, waiting = [], []
    for p, prompt in enumerate(prompts_P):
        answers_G = responses_B[p * samples : (p + 1) * samples]
        waiting.append(pool.submit(env.name, answers_G, prompt.data))
    for p, (prompt, future) in enumerate(zip(prompts_P, waiting, strict=True)):
        scores_G = pool.collect([future], _JUDGING_S)[0]
        first = p * samples
        scores_G = tuple(faults.get(first + g, score) for g, score in enumerate(scores_G))
        trials.append(Trial(prompt, tuple(responses_B[first : first + samples]), scores_G))
    return trials


def _talk(
    env: Env,
    talks_B: Sequence[Sequence[Message]],
    data_B: Sequence[Mapping[str, Any]],
    sampler: Sampler,
    pool: ScoringPool,
    advance: Advance,
) -> tuple[list[Response], dict[int, Score]]:
    """The last turn of every conversation, and by index the verdict of those whose env failed to reply."""
    found: dict[int, Response] = {}
    faults: dict[int, Score] = {}
    going: dict[int, Sequence[Message]] = dict(enumerate(talks_B))
    for turn in range(1, env.max_turns + 1 if env.reply else 2):
        said = sampler.answer(list(going.values()), advance if turn == 1 else lambda _: None)
        found |= zip(going, said, strict=True)
        if env.reply is None or turn == env.max_turns:
            break
        asked = {i: pool.reply(env.name, [found[i]], data_B[i]) for i in going if found[i].finish_reason == "stop"}
        going = {}
        for i, future in asked.items():
            reply = read_reply(pool.collect([future], _JUDGING_S)[0][0])
            if reply.fault:
                faults[i] = reply.fault
            elif reply.messages:
                spoken: Message = {"role": "assistant", "content": found[i].text}
                going[i] = (*found[i].messages, spoken, *reply.messages)
        if not going:
            break
    return [found[i] for i in range(len(talks_B))], faults
