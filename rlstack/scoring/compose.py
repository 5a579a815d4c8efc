"""From several verdicts to one, and the rewards that depend on the whole group. Pure functions.

Axes: `_G` samples of one group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rlstack.errors import ScoringError, nearest
from rlstack.types import Score, Status

_WORST_FIRST: tuple[Status, ...] = ("error", "timeout", "invalid")


def combine(weights: Mapping[str, float], parts: Mapping[str, Score]) -> Score:
    """The weighted sum of an answer's verdicts, one per reward; components `reward` and `reward/component`.

    One part that is not ok makes the whole not ok (error before timeout before invalid): what cannot be
    judged is never 0. A weighted reward without a part is a KeyError.
    """
    judged = {name: parts[name] for name in weights}
    components: dict[str, float] = {}
    for name, part in judged.items():
        if part.status == "ok":
            components[name] = part.value
            components.update({f"{name}/{inner}": number for inner, number in part.components.items()})
    ms = sum(part.ms for part in judged.values())
    for status in _WORST_FIRST:
        found = {name: part for name, part in judged.items() if part.status == status}
        if found:
            return Score(0.0, status, components, _details(found, len(judged) > 1), ms)
    value = sum(weight * judged[name].value for name, weight in weights.items())
    return Score(value, "ok", components, _details(judged, len(judged) > 1), ms)


def gate(score: Score, needs: Mapping[str, float], floor: float = 0.0) -> Score:
    """The score if each named component reaches its threshold ("the format must hold"), else `floor`.

    Raises ScoringError when an ok score has no component of that name.
    """
    if score.status != "ok":
        return score
    for name, threshold in needs.items():
        if name not in score.components:
            raise ScoringError(f"gate on '{name}': the score has no such component; {nearest(name, score.components)}")
        if score.components[name] < threshold:
            missed = f"gate: {name} {score.components[name]:g} < {threshold:g}"
            return replace(score, value=floor, detail=f"{missed}; {score.detail}" if score.detail else missed)
    return score


def add(score: Score, name: str, value: float, weight: float = 1.0) -> Score:
    """The score with one more weighted term, kept as a component; one that is not ok stays as it is."""
    if score.status != "ok":
        return score
    return replace(score, value=score.value + weight * value, components={**score.components, name: value})


def overlong_penalty(n_tokens: int, max_tokens: int, cache_tokens: int) -> float:
    """Soft overlong punishment in [-1, 0]: 0 up to max - cache tokens, then falling linearly, -1 beyond max.

    Source: DAPO, arXiv 2503.14476, equation (13), with L_max = max_tokens and L_cache = cache_tokens.
    """
    if not 0 < cache_tokens <= max_tokens:
        raise ValueError(f"cache_tokens is {cache_tokens}, but must be in 1..{max_tokens} (max_tokens)")
    free = max_tokens - cache_tokens
    if n_tokens <= free:
        return 0.0
    if n_tokens <= max_tokens:
        return (free - n_tokens) / cache_tokens
    return -1.0


def length_rewards(lengths_G: Sequence[int], correct_G: Sequence[bool]) -> tuple[float, ...]:
    """Brevity within a group, in [-0.5, 0.5]: +0.5 for the shortest, -0.5 for the longest; wrong ones never gain.

    All 0 when the lengths are equal. Source: Kimi k1.5, arXiv 2501.12599, section 2.3.3 (length penalty).
    """
    shortest, longest = min(lengths_G), max(lengths_G)
    if shortest == longest:
        return (0.0,) * len(lengths_G)
    lambdas_G = [0.5 - (length - shortest) / (longest - shortest) for length in lengths_G]
    return tuple(
        brevity if correct else min(0.0, brevity) for brevity, correct in zip(lambdas_G, correct_G, strict=True)
    )


def diversity_rewards(texts_G: Sequence[str], words: int = 3) -> tuple[float, ...]:
    """How far each answer is from the others of its group: the mean Jaccard distance of its word n-grams.

    In [0, 1]; 0 for an answer that all others repeat, and for a group of one.
    """
    shingles_G = [_shingles(text, words) for text in texts_G]
    others = len(texts_G) - 1
    if others < 1:
        return (0.0,) * len(texts_G)
    return tuple(
        sum(_distance(mine, other) for at, other in enumerate(shingles_G) if at != index) / others
        for index, mine in enumerate(shingles_G)
    )


def _shingles(text: str, words: int) -> frozenset[tuple[str, ...]]:
    tokens = text.casefold().split()
    if len(tokens) <= words:
        return frozenset({tuple(tokens)})
    return frozenset(tuple(tokens[at : at + words]) for at in range(len(tokens) - words + 1))


def _distance(mine: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    return 1.0 - len(mine & other) / len(mine | other)


def _details(parts: Mapping[str, Score], named: bool) -> str:
    return "; ".join(f"{name}: {part.detail}" if named else part.detail for name, part in parts.items() if part.detail)
