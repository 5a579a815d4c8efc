from __future__ import annotations

import pytest

from rlstack.api import Response
from rlstack.rewards.choice import score

OPTIONS = ["Paris", "London", "Rome", "A city in Norway"]


def value(text: str, answer: object = "B", options: list[str] | None = None) -> float:
    return score(Response(text), {"answer": answer, "options": OPTIONS if options is None else options}).value


@pytest.mark.parametrize(
    "text",
    [
        "B",
        "b",
        "(B)",
        "B.",
        "**B**",
        "Answer: B",
        "Answer: (b)",
        "**Answer:** B",
        "Answer: **B**",
        "answer: B. London",
        "The answer is (B)",
        "The correct answer is B because it lies on the Thames.",
        "The best answer is B: London",
        "Therefore, the answer is option B.",
        "Option B is correct.",
        r"\boxed{B}",
        r"$\boxed{\text{B}}$",
        r"\boxed{\text{(B)}}",
        "<answer>B</answer>",
        "B) London",
        "(B) London",
        "London",
        "The answer is London.",
        "The answer is B, not A.",
        "<think>It may be A.</think>Answer: B",
        "Rome is in Italy and Paris in France, so neither fits.\n\nAnswer: B",
        "I looked at A and at C first.\nThe answer is B.",
        "Final answer: B\n\nThis follows since Rome is the capital of Italy.",
        "B\n\nExplanation: London lies on the Thames.",
        "Paris is wrong. Rome is wrong. So B.",
        "I would choose B.",
        "It's B.",
        "It must be (B).",
        "The answer is most likely B",
        "The answer is B. C is wrong, as Rome lies in Italy.",
        "答案：B。",
        "正解はBです。",
    ],
)
def test_decided_answers(text: str) -> None:
    assert value(text) == 1
    assert value(text, "C") == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "Answer: A",
        "Answer: B or C",
        "Answer: B/C",
        "Answer: B and C",
        "Answer: B, C",
        "BC",
        "Answer: A\nAnswer: B",
        r"\boxed{A} \boxed{B}",
        "It could be B. It could be C.",
        "Both A and B",
        "Either A or B.",
        "I think B maybe",
        "None of the above, though B is close.",
        "(B) Rome",
        "B) Paris",
        "Answer: E",
        "A good question. Bees are nice.",
        "The vitamin B deficiency explains it",
        "Neither.",
        "The answer is not B.",
        "<think>Answer: B</think>",
        "<think>Answer: B</think>I am done.",
        "Paris, London",
        "London or Rome",
        "Answer:",
        "B?",
        "B\nC",
        "C\nB",
        "A. B. C. D.",
        "The answer is B. But it could also be C.",
        "Answer: B. However, C is possible as well.",
        "The answer is B, although C is tempting.",
    ],
)
def test_wrong_and_undecided_answers(text: str) -> None:
    assert value(text) == 0


def test_the_gold_may_be_an_index_or_the_text_of_an_option() -> None:
    assert value("Answer: B", 1) == 1
    assert value("Answer: B", "London") == 1
    assert value("Answer: B", "(b)") == 1


def test_text_counts_only_where_one_option_has_it() -> None:
    assert value("Same", "A", ["Same", "Same", "Other"]) == 0
    assert value("A", "A", ["Same", "Same", "Other"]) == 1


SYMBOLS = ["H", "He", "C", "N", "O"]


@pytest.mark.parametrize(
    "text", ["(E) or (D)", "(E) O or (D) N", "(E) O / (D) N", "(E) O, (D) N", "(E) and (D)", "E) or"]
)
def test_a_word_that_begins_like_the_options_text_is_not_that_text(text: str) -> None:
    assert value(text, "E", SYMBOLS) == 0


@pytest.mark.parametrize("text", ["(E) O", "E: O, since the others are lighter", "(E) O and not (D) N", "E) O."])
def test_the_options_text_may_follow_its_letter(text: str) -> None:
    assert value(text, "E", SYMBOLS) == 1
    assert value(text, "D", SYMBOLS) == 0


@pytest.mark.parametrize(
    "text", ["(B) London or (C) Rome", "(B) London or Rome", "B) London/Rome", "(B) Londonderry or Rome"]
)
def test_a_second_option_after_the_text_is_undecided(text: str) -> None:
    assert value(text) == 0


def test_letters_beyond_the_options_are_no_answer() -> None:
    assert value("Answer: J", "B") == 0
    assert score(Response("Answer: J"), {"answer": "J"}).value == 1


@pytest.mark.parametrize("answer", [None, "", "Z", "Berlin", True, 9, ["B"]])
def test_a_gold_that_is_no_option_is_invalid(answer: object) -> None:
    assert score(Response("B"), {"answer": answer, "options": OPTIONS}).status == "invalid"


@pytest.mark.parametrize("letter", ["b", "B", "(B)"])
def test_a_letter_behind_more_white_space_than_is_read_is_no_whole_answer(letter: str) -> None:
    data = {"answer": "B", "options": ["zinc", "iron", "lead"]}
    for text in ("a" * 50_000 + "!" + " " * 50_000 + letter, "No idea?" + "\t" * 45_000 + letter):
        assert score(Response(text), data).value == 0
    long = "One by one we rule them out. " * 2_000
    assert score(Response(f"{long}The answer is {letter}"), data).value == 1
