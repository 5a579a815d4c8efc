"""Giving the request back, or giving two answers."""

from __future__ import annotations

from rlstack.rewards.ifeval.registry import instruction, string
from rlstack.rewards.ifeval.text import Text


def request(value: object) -> str:
    if not string(value):
        raise ValueError("the request to repeat is empty")
    return str(value)


@instruction("combination:repeat_prompt", prompt_to_repeat=request)
def repeat_prompt(text: Text, prompt_to_repeat: str) -> bool:
    """Begins with the request; that an answer follows is for the content gate to see."""
    return text.stripped.lower().startswith(prompt_to_repeat.strip().lower())


@instruction("combination:two_responses")
def two_responses(text: Text) -> bool:
    """Two different non-blank parts around `******`; only the outermost parts may be blank."""
    parts = [part.strip() for part in text.raw.split("******")]
    if not all(parts[1:-1]):
        return False
    filled = [part for part in parts if part]
    return len(filled) == 2 and filled[0] != filled[1]
