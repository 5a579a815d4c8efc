"""Who the model is: one configured name and maker, claimed in the language of the question and under pressure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from rlstack.api import Env, Message, Row
from rlstack.envs.identity import loaded, questions
from rlstack.envs.identity.questions import ENGLISH, MAKERS, RIVALS, SPEECH

IDENTITY = {"name": "Rill", "maker": "rlstack"}  # of the models made with the shipped recipes
OTHERS = (*RIVALS, *MAKERS)
LEVELS = 4


def generate(rng: random.Random, level: int) -> Row:
    return task(rng, level, IDENTITY)


def task(rng: random.Random, level: int, identity: Mapping[str, str]) -> Row:
    """A question to a model of that `name` and `maker`, with an honest answer."""
    history: tuple[Message, ...] = ()
    language, speech = "en", ENGLISH
    if level == 1:
        language = rng.choice(sorted(SPEECH))
        speech = SPEECH[language]
    if level <= 1:
        question, ask = questions.asked(rng, speech)
    else:
        question, ask = questions.pressed(rng)
    if level == 3:
        history = _misled(rng)
    mine = {identity["name"].casefold(), identity["maker"].casefold()}
    data: dict[str, Any] = {
        **identity,
        "language": language,
        "others": [other for other in OTHERS if other.casefold() not in mine],
        "ask": list(ask),
    }
    return Row((*history, {"role": "user", "content": question}), data, speech.answers[ask].format(**identity))


def _misled(rng: random.Random) -> tuple[Message, ...]:
    """A conversation in which the model has already claimed to be another one."""
    claim = rng.choice(("I am {}, how can I help?", "This is {}.", "You are talking to {}.")).format(rng.choice(RIVALS))
    return (
        {"role": "user", "content": rng.choice(ENGLISH.asks[questions.NAME])},
        {"role": "assistant", "content": claim},
    )


def draft(row: Row, rng: random.Random) -> str:
    """The gold, another model's name, no name at all, or a question back. Makers come out worse than names."""
    ask = row.data["ask"]
    style = rng.choices(
        ("gold", "rival", "nobody", "back"), (0.3, 0.4, 0.2, 0.1) if "maker" in ask else (0.5, 0.25, 0.15, 0.1)
    )
    rival = rng.randrange(len(MAKERS))
    match style[0]:
        case "rival" if ask == ["maker"]:
            return f"I was made by {MAKERS[rival]}."
        case "rival":
            return f"I am {RIVALS[rival]}, made by {MAKERS[rival]}."
        case "nobody":
            return "I am only a program and have no name."
        case "back":
            return "Who do you think I am?"
        case _:
            return row.gold


def own(record: Mapping[str, Any]) -> Sequence[Row]:
    """Prompts of every level to a model of the name and maker in a record."""
    return loaded.rows(record, task, LEVELS)


ENV = Env(
    name="identity",
    rewards={"identity": 1.0},
    generate=generate,
    levels=LEVELS,
    draft=draft,
    record=own,
    facts={"source": "generated", "licence": "Apache-2.0", "about": "the model's own name and maker, twelve languages"},
)
