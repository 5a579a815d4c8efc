"""Instruction following: do verifiable constraints hold? IFEval (25 types), IF-RLVR (29) and IFBench (58).

`data = {"instruction_id_list": ["punctuation:no_comma", ..], "kwargs": [{}, ..], "prompt": "..."}` as published
(null kwargs mean "not given"); `"content_gate": false` turns the content gate off and `"ifbench_edition": "2025"`
asks for the IFBench checkers as first published. `"topic": ["horse", ..]` lists words or stems of which the response
must hold one (in its own language; inflected forms count), else it has no content. The value is 1 if every
instruction holds strictly and the response has content of its own, else 0. Components: `strict`, `loose`, `share`
(of instructions followed), `content`, and `strict/<id>` for each instruction (`#2`, `#3` .. for an id that
repeats). Sources: Zhou et al. 2023 (arXiv 2311.07911), Pyatkin et al. 2025 (arXiv 2507.02833).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rlstack.api import Response, Score, invalid
from rlstack.errors import nearest
from rlstack.rewards.ifeval import gate
from rlstack.rewards.ifeval.registry import EDITION_2025, INSTRUCTIONS, Bound, KwargsError
from rlstack.rewards.ifeval.text import Text

__all__ = ["DEADLINE_S", "INSTRUCTIONS", "bind", "follows", "follows_loosely", "score", "variants"]

DEADLINE_S = 10.0
EDITIONS = ("2025", "2026")  # of the IFBench checkers: as first published, and as mended upstream since
MAX_CHARS = 1_000_000
MAX_LOOSE_CHARS = 100_000  # loose verdicts are a report only; a longer response gets its strict ones


def bind(
    instruction_ids: Sequence[str], kwargs: Sequence[Mapping[str, Any] | None], ifbench_edition: str = EDITIONS[-1]
) -> list[Bound]:
    """The instructions of one prompt, ready to judge. Raises KwargsError with what would fit."""
    from rlstack.rewards.ifeval import checks  # noqa: F401  fills INSTRUCTIONS

    if ifbench_edition not in EDITIONS:
        raise KwargsError(f"ifbench_edition is {ifbench_edition!r}; known: {', '.join(EDITIONS)}")
    table = INSTRUCTIONS if ifbench_edition == EDITIONS[-1] else {**INSTRUCTIONS, **EDITION_2025}

    if len(instruction_ids) != len(kwargs):
        raise KwargsError(f"{len(instruction_ids)} instruction ids but {len(kwargs)} kwargs")
    if not instruction_ids:
        raise KwargsError("no instruction to judge by")
    bound = []
    for one, given in zip(instruction_ids, kwargs, strict=True):
        if not isinstance(one, str) or one not in table:
            raise KwargsError(f"unknown instruction '{one}'; {nearest(str(one), table)}")
        if given is not None and not isinstance(given, Mapping):
            raise KwargsError(f"{one}: kwargs are {type(given).__name__}, not a mapping")
        bound.append(table[one].bind(given))
    return bound


def follows(instructions: Sequence[Bound], response: str) -> list[bool]:
    """Strict verdicts, one per instruction."""
    text = Text(response)
    return [one.follows(text) for one in instructions]


def variants(response: str) -> list[str]:
    """The seven published variants beside the response itself: without its first line, its last, both, and `*`."""
    lines = response.split("\n")
    trimmed = ["\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1])]
    plain = [one.replace("*", "") for one in (response, *trimmed)]
    return list(dict.fromkeys([plain[0], *trimmed, *plain[1:]]))


def follows_loosely(instructions: Sequence[Bound], response: str, strict: Sequence[bool]) -> list[bool]:
    """Loose verdicts: an instruction that holds for the response or for one of its variants."""
    if all(strict) or len(response) > MAX_LOOSE_CHARS:
        return list(strict)
    texts = [Text(one) for one in variants(response) if one != response]
    return [held or any(one.follows(text) for text in texts) for one, held in zip(instructions, strict, strict=True)]


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 if all instructions hold strictly and the response says something of its own, else 0.

    Only the text after a reasoning part counts. An unknown instruction or kwargs that do not fit give status
    "invalid": such a row cannot be judged.
    """
    try:
        instructions = bind(*_published(data), data.get("ifbench_edition", EDITIONS[-1]))
    except KwargsError as error:
        return invalid(str(error))
    topic = data.get("topic")
    if topic is not None and not _is_topic(topic):
        return invalid("data['topic'] must be a list of words, none empty")
    answer = response.answer if "think>" not in response.text else response.answer.lstrip()
    if len(answer) > MAX_CHARS:
        return Score(0.0, "ok", {"strict": 0.0}, f"longer than {MAX_CHARS} characters")
    strict = follows(instructions, answer)
    loose = follows_loosely(instructions, answer, strict)
    refusal = _refusal(answer, instructions, data)
    value = float(all(strict) and not refusal)
    return Score(value, "ok", _components(instructions, strict, loose, refusal), _detail(instructions, strict, refusal))


def _is_topic(topic: Any) -> bool:
    return isinstance(topic, list | tuple) and bool(topic) and all(isinstance(w, str) and w.strip() for w in topic)


def _published(data: Mapping[str, Any]) -> tuple[Sequence[str], Sequence[Mapping[str, Any] | None]]:
    ids, kwargs = data.get("instruction_id_list"), data.get("kwargs")
    if isinstance(kwargs, str):
        try:
            kwargs = json.loads(kwargs) if len(kwargs) < MAX_CHARS else None
        except ValueError:
            raise KwargsError("'kwargs' is a text, but not JSON") from None
    for name, value in (("instruction_id_list", ids), ("kwargs", kwargs)):
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise KwargsError(f"'{name}' is {type(value).__name__}, not a list")
    return ids, kwargs  # pyright: ignore[reportReturnType]


def _refusal(answer: str, instructions: Sequence[Bound], data: Mapping[str, Any]) -> str:
    """The content gate, where it applies: a prescribed wording leaves no content to look for."""
    if data.get("content_gate", True) is False or any(one.instruction.exact for one in instructions):
        return ""
    if (topic := data.get("topic")) and gate.misses(answer, topic):
        return f"nothing about {topic[0]!a}"
    copies = any("prompt_to_repeat" in one.values for one in instructions)
    prompt = data.get("prompt")
    return gate.refusal(answer, prompt if isinstance(prompt, str) else "", [one.values for one in instructions], copies)


def _components(
    instructions: Sequence[Bound], strict: Sequence[bool], loose: Sequence[bool], refusal: str
) -> dict[str, float]:
    found = {
        "strict": float(all(strict)),
        "loose": float(all(loose)),
        "share": sum(strict) / len(strict),
        "content": float(not refusal),
    }
    seen: dict[str, int] = {}
    for one, held in zip(instructions, strict, strict=True):
        name = one.instruction.id
        seen[name] = seen.get(name, 0) + 1
        found[f"strict/{name}" + (f"#{seen[name]}" if seen[name] > 1 else "")] = float(held)
    return found


def _detail(instructions: Sequence[Bound], strict: Sequence[bool], refusal: str) -> str:
    broken = [one.instruction.id for one, held in zip(instructions, strict, strict=True) if not held]
    parts = ["not followed: " + ", ".join(broken)] if broken else ["all followed"]
    return "; ".join([*parts, *([f"no content: {refusal}"] if refusal else [])])
