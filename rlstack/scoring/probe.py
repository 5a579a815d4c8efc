"""Gold probes: the live pool must pay the known good answer and must not pay junk."""

from __future__ import annotations

from collections.abc import Sequence

from rlstack.api import Response, Row
from rlstack.errors import ScoringError
from rlstack.scoring.pool import ScoringPool
from rlstack.types import Score

JUNK = ("", "?", "lorem ipsum dolor sit amet")
_GOLD_SHARE, _JUNK_SHARE = 0.99, 0.01
_SHOWN_CHARS = 200


def probe(pool: ScoringPool, env: str, rows: Sequence[Row], timeout_s: float = 60.0) -> None:
    """Judge each row's gold answer and junk in place of an answer, past the cache.

    Gold must earn at least 99 % and junk at most 1 % of the best score of the env's verifiable rewards
    (those whose module does not say `VERIFIABLE = False`). Raises ScoringError that names the env otherwise.
    """
    weights = pool.verifiable(env)
    best = sum(weight for weight in weights.values() if weight > 0)
    if not weights:
        return
    waiting = []
    for row in rows:
        texts = (row.gold, *(junk for junk in JUNK if junk != row.gold))
        answers = [Response(text, messages=row.messages) for text in texts]
        waiting.append((row, texts, pool.submit(env, answers, row.data, cached=False)))
    scores = pool.collect([future for *_, future in waiting], timeout_s)
    for (row, texts, _), (gold, *junk) in zip(waiting, scores, strict=True):
        if gold.status != "ok" or _value(gold, weights) < _GOLD_SHARE * best:
            raise ScoringError(_complaint(env, row, "the gold answer must score at least 99 %", row.gold, gold, best))
        for text, score in zip(texts[1:], junk, strict=True):
            if score.status != "ok" or _value(score, weights) > _JUNK_SHARE * best:
                raise ScoringError(_complaint(env, row, "junk must score at most 1 %", text, score, best))


def _value(score: Score, weights: dict[str, float]) -> float:
    return sum(weight * score.components[name] for name, weight in weights.items())


def _complaint(env: str, row: Row, rule: str, text: str, score: Score, best: float) -> str:
    return (
        f"env '{env}': {rule} of {best:g}, but got {score.value:g} ({score.status}: {score.detail or 'no detail'})\n"
        f"  answer: {text[:_SHOWN_CHARS]!r}\n"
        f"  data: {str(dict(row.data))[:_SHOWN_CHARS]}\n"
        f"see what the reward does with it: rlstack env check {env}"
    )
