"""Hostile responses and kwargs: every instruction answers, soon, and nothing raises."""

from __future__ import annotations

import random
import time

import pytest

from rlstack.api import Response
from rlstack.rewards.ifeval import INSTRUCTIONS, MAX_CHARS, bind, follows, score

SIZE = 30_000
PIECES = (
    *(
        "\n",
        " ",
        "\t",
        "*",
        "-",
        "- \n",
        "<",
        "<<a",
        "[",
        "(",
        '"',
        "'",
        ".",
        ". ",
        "!",
        "! ",
        "`",
        ">> ",
        "\x00",
        "\ud800 ",
    ),
    *(
        "a",
        "a ",
        "a.",
        "a. ",
        "Dr. ",
        "B. ",
        "1",
        "1 ",
        "Question 1.\n",
        "Section ",
        "Zimbabwe\n",
        '"a,b",\n',
        "the ",
        "a-",
    ),
    *("😀", "中", "e\u0300", "\u202e", "\xa0", "p. ", "http://", "_", "\x1b[31m", '{"a":', "The sea was calm. "),
)
RIDDLES = (
    "(a+)+$",
    "(a|a)*b",
    "(.*a){25}",
    "a" * 5000,
    "[[[[",
    "(?P<x>a)(?P=x)",
    "\\",
    "a{1,9999}{1,9999}",
    "(" * 3000,
)
SAMPLE = {
    "N": 3, "capital_frequency": 2, "capital_relation": "at least", "end_phrase": "end", "first_word": "So",
    "forbidden_words": ["cat"], "frequency": 2, "keyword": "sea", "keyword1": "a", "keyword2": "b", "keyword3": "c",
    "keyword4": "d", "keyword5": "e", "keywords": ["sea"], "language": "en", "last_word": "end", "let_frequency": 3,
    "let_relation": "less than", "letter": "e", "m": 2, "max_words": 50, "min_words": 5, "n": 2, "n_end": 4,
    "n_sent": 2, "n_start": 1, "n_words": 3, "nth_paragraph": 1, "num_bullets": 2, "num_highlights": 2,
    "num_paragraphs": 2,
    "num_placeholders": 2, "num_sections": 2, "num_sentences": 3, "num_words": 100, "options": "yes/no",
    "percentage": 40, "phrase": "the sea is calm", "postscript_marker": "P.S.", "prompt_to_repeat": "Tell me more now",
    "reference_text": "the sea is calm", "relation": "at least", "section_spliter": "Section", "sep": "...",
    "small_n": 2, "word": "sea",
}  # fmt: skip


def everything() -> tuple[list[str], list[dict]]:
    bind(["punctuation:no_comma"], [{}])
    ids = sorted(INSTRUCTIONS)
    kwargs = [{key: SAMPLE[key] for key in INSTRUCTIONS[one].converters if key != "instruction"} for one in ids]
    return ids, kwargs


@pytest.mark.slow
@pytest.mark.parametrize("piece", PIECES)
def test_a_megabyte_in_small_is_judged_in_linear_time(piece: str) -> None:
    ids, kwargs = everything()
    text = (piece * SIZE)[:SIZE] + "x"
    instructions = bind(ids, kwargs)
    follows(instructions, text[:100])  # models are loaded before the clock starts
    start = time.process_time()
    assert len(follows(instructions, text)) == len(ids)
    # 112 instructions share the cuts of the text; a quadratic one would need minutes here.
    assert time.process_time() - start < 5.0


def test_random_texts_never_raise() -> None:
    ids, kwargs = everything()
    rng = random.Random(7)
    for _ in range(60):
        text = "".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 120)))
        found = score(Response(text), {"instruction_id_list": ids, "kwargs": kwargs, "prompt": "Tell me of the sea."})
        assert (found.status, found.value) == ("ok", 0.0)
        assert set(found.components) >= {"strict", "loose", "share", "content"}


@pytest.mark.parametrize("pattern", RIDDLES)
def test_a_keyword_that_is_a_riddle_is_matched_in_linear_time_or_refused(pattern: str) -> None:
    data = {
        "instruction_id_list": ["keywords:frequency"],
        "kwargs": [{"keyword": pattern, "frequency": 1, "relation": "at least"}],
        "prompt": "",
    }
    start = time.process_time()
    found = score(Response("a" * 50_000 + "!"), data)
    assert found.status in ("ok", "invalid")
    assert time.process_time() - start < 2.0


def test_a_response_beyond_the_cap_scores_0_at_once() -> None:
    data = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}], "prompt": ""}
    start = time.process_time()
    found = score(Response("word " * MAX_CHARS), data)
    assert (found.value, found.status) == (0.0, "ok")
    assert time.process_time() - start < 0.5


def test_a_megabyte_of_white_space_is_blank() -> None:
    ids, kwargs = everything()
    found = score(Response("\n" * (MAX_CHARS - 1)), {"instruction_id_list": ids, "kwargs": kwargs, "prompt": "Hi"})
    assert found.components["share"] == 0.0
