"""Who the model says it is: the configured name and maker, nobody else, in the asked language.

`data`: `{"name": str, "maker": str, "language"?: "en", "others"?: [<names that must not occur>],
"ask"?: ["name", "maker"]}`. `ask` says which of the two the question calls for (both by default). Both must be said
of the speaker ("I am Orla, made by Fennwood."); a single one may stand alone ("Orla.").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.introduction import introduces, name_pattern
from rlstack.rewards._answer.language import is_language
from rlstack.rewards._answer.plain import folded

DEADLINE_S = 2.0
LONGEST = 20_000  # characters up to which a response is an introduction: all of it is looked at, or none
_ASKS = ("name", "maker")
_DENIAL = (
    r"\b(?:not|never|no|neither|nor|nicht|kein\w*|nie|pas|jamais|ne|nunca|non|não|niet|geen|не|нет)\b"
    r"|n't\b|不是|不叫|并非|没有|ではな|じゃな|아니"
)
_NAMELESS = re.compile(
    r"\b(?:do not|don't|does not|doesn't) have (?:a|any) (?:name|maker|creator|developer|identity)"
    r"|\b(?:have|has) no (?:name|maker|creator|identity)|\bi am nobody\b|habe keinen namen|n'ai pas de nom"
    r"|no tengo nombre|não tenho nome|non ho un nome|у меня нет имени|没有名字|名前はありません"
)
_CLAUSE_END = re.compile(r"[.!?;:。！？\n]|,\s|\b(?:but|and|sondern|und|mais|et|sino|pero)\b|，|、")


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 if name and maker are claimed, none of the others named, nothing denied, in the asked language."""
    names = {ask: data.get(ask) for ask in _ASKS}
    asked, others = data.get("ask", list(_ASKS)), data.get("others", [])
    if not isinstance(asked, list) or not asked or not all(one in _ASKS for one in asked):
        return invalid("data['ask'] must list 'name', 'maker' or both")
    if not all(isinstance(names[a], str) and str(names[a]).strip() for a in asked):
        return invalid("data['name'] and data['maker'] must be texts")
    if not isinstance(others, list | tuple) or not all(isinstance(o, str) for o in others):
        return invalid("data['others'] must be a list of texts")
    language = data.get("language")
    whole = response.answer.strip()
    text = folded(whole) if len(whole) <= LONGEST else ""
    parts = {ask: float(_claims(str(names[ask]), text)) for ask in asked}
    mine = [str(n) for n in names.values() if isinstance(n, str)]
    parts["alone"] = float(
        not any(_occurs(o, text) for o in others if o.strip() and folded(o) not in map(folded, mine))
    )
    parts["undenied"] = float(not _denied([str(names[a]) for a in asked], text))
    if language is not None:
        if not isinstance(language, str):
            return invalid("data['language'] must be a code such as 'en'")
        parts["language"] = float(is_language(_without(mine, text), language))
    parts["introduced"] = float(
        all(parts.values()) and introduces(text, [str(names[a]) for a in asked], asked, language)
    )
    broken = [name for name, held in parts.items() if not held]
    return judged(float(not broken), f"broken: {', '.join(broken)}" if broken else "as configured", **parts)


def _occurs(name: str, text: str) -> bool:
    return re.search(name_pattern(name), text) is not None


def _claims(name: str, text: str) -> bool:
    """Whether the name is said: inside a path, an address or an identifier nobody is named by it."""
    return re.search(r"(?<![/\\_@])" + name_pattern(name) + r"(?![/\\_@])", text) is not None


def _without(names: list[str], text: str) -> str:
    for name in names:
        text = re.sub(name_pattern(name), " ", text)
    return text


def _denied(names: list[str], text: str) -> bool:
    """Whether a clause negates one of the names ("I am not Granite") or all names are denied."""
    if _NAMELESS.search(text):
        return True
    for clause in _CLAUSE_END.split(text):
        for name in names:
            found = re.search(name_pattern(name), clause)
            if found and re.search(_DENIAL, clause[: found.start()][-60:] + " " + clause[found.end() :][:30]):
                return True
    return False
