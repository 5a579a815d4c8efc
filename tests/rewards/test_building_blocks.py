from __future__ import annotations

import pytest

from rlstack.api import Response
from rlstack.rewards import calibration, contains, exact, format, identity, language, length, regex

IN = {
    "en": "The weather is nice today and we are going to the park.",
    "de": "Das Wetter ist heute schön und wir gehen in den Park.",
    "fr": "Le temps est beau aujourd'hui et nous allons au parc.",
    "es": "Hoy hace buen tiempo y vamos al parque con los niños.",
    "it": "Oggi il tempo è bello e andiamo al parco con gli amici.",
    "pt": "Hoje o tempo está bom e vamos ao parque com as crianças.",
    "nl": "Het weer is mooi vandaag en we gaan naar het park.",
    "ja": "今日は天気がいいので公園に行きます。",
    "zh": "今天天气很好，我们去公园。",
    "ko": "오늘은 날씨가 좋아서 공원에 갑니다.",
    "ru": "Сегодня хорошая погода, и мы идём в парк.",
    "ar": "الطقس جميل اليوم وسنذهب إلى الحديقة.",
    "hi": "आज मौसम अच्छा है और हम पार्क जा रहे हैं।",
}


# ---- exact, contains, regex, length ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "data", "paid"),
    [
        ("Hello  world", {"answer": "Hello world"}, 1),
        ("hello world", {"answer": "Hello world"}, 0),
        ("hello world", {"answer": "Hello world", "casefold": True}, 1),
        ("a\u200bb", {"answer": ["x", "ab"]}, 1),
        ("Hello  world", {"answer": "Hello world", "collapse": False}, 0),
        ("<think>ab</think>", {"answer": "ab"}, 0),
        ("", {"answer": "ab"}, 0),
    ],
)
def test_exact(text: str, data: dict, paid: float) -> None:
    assert exact.score(Response(text), data).value == paid


@pytest.mark.parametrize(
    ("text", "data", "paid"),
    [
        ("The Cat sat", {"answer": "cat"}, 1),
        ("concatenate", {"answer": "cat"}, 0),
        ("concatenate", {"answer": "cat", "words": False}, 1),
        ("The Cat sat", {"answer": "cat", "casefold": False}, 0),
        ("a cat", {"answer": ["cat", "dog"]}, 0),
        ("a cat", {"answer": ["cat", "dog"], "mode": "any"}, 1),
        ("C++ and more", {"answer": "c++"}, 1),
        ("cat " * 50, {"answer": "cat", "max_words": 10}, 0),
        ("我家的猫很可爱。", {"answer": "猫"}, 1),
        ("ネコがいます", {"answer": "ネコ"}, 1),
        ("котёнок", {"answer": "кот"}, 0),
    ],
)
def test_contains(text: str, data: dict, paid: float) -> None:
    assert contains.score(Response(text), data).value == paid


def test_contains_reports_the_share_found() -> None:
    assert contains.score(Response("a cat"), {"answer": ["cat", "dog"]}).components == {"found": 0.5}


@pytest.mark.parametrize(
    ("text", "data", "paid"),
    [
        ("abc123", {"pattern": r"[a-z]+\d+"}, 1),
        ("abc123!", {"pattern": r"[a-z]+\d+"}, 0),
        ("abc123!", {"pattern": r"[a-z]+\d+", "full": False}, 1),
        ("ABC1", {"pattern": r"[a-z]+\d", "casefold": True}, 1),
        ("a\nb", {"pattern": "a.b"}, 1),
        ("a" * 50_000 + "!", {"pattern": "(a+)+"}, 0),
    ],
)
def test_regex(text: str, data: dict, paid: float) -> None:
    assert regex.score(Response(text), data).value == paid


@pytest.mark.parametrize(
    ("text", "data", "paid"),
    [
        ("one two three", {"min": 3, "max": 3}, 1),
        ("one two - three", {"max": 3}, 1),
        ("one two three four", {"max": 3}, 0),
        ("One. Two! Three?", {"min": 3, "max": 3, "unit": "sentences"}, 1),
        ("Pi is 3.14. Yes.", {"min": 2, "max": 2, "unit": "sentences"}, 1),
        ("今日は。明日は。", {"min": 2, "max": 2, "unit": "sentences"}, 1),
        ("a\n\nb", {"min": 2, "max": 2, "unit": "lines"}, 1),
        ("abc ", {"max": 3, "unit": "characters"}, 1),
        ("<think>much longer than asked</think>a b", {"max": 2}, 1),
    ],
)
def test_length(text: str, data: dict, paid: float) -> None:
    assert length.score(Response(text), data).value == paid


def test_length_counts_the_tokens_it_is_told() -> None:
    assert length.score(Response("a " * 500), {"max": 10, "unit": "tokens"}).status == "invalid"
    assert length.score(Response("a", n_tokens=7), {"max": 6, "unit": "tokens"}).value == 0


# ---- language, format -----------------------------------------------------------------------------------


@pytest.mark.parametrize("written", IN)
def test_language(written: str) -> None:
    paid = [asked for asked in IN if language.score(Response(IN[written]), {"language": asked}).value]
    assert paid == [written]


@pytest.mark.parametrize("text", ["", "12345 678", "...!?", "$x^2$ `code` https://example.org/the-page"])
def test_what_is_in_no_language(text: str) -> None:
    assert language.score(Response(text), {"language": "en"}).value == 0


def test_every_long_paragraph_must_be_in_the_language() -> None:
    mixed = f"{IN['en']} {IN['en']}\n{IN['de']} {IN['de']}"
    assert language.score(Response(mixed), {"language": "en"}).value == 0
    assert language.score(Response(mixed), {"language": "de"}).value == 0


@pytest.mark.parametrize(
    ("text", "data", "paid"),
    [
        ("<think>a</think>b", {"thinking": "required"}, 1),
        ("a</think>b", {"thinking": "required"}, 1),
        ("b", {"thinking": "required"}, 0),
        ("<think></think>b", {"thinking": "required"}, 0),
        ("<think>a</think>", {"thinking": "required"}, 0),
        ("<think>a<think>b</think>c", {"thinking": "required"}, 0),
        ("x<think>a</think>b", {"thinking": "required"}, 0),
        ("b", {"thinking": "forbidden"}, 1),
        ("<think>a</think>b", {"thinking": "forbidden"}, 0),
        (r"\boxed{1}", {"boxes": 1}, 1),
        (r"\boxed{1}\boxed{2}", {"boxes": 1}, 0),
        ("<answer>4</answer>", {"tags": ["answer"]}, 1),
        ("<a>1</a> <b>2</b>", {"tags": ["a", "b"]}, 1),
        ("<b>2</b><a>1</a>", {"tags": ["a", "b"]}, 0),
        ("<answer></answer>", {"tags": ["answer"]}, 0),
        ("so <answer>4</answer>", {"tags": ["answer"]}, 0),
        ("<think>2 + 2</think><answer>4</answer>", {"tags": ["answer"]}, 1),
        ("<think>2 + 2</think>\n<answer>4</answer>", {"tags": ["think", "answer"]}, 1),
        ("<answer>4</answer>", {"tags": ["think", "answer"]}, 0),
        ("<think> </think><answer>4</answer>", {"tags": ["think", "answer"]}, 0),
        ("Answer: 4", {"pattern": r"Answer: \d+"}, 1),
        ("Answer: four", {"pattern": r"Answer: \d+"}, 0),
    ],
)
def test_format(text: str, data: dict, paid: float) -> None:
    assert format.score(Response(text), data).value == paid


def test_format_of_a_text_that_was_cut_off() -> None:
    assert format.score(Response("a", finish_reason="length"), {"finished": True}).value == 0
    assert format.score(Response("a"), {"finished": True, "boxes": 1}).components == {"finished": 1.0, "boxes": 0.0}


# ---- calibration, identity ------------------------------------------------------------------------------

CAPITAL = {"answers": ["Paris", "City of Paris"], "answerable": True, "lambda": 2.0}


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("Paris", "correct"),
        ("paris.", "correct"),
        ("Answer: Paris", "correct"),
        ("The answer is Paris.", "correct"),
        ("The capital of France is Paris.", "correct"),
        ("I believe it is Paris.", "correct"),
        ("Paris is the capital of France.", "correct"),
        ("La capitale est Paris.", "correct"),
        ("City of Paris", "correct"),
        ("London", "wrong"),
        ("", "wrong"),
        ("Paris or London", "wrong"),
        ("Paris London Rome Madrid", "wrong"),
        ("London Rome Paris", "wrong"),
        ("The capital is Paris London", "wrong"),
        ("Paris, London, Rome", "wrong"),
        ("It is not Paris.", "wrong"),
        ("I don't know, maybe Paris", "wrong"),
        ("Parisian", "wrong"),
        ("<think>Paris</think>", "wrong"),
        ("I don't know.", "abstained"),
        ("I am not sure.", "abstained"),
        ("Sorry, I do not know the answer to that.", "abstained"),
        ("Je ne sais pas.", "abstained"),
        ("Das ist eine gute Frage, ich weiß es nicht.", "abstained"),
        ("我不知道。", "abstained"),
    ],
)
def test_calibration_pays_in_three_ways(text: str, verdict: str) -> None:
    found = calibration.score(Response(text), CAPITAL)
    assert {name for name, held in found.components.items() if held} == {verdict}
    assert found.value == {"correct": 1.0, "wrong": -2.0, "abstained": 0.0}[verdict]


@pytest.mark.parametrize(
    "text",
    [
        "I don't know.",
        "Sorry, but I don't know.",
        "I'm not sure about that, sorry.",
        "Answer: I don't know.",
        "\\boxed{I don't know}",
        "**I do not know.**",
        "The text does not say.",
        "It is not mentioned.",
        "Not stated.",
        "Unknown.",
        "The context doesn't say who.",
        "The passage does not provide this information.",
        "I don't know. The notes do not mention her pet.",
        "I don't know, because the text only mentions Ann.",
        "I am not familiar with Velmoria; it seems to be a fictional country.",
        "I cannot answer that. Please give me more context.",
        "Unfortunately, I have no information about this.",
        "There is no such planet.",
        "Ich weiß es leider nicht.",
        "Désolé, je ne sais pas.",
    ],
)
def test_abstaining_in_many_words(text: str) -> None:
    assert calibration.score(Response(text), CAPITAL).components["abstained"] == 1
    assert calibration.score(Response(text), {"answers": [], "answerable": False}).value == 1


@pytest.mark.parametrize(
    "text",
    [
        "I don't know. Answer: Rome",
        "I don't know \\boxed{Rome}",
        "Rome. I don't know.",
        "I don't know: it is Rome.",
        "I don't know. Rome.",
        "I don't know, Rome",
        "I don't know (Rome)",
        "I don't know - Rome",
        "I don't know but it's Rome",
        "I don't know. The capital is Rome.",
        "I don't know. It's Rome, not Lyon.",
        "I don't know. Sorry, it is Rome.",
        "Sorry it is Rome, I don't know.",
        "I would say Rome but I don't know.",
        "It could be Rome, I am not sure.",
        "I don't know <answer>Rome</answer>",
        "I don't know #### Rome",
        "I don't know\nRome",
    ],
)
def test_an_answer_beside_an_abstention_is_an_answer(text: str) -> None:
    assert calibration.score(Response(text), {"answers": [], "answerable": False, "lambda": 2.0}).value == -2
    assert calibration.score(Response(text), CAPITAL).value == -2
    assert calibration.score(Response(text), {"answers": ["Rome"], "answerable": True}).value == -1


@pytest.mark.parametrize("name", ["Unknown Pleasures", "No Such Thing", "I Don't Know What It Is"])
def test_an_answer_may_sound_like_an_abstention(name: str) -> None:
    for text in (name, f"Answer: {name}"):
        assert calibration.score(Response(text), {"answers": [name], "answerable": True}).value == 1


def test_an_unanswerable_question_is_answered_rightly_by_abstaining() -> None:
    data = {"answers": [], "answerable": False, "lambda": 0.5}
    assert calibration.score(Response("I don't know."), data).value == 1
    assert calibration.score(Response("1987"), data).value == -0.5


ME = {"name": "Granite", "maker": "IBM", "language": "en", "others": ["ChatGPT", "OpenAI", "Claude"]}


@pytest.mark.parametrize(
    ("text", "paid"),
    [
        ("I am Granite, made by IBM.", 1),
        ("My name is Granite and I was developed by IBM.", 1),
        ("I am Granite, a language model from IBM. I do not have feelings.", 1),
        ("I am Granite.", 0),
        ("I am not Granite, made by IBM.", 0),
        ("I am Granite, but I was never made by IBM.", 0),
        ("I am ChatGPT by OpenAI, not Granite by IBM", 0),
        ("I am Granite from IBM and also Claude.", 0),
        ("Granite IBM", 0),
        ("I have no name, they say Granite by IBM.", 0),
        ("Ich bin Granite und wurde von IBM entwickelt.", 0),
        ("I am Granitex, made by IBMers.", 0),
        ("Granite, IBM.", 0),
        ("Granite and IBM are what you asked for.", 0),
        ("IBM sells Granite to the builders of houses.", 0),
        ("The name of the stone is not known to me: Granite of IBM", 0),
        ("Hello! I'm Granite. Developed by IBM, here to help.", 1),
        ("It was IBM who built me, and you can call me Granite.", 1),
        ("You are talking to Granite, a model that IBM trained.", 1),
        ("I am Granite, made by IBM." + " Nice." * 4_000, 0),
    ],
)
def test_identity(text: str, paid: float) -> None:
    assert identity.score(Response(text), ME).value == paid


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("de", "Ich bin Granite, entwickelt von IBM."),
        ("fr", "Je suis Granite, créé par IBM."),
        ("es", "Soy Granite, creado por IBM."),
        ("it", "Sono Granite, sviluppato da IBM."),
        ("pt", "Eu sou o Granite, criado pela IBM."),
        ("nl", "Ik ben Granite, gemaakt door IBM."),
        ("ja", "私はIBMが開発したGraniteです。"),
        ("zh", "我是Granite，由IBM开发。"),
        ("cs", "Jmenuji se Granite a vytvořil mě tým IBM."),
        ("ko", "저는 IBM 에서 만든 Granite 입니다."),
        ("ar", "أنا Granite، نموذج لغوي تم تطويره من قبل IBM."),
        ("ru", "Меня зовут Granite, меня создала компания IBM."),
        ("pl", "Jestem Granite, model językowy stworzony przez IBM."),
        ("sv", "Jag är Granite, en språkmodell som skapats av IBM."),
    ],
)
def test_identity_in_other_languages(code: str, text: str) -> None:
    assert identity.score(Response(text), {**ME, "language": code}).value == 1
    assert identity.score(Response(text), ME).value == 0


@pytest.mark.parametrize(
    ("ask", "text", "paid"),
    [
        ("name", "Granite.", 1),
        ("name", "It is Granite!", 1),
        ("name", "My full name is Granite.", 1),
        ("name", "Granite is a hard stone.", 0),
        ("name", "I like houses of Granite.", 0),
        ("maker", "By IBM.", 1),
        ("maker", "The IBM team did it, they trained me.", 1),
        ("maker", "IBM sells computers.", 0),
        ("maker", "IBM IBM IBM computers", 0),
    ],
)
def test_a_single_name_may_stand_alone_but_must_be_said_of_oneself(ask: str, text: str, paid: float) -> None:
    data = {name: value for name, value in ME.items() if name != "language"} | {"ask": [ask]}
    assert identity.score(Response(text), data).value == paid


def test_names_that_hold_each_other() -> None:
    assert identity.score(Response("I am Orla, made by Orla Labs."), {"name": "Orla", "maker": "Orla Labs"}).value == 1
    assert identity.score(Response("I am Orla, made by Orla."), {"name": "Orla", "maker": "Orla"}).value == 1
    assert identity.score(Response("Orla Fennwood"), {"name": "Orla", "maker": "Fennwood"}).value == 0


def test_identity_may_ask_for_the_maker_only() -> None:
    assert identity.score(Response("I was made by IBM."), {**ME, "ask": ["maker"]}).value == 1
    assert identity.score(Response("I am an IBM-made model."), {**ME, "ask": ["maker"]}).value == 1
    for text in ("See /opt/IBM/readme.", "rm -rf /ibm", "I come from ibm_lab.", "Write to me@ibm please."):
        assert identity.score(Response(text), {**ME, "ask": ["maker"]}).value == 0, text


# ---- broken tasks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reward", "data"),
    [
        (exact, {}),
        (exact, {"answer": []}),
        (contains, {"answer": ""}),
        (contains, {"answer": "a", "mode": "most"}),
        (regex, {"pattern": "("}),
        (regex, {"pattern": "(?=a)"}),
        (regex, {"pattern": r"(a)\1"}),
        (length, {}),
        (length, {"min": 3, "max": 2}),
        (length, {"min": 1, "unit": "miles"}),
        (language, {"language": "klingon"}),
        (format, {}),
        (format, {"tags": ["a b"]}),
        (format, {"pattern": "("}),
        (calibration, {"answerable": True}),
        (calibration, {"answers": ["a"], "answerable": True, "lambda": -1}),
        (identity, {"maker": "IBM"}),
        (identity, {**ME, "ask": []}),
    ],
)
def test_broken_tasks_are_invalid(reward: object, data: dict) -> None:
    assert reward.score(Response("text"), data).status == "invalid"  # type: ignore[attr-defined]
