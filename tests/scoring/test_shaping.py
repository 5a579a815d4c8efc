"""Credits against formulas written again: gates, truncated samples, overlong, brevity, diversity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rlstack.config.rl import EnvShare, SamplingConfig
from rlstack.errors import ScoringError
from rlstack.scoring.shaping import credited
from rlstack.types import Credit, Group, Prompt, Sample, Score

PROMPT = Prompt("p", "sql", 0, ({"role": "user", "content": "?"},), {})


def sample(n: int, reason: Any = "stop", text: str = "", foreign: int = 0) -> Sample:
    """A sample of n tokens, the first `foreign` of which an env wrote."""
    mask = np.arange(n) >= foreign
    ids = np.zeros(n, np.int32)
    return Sample("p", "sql", 0, ids[:1], ids, np.zeros(n, np.float32), mask, reason, 0, text)


def group(samples: list[Sample], scores: list[Score]) -> Group:
    return Group(PROMPT, tuple(samples), tuple(scores))


def sampling(**fields: Any) -> SamplingConfig:
    return SamplingConfig(**{"max_tokens": 100, **fields})


def credits_of(
    samples: list[Sample], scores: list[Score], share: EnvShare | None = None, **fields: Any
) -> list[Credit]:
    return list(credited(group(samples, scores), share or EnvShare(), sampling(**fields), 1.0).credits_G)


def test_without_settings_a_credit_is_the_verdict():
    scores = [Score(0.25), Score(1.0, "timeout"), Score(0.5)]
    found = credits_of([sample(3), sample(3), sample(100, "length")], scores)
    assert found == [Credit(0.25, 0.25), Credit(counts=False, trains=False), Credit(0.5, 0.5)]


def test_an_aborted_sample_is_nobodys_choice():
    assert credits_of([sample(3, "abort")], [Score(1.0)]) == [Credit(counts=False, trains=False)]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("keep", Credit(0.5, 0.5, True, True)),
        ("zero", Credit(0.0, 0.0, True, True)),
        ("mask", Credit(0.5, 0.5, True, False)),
        ("drop", Credit(0.5, 0.5, False, False)),
    ],
)
def test_truncated_samples_and_only_they_follow_the_rule(policy: str, expected: Credit):
    found = credits_of([sample(9, "length"), sample(9)], [Score(0.5), Score(0.5)], truncated=policy)
    assert found == [expected, Credit(0.5, 0.5)]


def test_soft_overlong_punishment_is_the_papers_equation():
    longest, cache = 100, 37
    lengths = [1, 62, 63, 64, 80, 99, 100]
    found = credits_of([sample(n) for n in lengths], [Score(1.0)] * 7, overlong_cache=cache, overlong_weight=0.5)
    for n, credit in zip(lengths, found, strict=True):
        written = 0.0 if n <= longest - cache else ((longest - cache) - n) / cache if n <= longest else -1.0
        assert credit.terms == {"overlong": pytest.approx(written)}
        assert credit.value == pytest.approx(1.0 + 0.5 * written)
        assert credit.base == 1.0


def test_a_closed_gate_takes_the_verdict_but_not_the_penalty():
    scores = [Score(1.0, components={"sql": 1.0, "sql/parses": p}) for p in (1.0, 0.5)]
    share = EnvShare(gates={"sql/parses": 1.0}, brevity=1.0)
    found = credits_of([sample(60), sample(100)], scores, share, overlong_cache=50)
    assert [c.base for c in found] == [1.0, 0.0]
    assert found[1].terms == {"overlong": -1.0, "brevity": -0.5}
    assert found[1].value == -1.5
    short = credits_of([sample(60), sample(10)], scores, share)
    assert short[1].value == 0.0, "a closed gate earns no bonus"


def test_a_gate_on_an_unknown_component_is_an_error():
    with pytest.raises(ScoringError, match="did you mean 'sql/parses'"):
        credits_of([sample(3)], [Score(1.0, components={"sql/parses": 1.0})], EnvShare(gates={"sql/parse": 1.0}))


def test_brevity_compares_what_the_policy_wrote_itself_among_those_that_count():
    samples = [sample(50, foreign=40), sample(30), sample(20), sample(90, "length"), sample(1)]
    scores = [Score(1.0), Score(0.0), Score(1.0), Score(1.0), Score(0.0, "error")]
    found = credits_of(samples, scores, EnvShare(brevity=0.4), truncated="drop")
    own = [10, 30, 20]  # the dropped and the unjudged are not compared with
    for i, n in enumerate(own):
        written = 0.5 - (n - min(own)) / (max(own) - min(own))
        written = written if scores[i].value == 1.0 else min(0.0, written)
        assert found[i].terms["brevity"] == pytest.approx(written)
        assert found[i].value == pytest.approx(scores[i].value + 0.4 * written)
    assert found[3].terms == found[4].terms == {}


def test_diversity_is_paid_in_proportion_to_the_verdict():
    texts = ["one two three", "one two three", "four five six", "seven eight nine"]
    found = credits_of(
        [sample(3, text=t) for t in texts], [Score(v) for v in (1.0, 1.0, 0.5, -1.0)], EnvShare(diversity=0.3)
    )
    assert [c.terms["diversity"] for c in found] == pytest.approx([2 / 3, 2 / 3, 0.5, 0.0])
    assert [c.value for c in found] == pytest.approx([1.2, 1.2, 0.65, -1.0])


def test_a_group_without_anything_to_compare():
    found = credits_of(
        [sample(9, "length")] * 2, [Score(1.0)] * 2, EnvShare(brevity=1.0, diversity=1.0), truncated="drop"
    )
    assert all(not c.counts and not c.terms for c in found)
