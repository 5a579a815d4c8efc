"""Each rule of the stand-in for a chat preference model, kept and broken."""

from __future__ import annotations

import pytest

from rlstack.api import Response
from rlstack.rewards.chat_rules import score

QUESTION = "How should I look after tomato plants on a balcony?"
DATA = {"prompt": QUESTION}
GOOD = "Water them early every day, keep the balcony sunny, and tie each plant to a stick before it bends."


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "Tomatoes want sun, warmth and steady water.",
        "<think>A gardening question.</think>Tomatoes need sun. Feed them weekly, and pinch out side shoots.",
        "Start with big pots.\n\n- Water tomatoes each morning.\n- Feed them on Sundays.\n\nPatience pays off!",
    ],
)
def test_decent_answers(text: str) -> None:
    assert score(Response(text), DATA).value == 1.0


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("on_topic", "The train to the coast leaves at noon and takes two hours."),
        ("own_words", "You should look after tomato plants on a balcony."),
        ("own_words", QUESTION.replace("?", ".")),
        ("sentences", "tomatoes need sun and water"),
        ("sentences", "Do your tomatoes get enough sun and water?"),
        ("length", "Tomatoes need sun."),
        ("length", " ".join(f"Tomato number {n} wants {n} litres of water." for n in range(30))),
        ("unrepeated", "Tomatoes need sun. Water them daily. Tomatoes need sun."),
        ("unrepeated", "Tomatoes need need sun, water and some patience."),
        ("unrepeated", "Tomatoes like sun and tomatoes like rain and tomatoes like wind and tomatoes like earth."),
        ("language", "Tomaten brauchen viel Sonne und jeden Morgen etwas Wasser."),
        ("language", "11 22 33 44 tomato 55 66."),
    ],
)
def test_each_rule_can_break(rule: str, text: str) -> None:
    verdict = score(Response(text), DATA)
    assert verdict.value == 0.0
    assert verdict.components[rule] == 0.0
    assert rule in verdict.detail


def test_an_answer_that_was_cut_off_is_no_sentence() -> None:
    assert score(Response(GOOD, finish_reason="length"), DATA).components["sentences"] == 0.0


def test_subjects_to_take_up() -> None:
    data = {**DATA, "about": ["sun", "water"]}
    assert score(Response("Tomatoes need a sunny place and a lot of watering."), data).value == 1.0
    assert score(Response("Tomatoes need a sunny place and a lot of patience."), data).components["on_topic"] == 0.0


@pytest.mark.parametrize(
    ("language", "about", "text"),
    [
        ("it", ["inverno"], "Le piante soffrono molto durante l'inverno, ma si possono coprire."),
        ("ja", ["植物"], "植物には毎日の水と日光が必要です。"),
        ("zh", ["植物"], "植物每天都需要水和阳光。"),
        ("de", ["Pflanzen"], "Pflanzen brauchen Licht, Wasser und ein wenig Geduld."),
    ],
)
def test_other_languages(language: str, about: list[str], text: str) -> None:
    data = {"prompt": "?!", "language": language, "about": about}
    assert score(Response(text), data).value == 1.0
    assert score(Response(text), {**data, "language": "en"}).components["language"] == 0.0


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"prompt": ""},
        {"prompt": "Hi", "about": "sun"},
        {"prompt": "Hi", "min_words": 9, "max_words": 3},
        {"prompt": 3},
    ],
)
def test_broken_data_is_invalid(data: dict) -> None:
    assert score(Response(GOOD), data).status == "invalid"
