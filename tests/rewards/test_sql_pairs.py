"""Pairs of queries over seven schemas, equivalent under their keys and references or not: variants tell them apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rlstack.api import Response
from rlstack.rewards.sql import score

PAIRS = json.loads((Path(__file__).parent / "sql_pairs.json").read_text())


def value(schema: str, gold: str, answer: str) -> float:
    verdict = score(Response(answer), {"gold": gold, "databases": ["\n".join(PAIRS["schemas"][schema])]})
    assert verdict.status == "ok", verdict.detail
    return verdict.value


@pytest.mark.parametrize(("schema", "gold", "answer"), PAIRS["equivalent"])
def test_equivalent_queries_are_paid(schema: str, gold: str, answer: str) -> None:
    assert value(schema, gold, answer) == 1.0


@pytest.mark.parametrize(("schema", "gold", "answer"), PAIRS["different"])
def test_queries_that_differ_on_some_legal_database_are_not(schema: str, gold: str, answer: str) -> None:
    assert value(schema, gold, answer) == 0.0
