"""Short texts under constraints that a program can check, with the published IFEval ids."""

from __future__ import annotations

import random
from typing import Any

from rlstack.api import Env, Row
from rlstack.envs.instruction import loaded, prose
from rlstack.envs.instruction.constraints import CONSTRAINTS, Kwargs, compatible

SIMPLE = (
    "change_case:english_lowercase",
    "change_case:english_capital",
    "punctuation:no_comma",
    "startend:quotation",
    "startend:end_checker",
    "detectable_format:title",
    "length_constraints:number_words",
    "keywords:existence",
)
LEVELS = 4  # the level is the number of constraints less one; from level 2 on any language and any constraint


def generate(rng: random.Random, level: int) -> Row:
    if level >= 2 and rng.random() < 0.3:
        return _row(rng, _foreign(rng, level))
    pool = list(SIMPLE if level == 0 else CONSTRAINTS)
    rng.shuffle(pool)
    chosen: list[tuple[str, Kwargs]] = []
    for name in pool:
        if len(chosen) > level:
            break
        if name != "language:response_language" and compatible(name, [other for other, _ in chosen]):
            chosen.append((name, CONSTRAINTS[name].pick(rng, level)))
    return _row(rng, chosen)


def _foreign(rng: random.Random, level: int) -> list[tuple[str, Kwargs]]:
    """A language, with constraints of form that hold in any language."""
    names = [rng.choice(("startend:quotation", "detectable_format:title")), "punctuation:no_comma"]
    rng.shuffle(names)
    language = ("language:response_language", {"language": rng.choice(sorted(prose.LANGUAGES))})
    return [language, *((name, CONSTRAINTS[name].pick(rng, level)) for name in names[:level])]


def _row(rng: random.Random, chosen: list[tuple[str, Kwargs]]) -> Row:
    topic = rng.choice(prose.TOPICS)
    asked = " ".join(CONSTRAINTS[name].ask(kwargs) for name, kwargs in chosen)
    prompt = f"{prose.request(rng, topic)} {asked}"
    data: dict[str, Any] = {
        "instruction_id_list": [name for name, _ in chosen],
        "kwargs": [kwargs for _, kwargs in chosen],
        "prompt": prompt,
    }
    if not any(name == "language:response_language" for name, _ in chosen):
        data["topic"] = prose.stems(topic)
    return Row.ask(prompt, data, _write(rng, topic, chosen))


def _write(rng: random.Random, topic: str, chosen: list[tuple[str, Kwargs]]) -> str:
    """A text about `topic` that keeps every constraint of `chosen`."""
    language = next((kwargs["language"] for name, kwargs in chosen if name == "language:response_language"), "en")
    text = prose.sentence(rng, topic, language)
    for name, kwargs in sorted(chosen, key=lambda one: CONSTRAINTS[one[0]].order):
        text = CONSTRAINTS[name].apply(text, kwargs, rng)
    return text


def draft(row: Row, rng: random.Random) -> str:
    """A text that keeps all constraints, one that forgets one, or a remark about the task.

    Constraints on the letters are kept more often than those on what stands at the start or the end.
    """
    ids, prompt = row.data["instruction_id_list"], row.data["prompt"]
    chosen = list(zip(ids, row.data["kwargs"], strict=True))
    topic = next(topic for topic in prose.TOPICS if f" {topic} " in prompt)
    easy = ids[0].startswith(("change_case", "keywords", "length"))
    style = rng.choices(("kept", "forgotten", "remark"), (0.5, 0.4, 0.1) if easy else (0.3, 0.6, 0.1))
    match style[0]:
        case "kept":
            return _write(rng, topic, chosen)
        case "forgotten":
            lost = rng.randrange(len(chosen))
            text = _write(rng, topic, chosen[:lost] + chosen[lost + 1 :])
            return CONSTRAINTS[chosen[lost][0]].violate(text, chosen[lost][1], rng)
        case _:
            return "I am not sure."


ENV = Env(
    name="instruction",
    rewards={"ifeval": 1.0},
    generate=generate,
    levels=LEVELS,
    draft=draft,
    record=loaded.row,
    facts={
        "source": "own prompts and texts; constraint ids of IFEval (arXiv 2311.07911)",
        "licence": "Apache-2.0",
        "about": "one to four checkable constraints, nine languages",
        "judges": "form",
    },
)
