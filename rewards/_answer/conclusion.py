"""The one candidate of a closed set that the closing sentence settles on: "So Alice is the thief.", "That leaves iron."

For texts that mark no answer. The sentence must claim (end in the candidate, or say that it *is* the one), name no
second candidate, deny and hedge nothing, and either conclude ("so", "therefore") or be the only claim of its kind.
Half a dozen of words too many on the list of doubts cost an answer that meant it; one too few pays for a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rlstack.rewards._answer.final import NEAR
from rlstack.rewards._answer.plain import plain

LOOKED_AT = 1_500  # characters at the end of the text
LONGEST = 300  # of the closing sentence
SLOT = "\ue000"  # where a candidate stood; private use, so no answer holds it
_SENTENCE_END = re.compile(r"(?<=[.!?。])['’)\]]*\s+|\n+|(?<=。)")
_EMPHASIS = re.compile(r"[*_`]+|\\text(?:bf|it)?\{|[\"“”]")
_HEAD = re.compile(  # what comes before the conclusion in its own sentence
    r".*[,;:–—]\s*(?:and\s+)?(?=(?:so|thus|hence|therefore|consequently|leaving|which\s+(?:leaves|means))\b)"
    r"|(?:since|because|given|as)\b.*,\s*(?=\S)",
    re.I | re.S,
)
_CONDITION = re.compile(r"\b(?:if|unless|whether|suppos\w+|assum\w+|were|had)\b", re.I)
_CONCLUDES = re.compile(
    r"\b(?:thus|hence|therefore|consequently|accordingly|ergo|conclude|in\s+conclusion|it\s+follows|as\s+a\s+result)\b"
    r"|^\W*(?:and\s+)?so\b(?!\s+(?:far|called|that|many|much|long|is|are|does|do))"
    r"|^\W*(?:this|that|which)\s+(?:only\s+)?(?:means|leaves|shows|implies|proves)\b|\b(?:leaves|leaving)\s+(?:us|only)\b",
    re.I,
)
_DOUBT = re.compile(
    r"\b(?:maybe|perhaps|possibl[ey]|probabl[ey]|plausible|(?:un)?likely|might|may|could|can|cannot|seems?|seemed|appears?|looks?"
    r"|suggests?|apparently|presumably|guess\w*|suspects?|unsure|uncertain|unclear|unknown|open|undecided|if|unless"
    r"|whether|either|or|neither|nor|not|no|never|nobody|without|except|both|all|none|some|any|every|each|another|other"
    r"|wrong|incorrect|false|untrue|mistaken|worst|weak\w*|contenders?|candidates?|favou?rites?|distractors?|traps?"
    r"|ruled|rules?|innocent|liar|claim(?:s|ed)?|says?|said|tells?|told|think\w*|thought"
    r"|believe\w*|feel\w*|wonder\w*|suppose\w*|assum\w+|imagin\w+|hop(?:e|ing)|wish\w*|but|however|though|although|yet"
    r"|while|whereas|close|closest|nearly|almost|rather|instead|should|far|mistakes?|errors?|common(?:ly)?|popular|often|usually|many|most|people|students|tempt\w*|ask\w*|mention\w*|wanted|doubt\w*|chances?|risk|odd|odds|fool\w*|eliminat\w+|discard\w*|exclud\w+|reject\w*|remov\w+|avoid\w*|rivals?|actually|wait|consider\w*)\b|n['’]t\b|\?|/",
    re.I,
)
_BOUNDS = re.compile(
    r"\b(?:between(?!\s+(?:them|the|these|those|both))|at\s+(?:least|most|the\s+(?:latest|earliest))|(?:more|less|fewer|longer|shorter|later|earlier|sooner"
    r"|greater)\s+than|before|after|until|till|through|since|from|within|about|around|approximately|roughly|up\s+to|over"
    r"|under|past|minus|plus|ago|hence\s+from|previous|following|daily|weekly|original\w*|start\w*|beg[ai]n\w*)\b|[~≈<>]",
    re.I,
)
_LISTS = re.compile(r"\b(?:option|choice|alternative|first|second|third|fourth|fifth|next|last|one)\b", re.I)
_ADVERB = r"(?:(?:thus|therefore|hence|clearly|indeed|simply|just|only|definitely|certainly|obviously)\s+)*"
_BEFORE = (
    r"(?:\b(?:is|are|was|were|be|equals|leaves|leaving|leaves\s+us\s+with|means|gives|conclude|remains|so|thus|hence"
    r"|therefore|(?:i|we)(?:['’](?:d|ll))?\s+(?:(?:would|will|therefore|thus)\s+)*(?:choose|pick|select))\b[,:]?"
    r"|['’]s|[:=])"
)
_TAIL = r"(?:[\s.!)]*|,?\s*(?:because|since|as|for|which|who|due\s+to)\b.*)$"
_ENDS = re.compile(rf"{_BEFORE}\s*{_ADVERB}(?:(?:the|an?)\s+)?{SLOT}{_TAIL}", re.I | re.S)
_IS = rf"{SLOT},?\s+(?:is|must\s+be|has\s+to\s+be)\s+{_ADVERB}"
_OPENS = r"(?:^\W*|[,:]\s*|\b(?:so|thus|hence|therefore|that|conclude)\s+)(?:the\s+)?"
_BEGINS = re.compile(rf"{_OPENS}{_IS.replace('(?:is', '(?:is|was|are|were')}the\s+\w", re.I)
_SINGLED_OUT = re.compile(rf"{_IS}the\s+(?:\w+\s+){{0,3}}(?:that|which|who|with|of|in)\s", re.I)
_RIGHT = re.compile(
    rf"{_OPENS}{_IS}(?:(?:the|our)\s+)?(?:(?:only|single)\s+)?(?:correct|right|best)"
    rf"(?:\s+(?:option|choice|answer|one|letter|statement))?{_TAIL}"
    rf"|\b(?:correct|right|best)\s+(?:option|choice|answer|one|statement)\s+(?:is|must\s+be)\s+{_ADVERB}{SLOT}{_TAIL}",
    re.I | re.S,
)
_REJECTED = re.compile(
    r",?\s*(?:\b(?:and|but)\s+)?\b(?:not|rather\s+than|instead\s+of)\s+(?:option\s+|the\s+|an?\s+)?$", re.I
)

Mention = tuple[int, int, str]  # start, end, candidate
Mentions = Callable[[str], Sequence[Mention]]


@dataclass(frozen=True, slots=True)
class _Claim:
    candidate: str
    concludes: bool
    right: bool  # says "correct" of it
    end: int


def concluded(text: str, mentions: Mentions, alone: bool = False) -> str | None:
    """The candidate that the closing sentence of `text` settles on, None where it settles on nothing.

    `mentions` finds the candidates in a sentence, not overlapping, in order. With `alone`, a sentence that neither
    concludes nor calls its candidate right only counts in a text that names no other candidate, and "iron is the …"
    only where it singles iron out ("the metal that rusts").
    """
    shown = _EMPHASIS.sub("", plain(text[-LOOKED_AT:])).rstrip(" \t\n})")
    sentences = _sentences(shown)
    last = _claim(*sentences[-1], mentions, alone) if sentences else None
    if last is None:
        return None
    bare = not last.concludes and not last.right
    if bare and alone and any(candidate != last.candidate for _, _, candidate in mentions(shown)):
        return None
    claims = [claim for sentence, end in sentences[:-1] if (claim := _claim(sentence, end, mentions, alone))]
    rivals = [claim for claim in claims if not last.concludes or last.end - claim.end <= NEAR]
    return last.candidate if all(claim.candidate == last.candidate for claim in rivals) else None


def closing_sentence(text: str) -> str:
    """The last sentence, from its "so" or "therefore" on where one follows a comma; "" if it is long or conditional."""
    sentences = _sentences(_EMPHASIS.sub("", plain(text[-LOOKED_AT:])).rstrip(" \t\n})"))
    return _concluding_part(sentences[-1][0]) if sentences else ""


def doubts(sentence: str) -> bool:
    """Whether a sentence denies, hedges or quotes what it says."""
    return _DOUBT.search(sentence) is not None


def bounds(sentence: str) -> bool:
    """Whether a sentence sets a limit to a value ("at least", "after") instead of stating it."""
    return _BOUNDS.search(sentence) is not None


def concludes(sentence: str) -> bool:
    """Whether it says that it follows from something: "so", "therefore", "this means"."""
    return _CONCLUDES.search(sentence) is not None


def _concluding_part(sentence: str) -> str:
    head = _HEAD.match(sentence)
    part = sentence[head.end() :] if head else sentence
    return "" if len(part) > LONGEST or (head and _CONDITION.search(head.group())) else part


def _sentences(text: str) -> list[tuple[str, int]]:
    """The sentences and where they end."""
    found: list[tuple[str, int]] = []
    start = 0
    for stop, following in [*(m.span() for m in _SENTENCE_END.finditer(text)), (len(text), len(text))]:
        if text[start:stop].strip():
            found.append((text[start:stop].strip(), stop))
        start = following
    return found


def _claim(sentence: str, end: int, mentions: Mentions, alone: bool) -> _Claim | None:
    part = _concluding_part(sentence)
    part, found = _without_rejected(part, mentions(part))
    if len({candidate for _, _, candidate in found}) != 1:
        return None
    slotted = _slotted(part, found)
    if _DOUBT.search(slotted) or re.search(SLOT + "['’]s", slotted):
        return None
    follows, right = concludes(slotted), _RIGHT.search(slotted) is not None
    singled = _BEGINS.search(slotted) and (not alone or (follows and _SINGLED_OUT.search(slotted)))
    if not (right or _ENDS.search(slotted) or singled):
        return None
    if not follows and not right and _LISTS.search(slotted):
        return None
    return _Claim(found[0][2], follows, right, end)


def _without_rejected(sentence: str, found: Sequence[Mention]) -> tuple[str, list[Mention]]:
    """The sentence up to ", not Bob" behind its first candidate."""
    for start, end, _ in found[1:]:
        rejection = _REJECTED.search(sentence[:start])
        if rejection and not re.search(r"\w", sentence[end:]):
            return sentence[: rejection.start()], [one for one in found if one[1] <= rejection.start()]
    return sentence, list(found)


def _slotted(sentence: str, found: Sequence[Mention]) -> str:
    """The sentence with a slot for each mention; "B, iron", "(B) iron" and "B is iron" are one."""
    pieces, at = [], 0
    for start, end, _ in found:
        pieces += [sentence[at:start], SLOT]
        at = end
    text = "".join([*pieces, sentence[at:]])
    return re.sub(rf"{SLOT}(?:[\s,:;()\[\]–—-]*(?:\bis\b)?[\s()]*{SLOT})+[)\]]?", SLOT, text)


def name_mentions(sentence: str, candidates: Sequence[tuple[str, str]]) -> list[Mention]:
    """Where names occur as whole words, whatever their case, the longest first; `candidates` are (text, candidate)."""
    spelled = {" ".join(text.split()).casefold(): candidate for text, candidate in candidates}
    longest_first = sorted((text for text in spelled if text), key=len, reverse=True)
    if not longest_first:
        return []
    either = "|".join(re.escape(text).replace("\\ ", r"\s+") for text in longest_first)
    pattern = re.compile(rf"(?<![\w.,/-])(?:{either})(?![\w/-]|[.,]\d)", re.I)
    return [
        (m.start(), m.end(), spelled[" ".join(m.group().split()).casefold()])
        for m in pattern.finditer(sentence)
        if " ".join(m.group().split()).casefold() in spelled
    ]
