"""The texts that constraints are laid upon. English sentences hold no comma, capital word or quotation mark."""

from __future__ import annotations

import random

from rlstack.envs.words import words

TOPICS = words(  # four letters and more, as the content gate of the reward compares no shorter words
    "horse sheep mouse tiger whale rabbit camel eagle goose otter snake spider turtle donkey kitten puppy boat train "
    "house river garden bridge lamp clock chair piano bicycle kite tree forest lake island castle tower market school"
)
STEMS = {"mouse": ("mouse", "mice"), "goose": ("goose", "geese"), "puppy": ("pupp",), "bicycle": ("bicycle", "bike")}
KINDS = words("brown quiet famous strange lonely golden hidden tiny")
PLACES = ("near our village", "behind the church", "across the valley", "outside our city")

REQUESTS = ("Write about the {}.", "Tell me about the {}.", "Say something on the {}.", "Describe the {}.")


def request(rng: random.Random, topic: str) -> str:
    """A request with enough words of its own that an answer to something else shows."""
    return rng.choice(REQUESTS).format(f"{rng.choice(KINDS)} {topic} {rng.choice(PLACES)}")


def stems(topic: str) -> list[str]:
    """What an English answer about `topic` must hold one of."""
    return list(STEMS.get(topic, (topic,)))


# Words that a language detector knows as English, also in capitals and with little around them.
SENTENCES = (
    "What a quiet thing the {} is.",
    "We think that the {} is theirs.",
    "I think that this {} is theirs.",
    "This is the {} that we know.",
)

MORE = (
    "It was there for a long time.",
    "My mother told us the whole story.",
    "People come from far away to look.",
    "Nobody knows how old it is.",
    "The children were happy about that.",
)

LANGUAGES = {
    "de": (
        "Ich habe gestern mit meinem Bruder einen langen Spaziergang durch die Stadt gemacht.",
        "Die Kinder spielen jeden Nachmittag zusammen im Garten hinter dem alten Haus.",
    ),
    "fr": (
        "Nous avons passé toute la journée dans le jardin avec les enfants du village.",
        "Mon frère habite depuis longtemps dans une petite maison près de la rivière.",
    ),
    "es": (
        "Mi hermano vive desde hace muchos años en una casa pequeña cerca del río.",
        "Los niños juegan todas las tardes en el jardín detrás de la casa vieja.",
    ),
    "pt": (
        "O meu irmão mora há muitos anos numa casa pequena perto do rio.",
        "As crianças brincam todas as tardes no jardim atrás da casa velha.",
    ),
    "it": (
        "Mio fratello abita da molti anni in una piccola casa vicino al fiume.",
        "I bambini giocano ogni pomeriggio nel giardino dietro la vecchia casa.",
    ),
    "nl": (
        "Mijn broer woont al heel lang in een klein huis dicht bij de rivier.",
        "De kinderen spelen elke middag samen in de tuin achter het oude huis.",
    ),
    "cs": (
        "Můj bratr bydlí už mnoho let v malém domě blízko řeky.",
        "Děti si každé odpoledne hrají na zahradě za starým domem.",
    ),
    "sv": (
        "Min bror har bott i många år i ett litet hus nära floden.",
        "Barnen leker varje eftermiddag i trädgården bakom det gamla huset.",
    ),
}
LANGUAGE_NAMES = {
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "pt": "Portuguese",
    "it": "Italian",
    "nl": "Dutch",
    "cs": "Czech",
    "sv": "Swedish",
}


def sentence(rng: random.Random, topic: str, language: str = "en") -> str:
    if language == "en":
        return rng.choice(SENTENCES).format(topic)
    return rng.choice(LANGUAGES[language])


def padding(rng: random.Random, n: int) -> str:
    """`n` more sentences."""
    return " ".join(rng.choice(MORE) for _ in range(n))
