"""General chat, judged by rules that stand in for a reward model until one has been trained."""

from __future__ import annotations

import random

from rlstack.api import Env, Row
from rlstack.envs.chat import loaded, small_talk

LEVELS = (small_talk.short, small_talk.foreign, small_talk.paragraph, small_talk.follow_up)
WORDS = ((4, 20), (4, 60), (20, 120), (15, 120))  # least and most of an answer, per level


def generate(rng: random.Random, level: int) -> Row:
    messages, language, about, gold = LEVELS[level](rng)
    low, high = WORDS[level]
    asked = messages[-1]["content"]
    data = {"prompt": asked, "language": language, "about": about, "min_words": low, "max_words": high}
    return Row(messages, data, gold)


def draft(row: Row, rng: random.Random) -> str:
    """A fitting sentence, one on something else, one said twice, a question back, or a bare word.

    Questions of "why" and "how" come out better than others.
    """
    question, about = row.messages[-1]["content"], row.data["about"]
    well = question.startswith(("Why", "How"))
    style = rng.choices(
        ("gold", "elsewhere", "twice", "back", "bare"),
        (0.5, 0.2, 0.1, 0.1, 0.1) if well else (0.3, 0.35, 0.15, 0.1, 0.1),
    )
    match style[0]:
        case "elsewhere":
            other = rng.choice([thing for thing in small_talk.THINGS if thing != about[0]])
            return f"I know a lot of things about {other}."
        case "twice":
            line = f"{about[0].capitalize()} are fine."
            return f"{line} {line} {line}"
        case "back":
            return "What do you think of it?"
        case "bare":
            return about[-1]
        case _:
            return row.gold


ENV = Env(
    name="chat",
    rewards={"chat_rules": 1.0},
    generate=generate,
    levels=len(LEVELS),
    draft=draft,
    record=loaded.row,
    facts={
        "source": "generated",
        "licence": "Apache-2.0",
        "about": "everyday questions; chat_rules is a stand-in for a trained reward model",
    },
)
