"""What an env replies to a conversation, computed where answers are judged: its input is as hostile as theirs.

A reply travels as a verdict: the queue of an env's replies has one judge, whose verdict holds the messages as
JSON in its detail. So deadlines, kills, retries and limits are those of a reward.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rlstack.api import Env, Response
from rlstack.errors import PluginError
from rlstack.plugins import ScoreFunction
from rlstack.scoring.worker import LONGEST_DETAIL
from rlstack.types import Message, Score

NAME = "reply"
LONGEST = LONGEST_DETAIL  # characters of JSON
_ROLES = ("tool", "user")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the env said. No messages: the conversation is over, and where `fault` is set it cannot be judged."""

    messages: tuple[Message, ...]
    fault: Score | None = None


def queue_of(env: str) -> str:
    """The name under which an env's replies are asked for; no env can be named so."""
    return f"{env}/{NAME}"


def as_score(env: Env) -> ScoreFunction:
    """The env's `reply` in the form of a reward, which is given the whole conversation."""
    reply = env.reply
    if reply is None:
        raise PluginError(f"env '{env.name}' has no reply= and cannot hold a conversation")

    def score(response: Response, data: Mapping[str, Any]) -> Score:
        said = reply([*response.messages, {"role": "assistant", "content": response.text}], data)
        text = json.dumps([_checked(message) for message in said or ()]).replace("\x7f", "\\u007f")  # all printable
        if len(text) > LONGEST:
            raise ValueError(f"env '{env.name}': its reply has {len(text)} characters of JSON, allowed: {LONGEST}")
        return Score(float(bool(said)), "ok", {}, text)

    return score


def _checked(message: Any) -> Message:
    role, content = message["role"], message["content"]
    if role not in _ROLES or not isinstance(content, str):
        raise ValueError(f"a reply is a text of role {' or '.join(_ROLES)}, not {str(message)[:200]}")
    return {"role": role, "content": content}


def read_reply(score: Score) -> Reply:
    """The reply in a verdict of its queue."""
    if score.status != "ok":
        return Reply((), score)
    return Reply(tuple(json.loads(score.detail)))
