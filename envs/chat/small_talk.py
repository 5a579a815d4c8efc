"""Questions of everyday chat about two subjects, and plain answers. Makers return (messages, language, about, gold)."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from rlstack.api import Message
from rlstack.envs.words import words

Task = tuple[tuple[Message, ...], str, list[str], str]

THINGS = words(
    "gardens lakes dogs books bikes trains songs maps boats kites lamps clocks rivers forests stars horses poems plants"
)
MATTERS = words(
    "winter summer rain school work sleep travel sport breakfast family health music dinner learning cooking rest"
)
SHORT = (
    ("Are {a} good for {b}?", "Yes, {a} are often a real help with {b}."),
    ("Why do people link {a} with {b}?", "People link {a} with {b} since both bring joy."),
    ("What have {a} to do with {b}?", "Good {a} can make {b} far more pleasant."),
    ("Say something about {a} and {b}.", "Many friends of {a} enjoy {b} just as much."),
    ("How do {a} change {b}?", "With {a} around, {b} feels calmer and richer."),
)
BANK = (
    "People who care for {a} often say that {b} became easier for them.",
    "It helps to begin with something small and to see how it feels.",
    "Many find that {a} bring calm after a long day.",
    "A fixed hour in the week makes a habit out of a good plan.",
    "Some families have combined {a} and {b} for generations.",
    "Ask a neighbour with experience, because advice on the spot is worth a lot.",
    "Costs stay low when several households share what they need.",
    "Not everybody enjoys the same things, so choose what suits you.",
    "For {b}, a little patience matters more than talent.",
    "Notes about what worked will save you trouble next year.",
    "If it rains, there is still plenty to read on the subject.",
    "Small steps lead further than one large effort.",
)
FOLLOW_UPS = (
    "Thanks. And how does that fit with {b}?",
    "I see. What about {b}, then?",
    "Good to know. Does {b} play a part in it?",
    "Fine, but I care more about {b}. Any thoughts?",
)


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def short(rng: random.Random) -> Task:
    """Level 0: one sentence."""
    a, b = rng.choice(THINGS), rng.choice(MATTERS)
    question, answer = rng.choice(SHORT)
    return (_user(question.format(a=a, b=b)),), "en", [a, b], answer.format(a=a, b=b)


def paragraph(rng: random.Random) -> Task:
    """Level 2: a paragraph on two subjects."""
    a, b = rng.choice(THINGS), rng.choice(MATTERS)
    opening = rng.choice(SHORT)[0].format(a=a, b=b)
    wish = rng.choice(("Please explain in a few sentences.", "A short paragraph, please.", "Tell me more than a line."))
    return (_user(f"{opening} {wish}"),), "en", [a, b], _written(rng, a, b, 4)


def follow_up(rng: random.Random) -> Task:
    """Level 3: a question that refers to what was said before."""
    a, b, other = rng.choice(THINGS), *rng.sample(MATTERS, 2)
    question, answer = rng.choice(SHORT)
    earlier: Message = {"role": "assistant", "content": answer.format(a=a, b=other)}
    messages = (_user(question.format(a=a, b=other)), earlier, _user(rng.choice(FOLLOW_UPS).format(b=b)))
    return messages, "en", [a, b], _written(rng, a, b, 3)


def _written(rng: random.Random, a: str, b: str, sentences: int) -> str:
    both = [line for line in BANK if "{a}" in line and "{b}" in line]
    rest = [line for line in BANK if line not in both]
    chosen = [rng.choice(both), *rng.sample(rest, sentences - 1)]
    return " ".join(chosen).format(a=a, b=b)


Phrase = tuple[str, str]
"""The subject as a phrase, and the word of it that must be taken up."""

FOREIGN: Mapping[str, tuple[Sequence[Phrase], Sequence[Phrase], Sequence[str], str]] = {
    "de": (
        (("Gärten", "Gärten"), ("Bücher", "Bücher"), ("Hunde", "Hunde"), ("Lieder", "Lieder"), ("Flüsse", "Flüsse"),
         ("Pflanzen", "Pflanzen"), ("Karten", "Karten"), ("Boote", "Boote")),
        (("die Arbeit", "Arbeit"), ("den Schlaf", "Schlaf"), ("die Familie", "Familie"), ("den Winter", "Winter"),
         ("die Schule", "Schule"), ("den Urlaub", "Urlaub"), ("die Gesundheit", "Gesundheit")),
        ("Sind {a} gut für {b}?", "Wie helfen {a} bei dem, was {b} angeht?"),
        "Ja, {a} sind oft eine große Hilfe für {b} und machen das Leben schöner.",
    ),
    "fr": (
        (("les jardins", "jardins"), ("les livres", "livres"), ("les chiens", "chiens"), ("les chansons", "chansons"),
         ("les rivières", "rivières"), ("les plantes", "plantes"), ("les cartes", "cartes")),
        (("le travail", "travail"), ("le sommeil", "sommeil"), ("la famille", "famille"), ("la santé", "santé"),
         ("les vacances", "vacances"), ("les enfants", "enfants"), ("la ville", "ville")),
        ("Est-ce que {a} sont utiles pour {b} ?", "Comment {a} peuvent aider pour {b} ?"),
        "Oui, {a} sont souvent une grande aide pour {b} et rendent la vie plus belle.",
    ),
    "es": (
        (("los jardines", "jardines"), ("los libros", "libros"), ("los perros", "perros"),
         ("las canciones", "canciones"), ("los ríos", "ríos"), ("las plantas", "plantas"), ("los mapas", "mapas")),
        (("el trabajo", "trabajo"), ("la salud", "salud"), ("la familia", "familia"), ("el invierno", "invierno"),
         ("la escuela", "escuela"), ("los niños", "niños"), ("el descanso", "descanso")),
        ("¿Sirven {a} para {b}?", "¿Cómo ayudan {a} en lo que toca a {b}?"),
        "Sí, muchas personas dicen que {a} ayudan mucho en todo lo que toca a {b}.",
    ),
    "it": (
        (("i giardini", "giardini"), ("i libri", "libri"), ("i cani", "cani"), ("le canzoni", "canzoni"),
         ("i fiumi", "fiumi"), ("le piante", "piante"), ("le mappe", "mappe"), ("le barche", "barche")),
        (("il lavoro", "lavoro"), ("la salute", "salute"), ("la famiglia", "famiglia"), ("l'inverno", "inverno"),
         ("la scuola", "scuola"), ("i bambini", "bambini"), ("il riposo", "riposo")),
        ("Sono utili {a} per {b}?", "In che modo {a} aiutano per {b}?"),
        "Certo, molte persone dicono che {a} sono un grande aiuto per {b} e per la vita di ogni giorno.",
    ),
    "pt": (
        (("os jardins", "jardins"), ("os livros", "livros"), ("os cães", "cães"), ("as canções", "canções"),
         ("os rios", "rios"), ("as plantas", "plantas"), ("os mapas", "mapas"), ("os barcos", "barcos")),
        (("o trabalho", "trabalho"), ("a saúde", "saúde"), ("a família", "família"), ("o inverno", "inverno"),
         ("a escola", "escola"), ("as crianças", "crianças"), ("o descanso", "descanso")),
        ("Você acha que {a} ajudam {b}?", "De que forma {a} mudam {b}?"),
        "Sim, muitas pessoas dizem que {a} ajudam bastante quando se trata de {b}.",
    ),
    "nl": (
        (("tuinen", "tuinen"), ("boeken", "boeken"), ("honden", "honden"), ("liedjes", "liedjes"),
         ("rivieren", "rivieren"), ("planten", "planten"), ("kaarten", "kaarten"), ("boten", "boten")),
        (("het werk", "werk"), ("de gezondheid", "gezondheid"), ("de familie", "familie"), ("de winter", "winter"),
         ("de school", "school"), ("de kinderen", "kinderen"), ("de rust", "rust")),
        ("Zijn {a} goed voor {b}?", "Hoe helpen {a} als het gaat om {b}?"),
        "Ja, {a} zijn vaak een grote hulp voor {b} en maken het leven van veel mensen mooier.",
    ),
    "ja": (
        (("庭", "庭"), ("本", "本"), ("犬", "犬"), ("歌", "歌"), ("川", "川"), ("植物", "植物"), ("地図", "地図")),
        (("仕事", "仕事"), ("睡眠", "睡眠"), ("家族", "家族"), ("健康", "健康"), ("学校", "学校"), ("子供", "子供")),
        ("{a}は{b}に良いですか？", "{a}は{b}にどう役立ちますか？"),
        "はい、{a}があると心が落ち着いて、{b}にもとても役に立つと思います。",
    ),
    "zh": (
        (("花园", "花园"), ("书", "书"), ("狗", "狗"), ("歌曲", "歌曲"), ("河流", "河流"), ("植物", "植物")),
        (("工作", "工作"), ("睡眠", "睡眠"), ("家庭", "家庭"), ("健康", "健康"), ("学校", "学校"), ("孩子", "孩子")),
        ("{a}对{b}有好处吗？", "{a}怎样影响{b}？"),
        "是的，很多人觉得{a}让生活更加安静，也能帮助大家处理好{b}方面的事情。",
    ),
}  # fmt: skip


def foreign(rng: random.Random) -> Task:
    """Level 1: a sentence in another language."""
    language = rng.choice(sorted(FOREIGN))
    things, matters, questions, answer = FOREIGN[language]
    question = rng.choice(questions)
    (a, a_word), (b, b_word) = rng.choice(things), rng.choice(matters)
    filled = answer.format(a=a, b=b)
    return (_user(question.format(a=a, b=b)),), language, [a_word, b_word], filled[:1].upper() + filled[1:]
