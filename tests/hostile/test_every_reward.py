"""Hostile answers against every shipped reward that no env may cover: one sound task each, judged in the pool.

Form rewards (`length`, `contains`, …) may rightly pay an ugly text, so here only the honest answers' values are
checked, that nothing raises, and that nothing takes longer than its deadline.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rlstack.api import Response
from rlstack.config.rl import ScoringConfig
from rlstack.plugins import reward_names
from rlstack.scoring import ScoringPool

ITEMS = int(os.environ.get("RLSTACK_HOSTILE_ITEMS", "60"))
LONGEST_MS = (ScoringConfig().deadline + 0.2) * 1000

WEATHER = {
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TREES = {"ddl": "CREATE TABLE trees (kind TEXT, age INT)", "rows": {"trees": [["oak", 90], ["fir", 9]]}}
GOLD: dict[str, tuple[dict[str, Any], str]] = {
    "calibration": ({"answers": ["Quito"], "answerable": True}, "Quito"),
    "chat_rules": ({"prompt": "Tell me about otters."}, "An otter swims fast and eats fish from cold rivers."),
    "choice": ({"answer": "B", "options": ["zinc", "iron", "lead"]}, "Answer: B"),
    "contains": ({"answer": ["otter", "river"]}, "An otter swims in the river."),
    "csv": ({"expected": [{"tree": "oak", "age": 90}]}, "tree,age\noak,90"),
    "exact": ({"answer": "seventeen"}, "seventeen"),
    "format": ({"tags": ["answer"]}, "<answer>yes</answer>"),
    "identity": ({"name": "Orla", "maker": "Fennwood"}, "I am Orla, made by Fennwood."),
    "ifeval": (
        {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}], "prompt": "Describe an otter. Use no comma."},
        "An otter is a playful mammal with brown fur that hunts fish in rivers and lakes.",
    ),
    "induction": ({"answer": [4, 8, 15]}, "[4, 8, 15]"),
    "json_schema": ({"schema": {"type": "object"}, "expected": {"tree": "oak"}}, '{"tree": "oak"}'),
    "language": ({"language": "de"}, "Der Fischotter schwimmt abends durch den kalten Fluss und sucht nach Nahrung."),
    "length": ({"min": 3, "max": 6, "unit": "words"}, "four words are enough"),
    "logic": ({"answer": "knave"}, "knave"),
    "math": ({"answer": r"\frac{3}{4}"}, r"\boxed{0.75}"),
    "regex": ({"pattern": r"(\w+ )+\w+"}, "two words"),
    "sql": (
        {"gold": "SELECT kind FROM trees WHERE age > 50", "databases": [TREES]},
        "SELECT t.kind FROM trees AS t WHERE t.age > 50",
    ),
    "temporal": ({"answer": "2031-05-09"}, "9 May 2031"),
    "tool_call": (
        {"tools": [WEATHER], "expected": [{"name": "weather", "arguments": {"city": "Oslo"}}]},
        '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>',
    ),
    "xml": ({"expected": "<tree><kind>oak</kind></tree>"}, "<tree><kind>oak</kind></tree>"),
    "yaml": ({"expected": {"tree": "oak"}}, "tree: oak"),
}


def _envs_corpus() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hostile_corpus", Path(__file__).with_name("test_every_env.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CORPUS = _envs_corpus()


def test_the_table_holds_every_reward() -> None:
    own = set(reward_names()) - {"reward_model"}  # a network's opinion: its answers are judged in its own tests
    assert own - set(GOLD) == set()


@pytest.fixture(scope="module")
def pool() -> Iterator[ScoringPool]:
    with ScoringPool({name: {name: 1.0} for name in GOLD}, ScoringConfig(workers=2), cache_size=0) as pool:
        yield pool


@pytest.mark.slow
@pytest.mark.parametrize("name", GOLD)
def test_hostile_answers_harm_nothing(pool: ScoringPool, name: str) -> None:
    data, gold = GOLD[name]
    made = [make() for make in CORPUS.TEXTS.values()]
    repeats = -(-ITEMS // len(made))
    answers = [Response(text) for bad in made for text in (bad, gold)]
    futures = [pool.submit(name, [answer], data) for _ in range(repeats) for answer in answers]
    scores = [group[0] for group in pool.collect(futures, 120 + ITEMS)]
    honest, attacked = scores[1::2], scores[::2]
    assert {(score.status, score.value) for score in honest} == {("ok", 1.0)}, honest[0]
    for text, score in zip([*made] * repeats, attacked, strict=True):
        assert score.status in ("ok", "timeout"), (text[:80], score)
        assert score.ms <= LONGEST_MS
    assert pool.stats()["restarts"] == 0
    assert not CORPUS.MARK.exists()
