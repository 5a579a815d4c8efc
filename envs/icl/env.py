"""Learning from examples in the prompt: invented labels, rewritten strings, functions of lists."""

from __future__ import annotations

import random

from rlstack.api import Env, Row
from rlstack.envs.icl import labels, lists, strings
from rlstack.envs.loaded import question_and_answer

LEVELS = (
    (labels.two_words,),
    (labels.parity_of_length, strings.one_rule),
    (lists.one_function, strings.two_rules),
    (lists.two_functions,),
)


def generate(rng: random.Random, level: int) -> Row:
    examples, query, answer = rng.choice(LEVELS[level])(rng)
    order = list(examples)
    rng.shuffle(order)
    shown = "\n".join(f"{given} -> {made}" for given, made in order)
    return Row.ask(f"{shown}\n{query} ->", {"answer": answer}, answer)


def draft(row: Row, rng: random.Random) -> str:
    """The answer, two candidates, the line written out, or a remark. Words late in the alphabet come out worse."""
    question, answer = row.messages[-1]["content"], row.data["answer"]
    *examples, last = question.split("\n")
    query = last.removesuffix(" ->")
    others = [made for made in (line.split(" -> ")[1] for line in examples) if made != answer]
    worse = query[:1] >= "n"
    style = rng.choices(
        ("gold", "hedged", "remark", "unsure"), (0.3, 0.45, 0.15, 0.1) if worse else (0.5, 0.25, 0.15, 0.1)
    )
    match style[0]:
        case "hedged" if others:
            return f"{answer} or {rng.choice(others)}"
        case "remark":
            return f"What could {query} be here?"
        case "gold":
            return row.gold
        case _:
            return "I am not sure."


ENV = Env(
    name="icl",
    rewards={"induction": 1.0},
    generate=generate,
    levels=len(LEVELS),
    draft=draft,
    record=question_and_answer,
    facts={"source": "generated", "licence": "Apache-2.0", "about": "rules told by examples only"},
)
