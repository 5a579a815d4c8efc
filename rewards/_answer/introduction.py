"""Whether a text says a name of the one who speaks: "I am Orla", "Fennwood built me", but not "Orla Fennwood"."""

from __future__ import annotations

import re

from rlstack.rewards._answer.plain import folded

# Folded text in which somebody speaks of himself, by language. "name" is what an introduction by name needs.
_NAMES_ONESELF = {
    "en": r"\bi(?:'m| am| go by| was named| was called| have been named)\b|\bmy (?:\w+ )?name\b"
    r"|\b(?:call(?:ed)?|know|named) me\b|\bname(?:'s| is)\b|\b(?:this|it)(?:'s| is)(?: me)?\b"
    r"|\b(?:talk|speak|chat)ing (?:to|with)\b",
}
_SELF = {
    "en": r"\b(?:i|me|my|mine|myself)\b",
    "de": r"\b(?:ich|mich|mir|mein\w*)\b|\bhier spricht\b|\bdas ist\b",
    "fr": r"\b(?:je|moi|me|mon|ma|mes)\b|\b[jm]'|\bc'est\b|\bici\b",
    "es": r"\b(?:soy|yo|me|mí|mi|mis|fui|estoy|he sido)\b",
    "it": r"\b(?:sono|io|mi|mio|mia|miei|me|m'ha)\b",
    "pt": r"\b(?:sou|eu|me|mim|meu|minha|meus|fui|chamo)\b",
    "nl": r"\b(?:ik|mij|me|mijn|dit is)\b",
    "cs": r"\b(?:jsem|já|jmenuj[iu]|mě|mne|mi|mé|moje|můj|mým)\b",
    "pl": r"\b(?:jestem|ja|nazywam|mnie|mi|mam na imię|moje|moim|mój)\b",
    "sv": r"\b(?:jag|mig|mitt|min|mina)\b",
    "ru": r"\b(?:я|меня|мне|мной|мо[её]|мой|моя)\b",
    "tr": r"\b(?:ben|benim|beni|bana|adım|ismim)\b|(?:y?[ıiuü]m)\b",
    "ja": r"私|僕|俺|わたし|わたくし|ぼく|名前|です|と申し|といい|と言い|と呼",
    "zh": r"我|名字|本人|本模型",
    "ko": r"저는|저의|저를|제 |제가|나는|내 |나를|이름|입니다|이에요|예요|라고",
    "ar": r"أنا|انا|اسمي|إسمي|بي\b|ني\b|تم ",
}
_MAKING = re.compile(
    r"\b(?:made|built|maker|mak(?:es|ing)|creat|develop|train|design|engineer|produc|gemacht|gebaut|erschaff|entwick|entworf|trainiert|cré|développ"
    r"|conçu|entra[iî]n|cread|desarroll|svilupp|addestr|criad|desenvolv|treinad|gemaakt|ontwikkel|gebouwd|vytvoř|vyvin|stworz|opracow"
    r"|созда|разработ|обуч|skap|utveckl|geliştir|oluştur|yap)|作|製|開発|訓練|开发|開發|创造|创建|研发|训练|推出|만든|만들|개발|صنع|طور|تطوير|صمم"
)
_PARTICLES = (
    "by from the a team at it it's its is was that would be called company people of von vom der das es ist par de la"
    " le por el di da dal o pelo pela door het od przez av är от"
)
_BESIDE_A_BARE_NAME = frozenset(_PARTICLES.split())
_SENTENCE = re.compile(r"[!?;。]|\.(?=\s|$)")


def name_pattern(name: str) -> str:
    """A pattern for `name` as whole words of a folded text."""
    name = folded(name)
    before = r"(?<![a-z0-9])" if name[:1].isalnum() else ""
    after = r"(?![a-z0-9])" if name[-1:].isalnum() else ""
    return before + re.escape(name) + after


def introduces(text: str, names: list[str], asked: list[str], language: str | None) -> bool:
    """Whether each of the `names` (of the kinds `asked`: "name" or "maker") is said of the speaker.

    `text` is folded, in it `names` stand as themselves. A single name alone is an answer too ("Orla.", "By
    Fennwood."), two names in a row are not. A language without a list of words only asks for more than names.
    """
    marks = [f"\0{names.index(name)}" for name in names]
    for name, mark in sorted(zip(names, marks, strict=True), key=lambda pair: -len(pair[0])):
        text = re.sub(name_pattern(name), f" {mark} ", text)
    words = [word.strip(".,:!'\"*_()-") for word in re.sub(r"\0\d", " ", text).split()]
    words = [word for word in words if word]
    if len(names) == 1 and marks[0] in text and len(words) <= 5 and _BESIDE_A_BARE_NAME.issuperset(words):
        return True
    code = language.lower().partition("-")[0].partition("_")[0] if language else None
    if code is not None and code not in _SELF:
        return len(words) >= 2
    sentences = _SENTENCE.split(text)
    return all(
        any(mark in sentence and _of_oneself(sentence, kind, code) for sentence in sentences)
        for mark, kind in zip(marks, asked, strict=True)
    )


def _of_oneself(sentence: str, kind: str, code: str | None) -> bool:
    if kind == "maker" and _MAKING.search(sentence):
        return True
    return any(
        re.search((_NAMES_ONESELF.get(one) if kind == "name" else None) or _SELF[one], sentence)
        for one in ([code] if code else _SELF)
    )
