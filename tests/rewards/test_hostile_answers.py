"""Answers written to hang, crash or fool a judge: every reward returns a Score after a bounded amount of work.

The bound is CPU time, so that a busy machine fails nothing; a hang ends the process with its stacks shown.
"""

from __future__ import annotations

import faulthandler
import gc
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlstack.api import Response, Score
from rlstack.rewards import (
    calibration,
    choice,
    contains,
    exact,
    format,
    identity,
    induction,
    language,
    length,
    logic,
    math,
    regex,
    temporal,
)

CPU_SECONDS = 1.0  # per call
BOMB_SECONDS = 0.2  # per call of the math reward: some 20 times what it takes
HANG_SECONDS = 120

TASKS: list[tuple[ModuleType, dict[str, Any]]] = [
    *[
        (math, {"answer": a})
        for a in ("5", r"\sqrt{2}+x", "1,2,3", "no solution", "(1,2)", r"\{x : x>2\}", "x=5", "10\\%")
    ],
    (math, {"answer": "5 cm", "tolerance": 0.01, "unit": "cm"}),
    (choice, {"answer": "B", "options": ["a", "b", "c"]}),
    (exact, {"answer": "x", "casefold": True}),
    (contains, {"answer": ["x", "y"]}),
    (regex, {"pattern": "(a|a)*b"}),
    *[(length, {"min": 1, "max": 5, "unit": u}) for u in ("words", "sentences", "lines", "characters")],
    *[(language, {"language": c}) for c in ("en", "ja")],
    (format, {"tags": ["answer"], "boxes": 1, "thinking": "required", "pattern": "(a+)+b"}),
    (calibration, {"answers": ["Paris"], "answerable": True}),
    (identity, {"name": "G", "maker": "I", "others": ["X"], "language": "de"}),
    *[(logic, {"answer": a}) for a in ("yes", [1, 2], {"a": 1}, "1 2\n3 4", "A is b, and C is d.", True, 3)],
    (induction, {"answer": [[1], [2]]}),
    *[(temporal, {"answer": a}) for a in ("3 days", "2024-01-01 10:00", ["a", "b"], "9:00-10:00", "12:00 UTC")],
]

LONG = {
    "white space": " " * 1_000_000,
    "line ends": "\n" * 500_000 + ".",
    "boxes": r"\boxed{1}" * 20_000,
    "open boxes": r"\boxed{" * 20_000,
    "nested boxes": r"\boxed{" * 20_000 + "5" + "}" * 20_000,
    "surrogates": "\ud800" * 1000 + "\\boxed{\udfff}",
    "terminal codes": "\x1b[31m" * 50_000 + "?",
    "brackets": "(" * 100_000,
    "arrays": "[" * 100_000 + "]" * 100_000,
    "objects": '{"a":' * 50_000,
    "dollars": "$" * 100_000,
    "claims": "answer is " * 100_000,
    "empty claims": "Answer:" * 50_000,
    "unclosed formulas": "answer: $" * 100_000,
    "equal signs": "=" * 100_000,
    "elements": "<answer>" * 50_000,
    "thoughts": "<think>" * 50_000 + "</think>" * 50_000,
    "hashes": "#### \n" * 50_000,
    "fences": "```\n" * 50_000,
    "stars": "*" * 100_000,
    "braces": "{" * 100_000,
    "nul": "\0" * 100_000,
    "ligatures": "\ufdfa" * 100_000,
    "accents": "a" + "\u0301" * 100_000,
    "hedges": r"\boxed{7} " + "or " * 50_000,
    "denials": "not " * 50_000,
    "dashes": "a-" * 50_000,
    "spaced words": ("a" + " " * 50) * 5000,
    "digits": "7" * 1_000_000,
    "spaced digits": "1 " * 50_000,
    "backslashes": "\\" * 100_000,
    "clock": "1:" * 50_000,
    "repeating": "0.333..." * 10_000,
    "emoji": "\U0001f469\u200d\U0001f4bb" * 20_000,
    "right to left": "\u202e" * 50_000 + "8",
}

BOMBS = {
    "power tower": "9^{9^{9^9}}",
    "tower of twos": "2^{2^{2^{2^{2^{2}}}}}",
    "powers of powers": "(((((2^{64})^{64})^{64})^{64})^{64})",
    "power of a sum": "(x+1)^{99999}",
    "factorial": "9999999!",
    "factorials of factorials": "9!!!!!!!!!!!!",
    "binomial": r"\binom{999999999}{500000000}",
    "nested roots": r"\sqrt{" * 3000 + "2" + "}" * 3000,
    "nested fractions": r"\frac{1}{" * 500 + "2" + "}" * 500,
    "a million digits": "7" * 1_000_000,
    "decimal exponent": "1e999999999",
    "power of ten": "10^{999999999}",
    "sum": r"\sum_{n=1}^{10^9} n",
    "integral": r"\int_0^1 x^{x^{x^x}} dx",
    "long list": "1," * 1500 + "1",
    "long set": r"\{" + ",".join(str(i) for i in range(900)) + r"\}",
    "signs": r"\pm " * 500 + "1",
    "minus": "-" * 3900 + "1",
    "bars": "|" * 2000 + "x" + "|" * 2000,
    "functions": r"\sin " * 1200 + "x",
    "product": "x" * 3000,
    "product of powers": "99999999^{700}*" * 100 + "1",
    "wide matrix": r"\begin{pmatrix}" + "1&" * 700 + r"1\end{pmatrix}",
    "matrices": r"\begin{pmatrix}" * 200,
    "text in text": r"\text{" * 500 + "a" + "}" * 500,
    "carets": "2^" * 1500 + "2",
    "degrees": "5" + r"^\circ" * 800,
    "units": "5 " + "cm " * 500,
    "period": r"0.\overline{" + "3" * 3000 + "}",
    "subscript": "x_{" + "a" * 3000 + "}",
    "roots": "+".join(rf"\sqrt{{{i}}}" for i in range(2, 100)),
    "code": "__import__('os').system('touch hostile-was-run')",
    "code in a lambda": "(lambda: open('hostile-was-run', 'w'))()",
    "attributes": "().__class__.__bases__[0].__subclasses__()",
}


def timed(reward: ModuleType, text: str, data: Mapping[str, Any]) -> tuple[Score, float]:
    gc.disable()  # going through what thousands of tests have left takes longer than any verdict
    try:
        start = time.process_time()
        verdict = reward.score(Response(text), data)
        return verdict, time.process_time() - start
    finally:
        gc.enable()


@pytest.fixture(scope="module", autouse=True)
def hang_guard() -> Iterator[None]:
    for reward, data in TASKS:  # what is imported or built at first use is not the answer's work
        reward.score(Response("A first word of warm-up, nothing else."), data)
    math.score(Response(r"\boxed{\{x : x > 3\}}"), {"answer": r"\{x : x>2\}"})
    math.score(Response(r"\boxed{510:00}"), {"answer": "5 10:00 $$ ²"})
    math.score(Response("510:00$$²"), {"answer": "5 10:00 $$ ²"})
    faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_long_answers_are_judged_in_bounded_time(name: str) -> None:
    for reward, data in TASKS:
        verdict, seconds = timed(reward, LONG[name], data)
        assert verdict.status == "ok"
        assert seconds < CPU_SECONDS, f"{reward.__name__} {data}"
        if reward is not length and reward is not language:
            assert verdict.value <= 0, f"{reward.__name__} {data}"


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_worth_nothing_at_once(name: str) -> None:
    for text in (rf"\boxed{{{BOMBS[name]}}}", f"Answer: {BOMBS[name]}", f"#### {BOMBS[name]}"):
        for reward, data in TASKS:
            if reward is math:
                verdict, seconds = timed(reward, text, data)
                assert (verdict.value, verdict.status) == (0.0, "ok"), data
                assert seconds < BOMB_SECONDS, data
    assert not Path("hostile-was-run").exists()


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_as_gold_is_judged_or_invalid(name: str) -> None:
    for text in (r"\boxed{5}", rf"\boxed{{{BOMBS[name]}}}"):
        verdict, seconds = timed(math, text, {"answer": BOMBS[name]})
        assert verdict.status in ("ok", "invalid")
        assert seconds < CPU_SECONDS


def test_no_number_is_ever_judged_with_sympy() -> None:
    """Static limits and our own reader settle whatever stands against a number: the slow path is not even imported."""
    program = (
        "import sys\n"
        "from rlstack.api import Response\n"
        "from rlstack.rewards.math import score\n"
        "for text in sys.stdin.read().split('\\0'):\n"
        "    verdict = score(Response('\\\\boxed{' + text + '}'), {'answer': '5'})\n"
        "    assert (verdict.value, verdict.status) == (0.0, 'ok'), text[:80]\n"
        "assert 'sympy' not in sys.modules and 'math_verify' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input="\0".join(BOMBS.values()),
        text=True,
        capture_output=True,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 0, done.stderr


PIECES = st.sampled_from(
    [
        *(
            r"\boxed{",
            "}",
            "{",
            "$",
            "$$",
            r"\frac",
            r"\sqrt",
            "^",
            "_",
            r"\text{",
            r"\left(",
            r"\right]",
            r"\pm",
            r"\cup",
            "####",
        ),
        *(
            "Answer:",
            "the answer is",
            " or ",
            " and ",
            ", ",
            "x",
            "=",
            "<",
            r"\le",
            "%",
            ":",
            "/",
            "!",
            "|",
            r"\begin{pmatrix}",
        ),
        *(
            r"\end{pmatrix}",
            "&",
            r"\\",
            "5",
            "1,000",
            "0.5",
            "cm",
            "days",
            "2024-02-30",
            "10:00",
            "am",
            "UTC",
            "A",
            "(B)",
            "\n",
            "\n\n",
        ),
        *(
            "<think>",
            "</think>",
            "<answer>",
            "</answer>",
            "[1, 2",
            "]",
            '{"a": 1',
            "yes",
            "not",
            "\u200b",
            "\ud800",
            "½",
            "²",
            "٣",
            "I am",
        ),
    ]
)
ANSWERS = st.one_of(
    st.lists(PIECES, max_size=40).map("".join), st.lists(PIECES, max_size=25).map(" ".join), st.text(max_size=200)
)


@pytest.mark.slow
@given(text=ANSWERS)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_answer_gets_a_score(text: str) -> None:
    for reward, data in TASKS:
        verdict, seconds = timed(reward, text, data)
        assert verdict.status == "ok"
        assert -1 <= verdict.value <= 1
        assert seconds < CPU_SECONDS
        assert verdict.detail.isprintable()


@given(gold=ANSWERS, text=ANSWERS)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_gold_is_judged_or_invalid(gold: str, text: str) -> None:
    for reward in (math, logic, temporal):
        verdict, seconds = timed(reward, text, {"answer": gold})
        assert verdict.status in ("ok", "invalid")
        assert seconds < CPU_SECONDS
