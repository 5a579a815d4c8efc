"""A trained scalar model's opinion of the answer: any sequence-classification checkpoint with one label.

`data`: `{"path": <folder of the checkpoint>}`. In a run the model is not loaded here: name it once as
`scoring.reward_model=<folder>` and give the reward a weight (`envs.chat.rewards.reward_model: 0.5`); a process of its
own then scores whole groups. The value is the model's own scalar, of any size; what it pays can be fooled, which is
why gold probes leave it out.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

from rlstack.api import Response, Score, invalid, judged

VERIFIABLE = False
DEADLINE_S = 120.0  # the first call loads the model
PRELOAD = ("dill", "transformers.modeling_layers", "transformers.models.granite.modeling_granite")  # before workers
LONGEST = 100_000  # characters of an answer that are read


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """The scalar of the conversation with this answer; an empty answer, or one cut off in its thoughts, too."""
    path = data.get("path")
    if not isinstance(path, str) or not path:
        return invalid("data['path'] must be the folder of a scalar model; in a run say scoring.reward_model=<folder>")
    turn = {"role": "assistant", "content": response.answer[:LONGEST]}
    (value,) = _model(path).score([[*response.messages, turn]])
    return judged(value) if math.isfinite(value) else invalid(f"the model's scalar is {value}")


@functools.cache
def _model(path: str) -> Any:
    from rlstack.models.reward_head import load  # a second to import, and only this reward needs it

    return load(path)
