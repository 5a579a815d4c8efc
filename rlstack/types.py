"""The data that flows through a step, in the order in which it appears.

    Prompt ─rollout─► Sample ─scoring─► Score ─shaping─► Credit ─advantages─► Group ─packing─► learner

Axes: `_P` prompts of a step, `_G` samples of a group, `_B` rows of a batch, `_T` tokens of one sequence.
Frozen, numpy-only, importable in milliseconds. A `Sample` round-trips through JSON and is *the* record:
the rollout file, the re-scorer's input and the viewer's input are one format (docs/rollouts.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

FinishReason = Literal["stop", "length", "abort"]
Status = Literal["ok", "invalid", "error", "timeout"]
Split = Literal["train", "eval"]


class Message(TypedDict):
    """One chat turn, e.g. `{"role": "user", "content": "What is 3 + 4?"}`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """One task for the policy, e.g. env="math", data={"answer": "7"}."""

    id: str  # hash of env name and messages: stable over runs and machines
    env: str
    index: int  # position in the env's stream of this split
    messages: tuple[Message, ...]
    data: Mapping[str, Any]  # what the rewards need; JSON values only
    level: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "env": self.env,
            "index": self.index,
            "messages": list(self.messages),
            "data": dict(self.data),
            "level": self.level,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Prompt:
        return cls(**{**row, "messages": tuple(row["messages"])})


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One finished rollout, exactly as sampled: token in, token out, never re-encoded."""

    prompt_id: str
    env: str
    index: int  # position in its group, 0..G-1
    prompt_ids: NDArray[np.int32]  # [T_prompt]
    completion_ids: NDArray[np.int32]  # [T], the stop token included
    logprobs: NDArray[np.float32]  # [T] nats, of the engine, after temperature
    loss_mask: NDArray[np.bool_]  # [T], True where the policy chose the token
    finish_reason: FinishReason
    weight_version: int  # version of the weights that sampled it
    text: str  # the completion decoded without special tokens; of several turns the last
    turns: tuple[Message, ...] = ()  # of a conversation: what policy and env said after the prompt, in order

    @property
    def n_tokens(self) -> int:
        return len(self.completion_ids)

    def to_json(self) -> dict[str, Any]:
        return {
            "prompt_id": self.prompt_id,
            "env": self.env,
            "index": self.index,
            "prompt_ids": self.prompt_ids.tolist(),
            "completion_ids": self.completion_ids.tolist(),
            "logprobs": self.logprobs.tolist(),
            "loss_mask": self.loss_mask.astype(int).tolist(),
            "finish_reason": self.finish_reason,
            "weight_version": self.weight_version,
            "text": self.text,
            **({"turns": list(self.turns)} if self.turns else {}),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Sample:
        arrays = {
            "prompt_ids": np.asarray(row["prompt_ids"], np.int32),
            "completion_ids": np.asarray(row["completion_ids"], np.int32),
            "logprobs": np.asarray(row["logprobs"], np.float32),
            "loss_mask": np.asarray(row["loss_mask"], np.bool_),
        }
        return cls(**{**row, **arrays, "turns": tuple(row.get("turns", ()))})


@dataclass(frozen=True, slots=True)
class Score:
    """A verdict. A score is not a float: what cannot be judged is never 0 but has another status.

    `ok` is the only status whose `value` counts. `invalid`: the task itself cannot be judged (a gold that
    does not parse). `error`: the reward raised. `timeout`: it ran past its deadline.
    """

    value: float = 0.0
    status: Status = "ok"
    components: Mapping[str, float] = field(default_factory=dict)
    detail: str = ""  # one line for people: why this verdict
    ms: float = 0.0  # wall time of judging

    def to_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "status": self.status,
            "components": dict(self.components),
            "detail": self.detail,
            "ms": round(self.ms, 3),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Score:
        return cls(**row)


@dataclass(frozen=True, slots=True)
class Credit:
    """What training makes of a sample and its verdict: value = base + the weighted terms.

    Whether the sample counts and whether it trains are two things: one that was cut off may stay in the
    baseline of its group without being learned from.
    """

    value: float = 0.0
    base: float = 0.0  # the verdict's value after gates and the rule for truncated samples
    counts: bool = True  # enters the baseline of its group
    trains: bool = True  # enters the loss
    terms: Mapping[str, float] = field(default_factory=dict)  # before their weights

    def to_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "base": self.base,
            "counts": self.counts,
            "trains": self.trains,
            "terms": dict(self.terms),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Credit:
        return cls(**row)


@dataclass(frozen=True, slots=True)
class Group:
    """All samples of one prompt with their verdicts; the unit of the advantage."""

    prompt: Prompt
    samples_G: tuple[Sample, ...]
    scores_G: tuple[Score, ...]
    credits_G: tuple[Credit, ...] = ()  # of training only: evaluations have none
    dropped: str = ""  # why the group was replaced by another; "" when it was not


@dataclass(frozen=True, slots=True)
class StepReport:
    """What one optimizer step did: flat `section/name` → number, as written to metrics.jsonl."""

    stage: str
    step: int  # 1-based: the step that has just finished
    metrics: Mapping[str, float]
