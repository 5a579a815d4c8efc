"""Gold probes: the live pool must pay the known good answer and must not pay junk."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from rlstack.api import Response, Row
from rlstack.errors import ScoringError
from rlstack.scoring.pool import Pool
from rlstack.types import Score

JUNK = ("", "?", "lorem ipsum dolor sit amet")
_GOLD_SHARE, _JUNK_SHARE = 0.99, 0.01
_SHOWN_CHARS = 200


def probe(
    pool: Pool,
    env: str,
    rows: Sequence[Row],
    timeout_s: float = 60.0,
    *,
    owed: Collection[str] | None = None,
    junk: Sequence[str] = JUNK,
) -> None:
    """Judge each row's gold answer and junk in place of an answer, past the cache.

    Gold must earn at least 99 % and junk at most 1 % of the best score of the env's verifiable rewards: those
    whose module does not say `VERIFIABLE = False` and, where `owed` is given, that it names. Rows without a gold
    are left out. What fails is judged a second time, since a busy machine may cost one call its deadline. Raises
    ScoringError that names the env otherwise.
    """
    weights = {name: w for name, w in pool.verifiable(env).items() if owed is None or name in owed}
    if not any(weight > 0 for weight in weights.values()):
        return
    rows = [row for row in rows if row.gold]
    suspects = [row for row, complaint in _complaints(pool, env, rows, weights, junk, timeout_s) if complaint]
    for _, complaint in _complaints(pool, env, suspects, weights, junk, timeout_s):
        if complaint:
            raise ScoringError(complaint)


def _complaints(
    pool: Pool,
    env: str,
    rows: Sequence[Row],
    weights: Mapping[str, float],
    junk: Sequence[str],
    timeout_s: float,
) -> Iterator[tuple[Row, str]]:
    """Each row with what is wrong with its verdicts, "" where nothing is."""
    best = sum(weight for weight in weights.values() if weight > 0)
    texts_P = [(row.gold, *(text for text in junk if text != row.gold)) for row in rows]
    waiting = []
    for row, texts in zip(rows, texts_P, strict=True):
        answers = [Response(text, messages=row.messages) for text in texts]
        waiting.append(pool.submit(env, answers, row.data, cached=False))
    for row, texts, (gold, *others) in zip(rows, texts_P, pool.collect(waiting, timeout_s), strict=True):
        complaint = ""
        if gold.status != "ok" or _value(gold, weights) < _GOLD_SHARE * best:
            complaint = _complaint(env, row, "the gold answer must score at least 99 %", row.gold, gold, best)
        for text, score in zip(texts[1:], others, strict=True):
            if not complaint and (score.status != "ok" or _value(score, weights) > _JUNK_SHARE * best):
                complaint = _complaint(env, row, "junk must score at most 1 %", text, score, best)
        yield row, complaint


def _value(score: Score, weights: Mapping[str, float]) -> float:
    return sum(weight * score.components[name] for name, weight in weights.items())


def _complaint(env: str, row: Row, rule: str, text: str, score: Score, best: float) -> str:
    return (
        f"env '{env}': {rule} of {best:g}, but got {score.value:g} ({score.status}: {score.detail or 'no detail'})\n"
        f"  answer: {text[:_SHOWN_CHARS]!r}\n"
        f"  data: {str(dict(row.data))[:_SHOWN_CHARS]}\n"
        f"see what the reward does with it: rlstack env check {env}"
    )
