"""Constraints: how each is asked for, kept and broken. Ids and kwargs as published with IFEval."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rlstack.envs.instruction import prose
from rlstack.envs.words import words

Kwargs = dict[str, Any]

KEYWORDS = words("blue green winter summer music bread stone silver window paper")
ENDINGS = ("The end.", "So it is.", "Good night.", "That is it.", "Thank you.")


@dataclass(frozen=True)
class Constraint:
    """One checkable demand on a text."""

    ask: Callable[[Kwargs], str]  # the sentence in the prompt
    apply: Callable[[str, Kwargs, random.Random], str]  # makes a text keep it, and whatever has been applied before
    order: int = 2  # 0 adds sentences, 1 shapes them, 2 adds parts, 3 frames the whole, 4 sets the letters
    pick: Callable[[random.Random, int], Kwargs] = lambda rng, level: {}
    violate: Callable[[str, Kwargs, random.Random], str] = lambda text, kwargs, rng: text  # where omission keeps it
    clashes: tuple[str, ...] = ()  # ids that cannot be kept with it


def compatible(name: str, others: Sequence[str]) -> bool:
    """Whether one text can keep `name` together with all `others`."""
    return all(other not in CONSTRAINTS[name].clashes and name not in CONSTRAINTS[other].clashes for other in others)


def _some(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _sentence_with(text: str, what: str) -> str:
    return f"{text} There was a {what} too."


def _with_comma(text: str, kwargs: Kwargs, rng: random.Random) -> str:
    return f"{rng.choice(('Well', 'Yes', 'Oh'))}, {text[0].lower()}{text[1:]}"


def _too_short(text: str, kwargs: Kwargs, rng: random.Random) -> str:
    return rng.choice(("It is very old.", "We like it here.", "I saw it there."))


def _padded(text: str, kwargs: Kwargs, rng: random.Random) -> str:
    while len(text.split()) < kwargs["num_words"]:
        text = f"{text} {prose.padding(rng, 1)}"
    return text


def _highlighted(text: str, kwargs: Kwargs, rng: random.Random) -> str:
    marks = [f"*{word}*" for word in rng.sample(KEYWORDS, kwargs["num_highlights"])]
    return f"{text} What matters here: {' and '.join(marks)}."


def _bullets(text: str, kwargs: Kwargs, rng: random.Random) -> str:
    points = rng.sample(prose.MORE, kwargs["num_bullets"])
    return "\n".join([text, *(f"* {point}" for point in points)])


def _title(text: str, kwargs: Kwargs, rng: random.Random) -> str:
    return f"<<{rng.choice(('This One', 'What It Is', 'As It Is'))}>> {text}"


def _picked_words(rng: random.Random, level: int) -> Kwargs:
    return {"relation": "at least", "num_words": rng.choice((5, 6)) if level == 0 else rng.randint(15, 30 + 10 * level)}


def _frequency(text: str, kwargs: Kwargs, rng: random.Random) -> str:
    word = kwargs["keyword"]
    return f"{text} I say {' and '.join([word] * kwargs['frequency'])}."


def _placeholders(text: str, kwargs: Kwargs, rng: random.Random) -> str:
    slots = rng.sample(("name", "date", "place", "number", "address"), kwargs["num_placeholders"])
    return f"{text} Ask for {' and '.join(f'[{slot}]' for slot in slots)}."


LOWER, UPPER = "change_case:english_lowercase", "change_case:english_capital"
BULLETS, QUOTES, END, NOTE = (
    "detectable_format:number_bullet_lists",
    "startend:quotation",
    "startend:end_checker",
    "detectable_content:postscript",
)

CONSTRAINTS: dict[str, Constraint] = {
    LOWER: Constraint(
        ask=lambda kwargs: "Use lowercase only.",
        apply=lambda text, kwargs, rng: text.lower(),
        order=4,
        clashes=(UPPER, NOTE),
    ),
    UPPER: Constraint(
        ask=lambda kwargs: "Use CAPITALS only.",
        apply=lambda text, kwargs, rng: text.upper(),
        order=4,
        clashes=(LOWER, NOTE),
    ),
    "punctuation:no_comma": Constraint(
        ask=lambda kwargs: "Use no comma.",
        apply=lambda text, kwargs, rng: re.sub(", ?", " ", text),
        order=1,
        violate=_with_comma,
    ),
    QUOTES: Constraint(
        ask=lambda kwargs: "Put all in double quotes.",
        apply=lambda text, kwargs, rng: f'"{text}"',
        order=3,
        clashes=(END, NOTE, "detectable_format:title"),
    ),
    END: Constraint(
        ask=lambda kwargs: f"End with: {kwargs['end_phrase']}",
        apply=lambda text, kwargs, rng: f"{text} {kwargs['end_phrase']}",
        order=3,
        pick=lambda rng, level: {"end_phrase": rng.choice(ENDINGS)},
        clashes=(QUOTES, NOTE, BULLETS),
    ),
    "detectable_format:title": Constraint(
        ask=lambda kwargs: "Start with a title in <<>>.",
        apply=_title,
        order=3,
        clashes=(QUOTES,),
    ),
    "length_constraints:number_words": Constraint(
        ask=lambda kwargs: f"Use at least {kwargs['num_words']} words.",
        apply=_padded,
        order=0,
        pick=_picked_words,
        violate=_too_short,
        clashes=(BULLETS, END, NOTE, "detectable_format:number_highlighted_sections", "keywords:frequency"),
    ),
    "keywords:existence": Constraint(
        ask=lambda kwargs: f"Use the word {' and the word '.join(kwargs['keywords'])}.",
        apply=lambda text, kwargs, rng: _sentence_with(text, " ".join(kwargs["keywords"])),
        order=0,
        pick=lambda rng, level: {"keywords": rng.sample(KEYWORDS, 1 if level < 2 else 2)},
    ),
    "keywords:forbidden_words": Constraint(
        ask=lambda kwargs: f"Never say {' or '.join(kwargs['forbidden_words'])}.",
        apply=lambda text, kwargs, rng: text,
        order=0,
        pick=lambda rng, level: {"forbidden_words": rng.sample(("maybe", "perhaps", "nice", "stuff", "sort"), 2)},
        violate=lambda text, kwargs, rng: f"{text} That is {kwargs['forbidden_words'][0]} it.",
    ),
    "keywords:frequency": Constraint(
        ask=lambda kwargs: f"Use the word {kwargs['keyword']} at least {kwargs['frequency']} times.",
        apply=_frequency,
        order=0,
        pick=lambda rng, level: {
            "keyword": rng.choice(("yes", "again", "never")),
            "frequency": rng.randint(2, 3),
            "relation": "at least",
        },
    ),
    "detectable_format:number_highlighted_sections": Constraint(
        ask=lambda kwargs: f"Highlight at least {_some(kwargs['num_highlights'], 'part')}, *like this*.",
        apply=_highlighted,
        order=0,
        pick=lambda rng, level: {"num_highlights": rng.randint(1, 2)},
        clashes=(BULLETS,),
    ),
    BULLETS: Constraint(
        ask=lambda kwargs: f"Add exactly {kwargs['num_bullets']} bullet points that begin with *.",
        apply=_bullets,
        order=2,
        pick=lambda rng, level: {"num_bullets": rng.randint(2, 4)},
        clashes=("detectable_format:number_highlighted_sections", "length_constraints:number_words", END),
    ),
    "detectable_content:number_placeholders": Constraint(
        ask=lambda kwargs: f"Use at least {_some(kwargs['num_placeholders'], 'placeholder')}, like [name].",
        apply=_placeholders,
        order=0,
        pick=lambda rng, level: {"num_placeholders": rng.randint(1, 3)},
    ),
    NOTE: Constraint(
        ask=lambda kwargs: f"End with a note that begins with {kwargs['postscript_marker']}",
        apply=lambda text, kwargs, rng: f"{text}\n{kwargs['postscript_marker']} {prose.padding(rng, 1)}",
        order=3,
        pick=lambda rng, level: {"postscript_marker": "P.S."},
        clashes=(LOWER, UPPER, END, QUOTES),
    ),
    "language:response_language": Constraint(
        ask=lambda kwargs: f"Answer in {prose.LANGUAGE_NAMES[kwargs['language']]}.",
        apply=lambda text, kwargs, rng: text,
        order=0,
    ),
}
