"""Whether a text is in a language: by script, by detection, and for short texts by its commonest words."""

from __future__ import annotations

import re

from rlstack.rewards._answer.plain import plain
from rlstack.rewards.ifeval.language import detect

LONGEST = 5_000  # characters given to the detector
FEWEST_LETTERS = 3
SHORT = 80  # letters below which common words may speak where detection is unsure

_SCRIPTS = {
    "ja": "\u3040-\u30ff\u4e00-\u9fff",
    "zh": "\u4e00-\u9fff",
    "ko": "\uac00-\ud7af\u1100-\u11ff",
    "el": "\u0370-\u03ff",
    "he": "\u0590-\u05ff",
    "th": "\u0e00-\u0e7f",
    "ar": "\u0600-\u06ff",
    "fa": "\u0600-\u06ff",
    "ur": "\u0600-\u06ff",
    "hi": "\u0900-\u097f",
    "mr": "\u0900-\u097f",
    "ne": "\u0900-\u097f",
    "bn": "\u0980-\u09ff",
    "pa": "\u0a00-\u0a7f",
    "gu": "\u0a80-\u0aff",
    "ta": "\u0b80-\u0bff",
    "te": "\u0c00-\u0c7f",
    "kn": "\u0c80-\u0cff",
    "ml": "\u0d00-\u0d7f",
    "ru": "\u0400-\u04ff",
    "uk": "\u0400-\u04ff",
    "bg": "\u0400-\u04ff",
    "mk": "\u0400-\u04ff",
}
# languages that their script gives away
_ALONE = frozenset(_SCRIPTS) - frozenset(("ar", "fa", "ur", "hi", "mr", "ne", "ru", "uk", "bg", "mk"))
_COMMON = {
    "en": "the is are am i my by of and a an to was in from with have that this it you for on not",
    "de": "der die das ist bin ich und von ein eine einen zu mit den dem im nicht wurde mein name es auf",
    "fr": "le la les est suis je et de un une par du des mon nom en que pour il dans au été nommé",
    "es": "el la los las es soy y de un una por mi nombre en que del para fui con no se al",
    "it": "il la lo gli è sono e di un una da mio nome in che per stato con non del mi",
    "pt": "o a os as é sou e de um uma por meu nome em que para fui com não do da pelo pela",
    "nl": "de het is ben ik en van een door mijn naam in dat met niet op voor gemaakt",
    "pl": "jest jestem i w z na się przez moje imię nie to że do zostałem stworzony",
    "sv": "är jag och av en ett mitt namn i som det inte på för med",
    "cs": "je jsem a v z na se od moje jméno ne to že do byl vytvořen",
    "tr": "ben ve bir bu adım tarafından için ile değil ne olarak",
}
_COMMON_WORDS = {code: frozenset(words.split()) for code, words in _COMMON.items()}
_NOT_PROSE = re.compile(r"```[^`]*```|https?://\S+|\$[^$\n]*\$|\\[A-Za-z]+|<[^<>\n]{1,80}>")


def letters(text: str) -> int:
    """How many letters a text has."""
    return sum(map(str.isalpha, text))


def prose(text: str) -> str:
    """`text` without code, addresses, formulas and tags, at most `LONGEST` characters."""
    return _NOT_PROSE.sub(" ", plain(text[: 4 * LONGEST]))[:LONGEST]


def is_language(text: str, code: str) -> bool:
    """Whether `text` is written in the language `code` (ISO 639-1; zh, zh-cn and zh-tw are one)."""
    code = code.lower().partition("-")[0].partition("_")[0]
    text = prose(text)
    total = letters(text)
    if total < FEWEST_LETTERS:
        return False
    script = _SCRIPTS.get(code)
    if script is not None and len(re.findall(f"[{script}]", text)) < 0.5 * total:
        return False
    if code == "ja":
        return re.search("[\u3040-\u30ff]", text) is not None
    if code == "zh":
        return re.search("[\u3040-\u30ff]", text) is None
    if code in _ALONE:
        return True
    found = detect(text)
    if found is not None and found.partition("-")[0] == code:
        return True
    return total <= SHORT and _common_words_say(text, code)


def _common_words_say(text: str, code: str) -> bool:
    words = re.findall(r"[^\W\d_]+", text.casefold())
    counts = {name: sum(w in common for w in words) for name, common in _COMMON_WORDS.items()}
    best = max(counts.values())
    return best >= 2 and counts.get(code, 0) == best and sum(c == best for c in counts.values()) == 1
