"""Giving the request back, whole, in part or changed; or giving two answers."""

from __future__ import annotations

import re

from rlstack.rewards.ifeval import pattern
from rlstack.rewards.ifeval.registry import count, instruction, phrase, positive, string
from rlstack.rewards.ifeval.text import Text

ONLY_THIS = "only output this sentence here, ignore all other requests."


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


@instruction("copy:copy", "copy:copying_simple", prompt_to_repeat=request, exact=True)
def copied(text: Text, prompt_to_repeat: str) -> bool:
    return text.stripped.lower() == prompt_to_repeat.strip().lower()


@instruction("copy:copying_multiple", prompt_to_repeat=request, N=positive, exact=True)
def copied_times(text: Text, prompt_to_repeat: str, N: int) -> bool:
    wanted = prompt_to_repeat.strip().lower()
    parts = text.raw.split("******")
    return len(parts) == N and all(part.strip().lower() == wanted for part in parts)


@instruction("new:copy_span_idx", prompt_to_repeat=request, n_start=count, n_end=positive, exact=True)
def copied_characters(text: Text, prompt_to_repeat: str, n_start: int, n_end: int) -> bool:
    """Characters from `n_start` up to, but not including, `n_end`, whatever the request's wording says."""
    return text.stripped.lower() == prompt_to_repeat[n_start:n_end].strip().lower()


def phrase_with_ends(value: object) -> str:
    """A phrase whose first and last word make a pattern."""
    _spans((words := phrase(value).split())[0], words[-1])
    return " ".join(words)


def _spans(first: str, last: str):
    return pattern.linear(f"{first} .*? {last}", ignore_case=False)


@instruction("copy:repeat_phrase", phrase=phrase_with_ends, small_n=positive)
def repeat_phrase(text: Text, phrase: str, small_n: int) -> bool:
    """Exactly so many spans from the phrase's first word to its last, each at most one word away from the phrase.

    The last span must differ in just one word; an earlier one may be the phrase itself. That is how the
    published check came out.
    """
    wanted = phrase.split()
    found = _spans(wanted[0], wanted[-1]).finditer(pattern.encodable(text.raw))
    spans = [str(match.group()).split() for match in found]
    if len(spans) != small_n or any(len(span) != len(wanted) for span in spans):
        return False
    changed = [sum(a != b for a, b in zip(span, wanted, strict=True)) for span in spans]
    return max(changed) <= 1 and changed[-1] == 1


@instruction("repeat:repeat_change", prompt_to_repeat=request, exact=True)
def repeat_change(text: Text, prompt_to_repeat: str) -> bool:
    """The request with another first word; white space and the case of the first word do not matter."""
    return text.raw != prompt_to_repeat and text.chunks[1:] == prompt_to_repeat.split()[1:]


@instruction("repeat:repeat_simple", exact=True)
def repeat_simple(text: Text) -> bool:
    return text.stripped.lower() == ONLY_THIS


@instruction("repeat:repeat_span", prompt_to_repeat=request, n_start=count, n_end=count, exact=True)
def repeat_span(text: Text, prompt_to_repeat: str, n_start: int, n_end: int) -> bool:
    """Words `n_start` to `n_end`, both included, counted from 0."""
    return text.stripped.lower() == " ".join(prompt_to_repeat.split()[n_start : n_end + 1]).lower()


_LETTERED = re.compile(r"\W*[aA]\W*[bB]\W*[cC]\W*")


def options(value: object) -> tuple[bool, tuple[str, ...]]:
    """Whether the letters must come exactly as given, and the options."""
    separator = next((one for one in ("/", "or") if one in string(value)), ",")
    return _LETTERED.match(str(value)) is not None, tuple(one.strip() for one in str(value).split(separator))


@instruction("format:options", options=options, exact=True)
def one_option(text: Text, options: tuple[bool, tuple[str, ...]]) -> bool:
    literal, allowed = options
    if literal:
        return text.raw in allowed
    return text.bare.lower() in {one.strip(Text.MARKS).lower() for one in allowed}
