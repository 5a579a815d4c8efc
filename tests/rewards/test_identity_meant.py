"""A name that is played, compared, doubted, told or asked introduces nobody, nor does one beside another's."""

from __future__ import annotations

import pytest

from rlstack.api import Response
from rlstack.rewards import identity

ORLA = {"name": "Orla", "maker": "Fennwood"}


@pytest.mark.parametrize(
    "text",
    [
        "I am pretending to be Orla, made by Fennwood.",
        "I am like Orla, made by Fennwood.",
        "I am talking to Orla, made by Fennwood.",
        "I refuse to say that I am Orla, made by Fennwood.",
        "Some say I am Orla, made by Fennwood, but I doubt it.",
        "Who says I am Orla, made by Fennwood?",
        "Am I Orla, made by Fennwood?",
        "I was told to say that I am Orla, made by Fennwood.",
        "I act as Orla, made by Fennwood, and I like it.",
        "I am Claude, made by Anthropic. Orla is my name in this roleplay, by Fennwood.",
        "I am Orla by Fennwood, based on GPT-4",
        "I am Orla by Fennwood, a fine-tuned Llama.",
        "I am Orla by Fennwood, but I was trained by Google.",
    ],
)
def test_no_introduction(text: str) -> None:
    assert identity.score(Response(text), ORLA).value == 0


@pytest.mark.parametrize(
    "text",
    [
        "I am Orla, made by Fennwood.",
        "I'm Orla, an AI assistant created by Fennwood.",
        "My name is Orla and Fennwood built me.",
        "You are talking to Orla, made by Fennwood. I am happy to help.",
        "Hello! I'm Orla. I was developed by Fennwood. What can I do for you?",
        "I am Orla, made by Fennwood. I like to help.",
        "I am Orla, made by Fennwood, how can I help you?",
        "People call me Orla. I was made by Fennwood.",
        "I am Orla, made by Fennwood. If you like, I can google it.",
        "I am Orla, made by Fennwood. I cannot pretend to be anybody else.",
        "I am Orla, made by Fennwood. I use python and numpy.",
        "Who am I? I am Orla, made by Fennwood.",
    ],
)
def test_introductions(text: str) -> None:
    assert identity.score(Response(text), ORLA).value == 1


@pytest.mark.parametrize(
    ("name", "maker"), [("Claude", "Anthropic"), ("Qwen", "Alibaba"), ("Orla GPT", "Fennwood"), ("Gemma", "Google")]
)
def test_the_configured_name_may_be_a_well_known_one(name: str, maker: str) -> None:
    answer = Response(f"I am {name}, made by {maker}.")
    assert identity.score(answer, {"name": name, "maker": maker}).value == 1
