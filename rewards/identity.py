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
_UNREAL = re.compile(  # before a name in its sentence: it is played, compared, doubted or told by others
    r"\b(?:pretend\w*|imitat\w*|impersonat\w*|mimic\w*|role-?play\w*|simulat\w*|refus\w*|doubt\w*|den(?:y|ies|ied)"
    r"|act(?:ing)? (?:as|like)|play(?:ing)? (?:the (?:role|part) of|as)|as if|imagin\w*|suppos\w*|assum\w*|if|whether"
    r"|(?:i am|i'm|i was) (?:\w+ly )?(?:talking|speaking|chatting|writing) (?:to|with)|(?:am|'m|much|just) like"
    r"|(?:some|many|people|others|they|who) (?:people )?(?:say|says|said|claim\w*|think|thinks|believe\w*)"
    r"|(?:told|asked|ordered|instructed|forced|paid) to|wish|hope|used to be|unlike)\b"
)
_UNREAL_AFTER = re.compile(
    r"\b(?:in|for|of) (?:this|the|our|a) (?:role-?play|game|story|fiction|play|scenario)\b|\b(?:persona|stage name)\b"
    r"|\bbut (?:i (?:doubt|do not|don't|am not|'m not)|that(?:'s| is) (?:a lie|false|not|wrong)|not really)"
)
_ASKS_BACK = re.compile(r"^\W*(?:who|what|why|am|is|are|do|does|did|would|could|can|should)\b")
_KNOWN = (  # well-known assistants and their makers; what is in the configured name or maker is left out
    "chatgpt", "gpt", "openai", "claude", "anthropic", "gemini", "deepmind", "llama", "meta ai", "mistral", "mixtral",
    "qwen", "tongyi", "alibaba", "deepseek", "grok", "xai", "copilot", "siri", "alexa", "cortana", "kimi", "chatglm",
    "moonshot ai", "zhipu", "baichuan", "ernie bot", "baidu", "doubao", "bytedance", "hunyuan", "tencent", "gemma",
    "cohere", "perplexity ai", "nemotron", "vicuna", "google bard",
)  # fmt: skip
_KNOWN_PATTERN = re.compile(
    rf"(?<![\w/@])(?:{'|'.join(map(re.escape, _KNOWN))}|gpt-?\d\w*)(?![\w/@])"
    r"|\b(?:made|built|trained|created|developed|owned|designed) (?:by|at)"
    r" (?:google|meta|microsoft|amazon|apple|ibm|nvidia)\b"
)
_SENTENCES = re.compile(r"(?<=[.!?;。])\s+")
_CLAUSE_END = re.compile(r"[.!?;:。！？\n]|,\s|\b(?:but|and|sondern|und|mais|et|sino|pero)\b|，|、")


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 if name and maker are claimed and meant, nothing denied, in the asked language.

    None of the `others` and no well-known assistant may be named.
    """
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
    if parts["alone"] and _KNOWN_PATTERN.search(_without(mine, text)):
        parts["alone"] = 0.0
    parts["undenied"] = float(not _denied([str(names[a]) for a in asked], text))
    parts["meant"] = float(not _unreal([str(names[a]) for a in asked], text))
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


def _unreal(names: list[str], text: str) -> bool:
    """Whether a sentence with one of the names plays, doubts, reports or asks instead of saying who speaks."""
    for sentence in _SENTENCES.split(text):
        for name in names:
            found = re.search(name_pattern(name), sentence)
            if found is None:
                continue
            if _UNREAL.search(sentence[: found.start()][-120:]) or _UNREAL_AFTER.search(sentence[found.end() :][:120]):
                return True
            if re.match(r"\W{0,3}\?", sentence[found.end() :]):
                return True
            if sentence.rstrip("\"' )").endswith("?") and _ASKS_BACK.match(sentence):
                return True
    return False
