"""Data of a task that lacks a key, or holds something else in its place, is judged or `invalid`, never an exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from rlstack.api import Response
from rlstack.authoring.examples import TASKS
from rlstack.plugins import load_reward

# Keys that the format of a reward knows beside those of the sound tasks.
OPTIONAL: Mapping[str, tuple[str, ...]] = {
    "calibration": ("lambda", "answerable"),
    "chat_rules": ("about", "max_words", "min_words", "language"),
    "choice": ("options", "letters"),
    "contains": ("mode", "casefold", "words", "max_words"),
    "csv": ("delimiter", "ordered", "columns_ordered", "fence"),
    "exact": ("casefold", "collapse"),
    "format": ("pattern", "thinking", "tags", "boxes", "finished"),
    "identity": ("language", "others", "ask"),
    "ifeval": ("content_gate", "ifbench_edition", "topic"),
    "induction": ("options", "task", "entry"),
    "json_schema": ("schema", "expected", "fence", "formats"),
    "language": ("min_letters",),
    "length": ("min", "max", "unit"),
    "logic": ("options", "task", "entry"),
    "math": ("unit", "tolerance", "ordered"),
    "regex": ("full", "casefold", "multiline"),
    "sql": ("dialect", "variants"),
    "temporal": ("date_order", "task", "entry"),
    "tool_call": ("alternatives", "decline"),
    "xml": ("ordered", "fence"),
    "yaml": ("schema", "fence"),
}
WRONG = (None, 3, -1, 0.5, True, "", "odd words", [], [None], [3], [[1]], [{}], ["a", None], {}, {"a": 1}, {"a": None})
NEEDED = {
    "choice": ("answer",),
    "contains": ("answer",),
    "exact": ("answer",),
    "identity": ("name", "maker"),
    "ifeval": ("instruction_id_list", "kwargs"),
    "induction": ("answer",),
    "language": ("language",),
    "logic": ("answer",),
    "math": ("answer",),
    "regex": ("pattern",),
    "sql": ("gold", "databases"),
    "temporal": ("answer",),
    "tool_call": ("tools", "expected"),
    "xml": ("expected",),
    "csv": ("expected",),
}


@pytest.mark.parametrize("name", sorted(TASKS))
def test_no_value_of_a_key_raises(name):
    judge = load_reward(name).score
    for data, answer in TASKS[name]:
        keys = dict.fromkeys((*data, *OPTIONAL.get(name, ())))
        for key in keys:
            for value in WRONG:
                broken = {**data, key: value}
                score = judge(Response(answer, n_tokens=9), broken)
                assert score.status in ("ok", "invalid"), (broken, score)
                assert score.status == "ok" or score.detail, broken


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, keys in NEEDED.items() for key in keys])
def test_a_needed_key_that_is_missing_or_null_is_named(name, key):
    judge = load_reward(name).score
    data, answer = TASKS[name][0]
    lacking: dict[str, Any] = {other: value for other, value in data.items() if other != key}
    for broken in (lacking, {**lacking, key: None}):
        score = judge(Response(answer, n_tokens=9), broken)
        assert score.status == "invalid", (broken, score)
        assert key in score.detail, (broken, score)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_empty_data_raises_nothing(name):
    score = load_reward(name).score(Response("seven otters swim", n_tokens=9), {})
    assert score.status in ("ok", "invalid")
    assert score.status == "ok" or score.detail
