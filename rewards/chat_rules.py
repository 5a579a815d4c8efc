"""A stand-in for a preference model in general chat: rules that any decent answer keeps.

`data`: `{"prompt": str, "language"?: "en", "about"?: [<words that must be taken up>], "min_words"?: 4,
"max_words"?: 120}`. The rules: it takes up the question's subject (all of `about`, else a content word of the
prompt), says something of its own, in sentences, in the asked language, neither too short nor too long, without
repeating itself or the question. They do not tell whether an answer is true, helpful or kind: where a trained
reward model exists, use that one (`reward_model`).
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rlstack.api import Response, Score, invalid, judged
from rlstack.rewards._answer.language import is_language
from rlstack.rewards._answer.plain import folded, plain

DEADLINE_S = 2.0
LONGEST = 20_000  # characters of a response that are looked at
_STEM = 5  # letters at which two words count as one ("garden", "gardens", "gardening")
_ECHO_SHARE = 0.5  # of the answer's word triples that may stand in the question
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")  # scripts without short words
_SENTENCE = re.compile(r"(?<=[.!?。！？…])[\"'”’)]*\s*")
_ENDS = re.compile(r"[.!。！…][\"'”’)\]*_]*$")
_PRONOUNS = "i you he she it we they me my your this that these those who what which how why where when"
_STOP = frozenset(
    (
        f"{_PRONOUNS} a an the and or but if of in on at to for from by with about as is are was were be been do does "
        "did can could will would should may might have has had not no so than then there here any some all more most "
        "tell say give write name please explain describe like good make let us"
    ).split()
)


def score(response: Response, data: Mapping[str, Any]) -> Score:
    """1 if every rule is kept, else 0; one component for each rule."""
    prompt, about = data.get("prompt"), data.get("about", [])
    low, high = data.get("min_words", 4), data.get("max_words", 120)
    if not isinstance(prompt, str) or not prompt.strip():
        return invalid("data['prompt'] must be the question as text")
    if not isinstance(about, list | tuple) or not all(isinstance(word, str) and word.strip() for word in about):
        return invalid("data['about'] must be a list of words")
    if not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in (low, high)) or low > high:
        return invalid("data['min_words'] and data['max_words'] must be whole numbers, the first not above the second")
    text = plain(response.answer[:LONGEST]).strip()
    words, asked = _words(text), _words(plain(prompt[:LONGEST]))
    held = {
        "on_topic": _on_topic(words, asked, about),
        "own_words": _own_words(words, asked),
        "sentences": _in_sentences(text, response),
        "length": low <= len(words) <= high,
        "unrepeated": _unrepeated(text, words),
        "language": is_language(text, str(data.get("language", "en"))),
    }
    broken = [name for name, kept in held.items() if not kept]
    detail = f"broken: {', '.join(broken)}" if broken else "keeps all rules"
    return judged(float(not broken), detail, **{name: float(kept) for name, kept in held.items()})


def _words(text: str) -> list[str]:
    """Folded words; a character of a script without spaces counts as half a word, two together as one."""
    spaced = _WIDE.sub(" ", text)
    wide = "".join(_WIDE.findall(text))
    return _WORD.findall(folded(spaced)) + [wide[i : i + 2] for i in range(0, len(wide), 2)]


def _on_topic(words: Sequence[str], asked: Sequence[str], about: Sequence[str]) -> bool:
    if about:
        whole = "".join(words)
        parts = {part for word in words for part in (word, *re.split("['’]", word))}  # l'inverno
        return all(any(_alike(word, part) for part in parts) or _wide_in(word, whole) for word in map(folded, about))
    content = [word for word in asked if word not in _STOP and (len(word) > 2 or _WIDE.search(word))]
    return any(_alike(one, word) for one in content for word in set(words)) if content else bool(words)


def _wide_in(word: str, text: str) -> bool:
    return _WIDE.search(word) is not None and word in text


def _alike(one: str, other: str) -> bool:
    """The same word, or one stem: the first letters agree, and at most four letters follow them."""
    if one == other:
        return True
    stem = min(len(one), len(other))
    return min(_STEM, stem) >= 3 and one[:stem] == other[:stem] and abs(len(one) - len(other)) <= 4


def _own_words(words: Sequence[str], asked: Sequence[str]) -> bool:
    """Something beyond the question: two other content words, and not the question's own phrases."""
    new = {word for word in words if word not in _STOP and word not in asked}
    theirs = set(zip(asked, asked[1:], asked[2:], strict=False))
    triples = list(zip(words, words[1:], words[2:], strict=False))
    echoed = sum(triple in theirs for triple in triples)
    return len(new) >= 2 and echoed <= _ECHO_SHARE * max(1, len(triples))


def _in_sentences(text: str, response: Response) -> bool:
    """Begins like a sentence, ends as one that states something, was not cut off."""
    first = next((char for char in text if char.isalpha()), "")
    begins = bool(first) and (first.isupper() or not first.islower())
    return begins and _ENDS.search(text) is not None and response.finish_reason == "stop"


def _unrepeated(text: str, words: Sequence[str]) -> bool:
    """No sentence twice, no word over and over, no short phrase in a loop."""
    sentences = [folded(part) for part in _SENTENCE.split(text) if any(map(str.isalnum, part))]
    if len(sentences) != len(set(sentences)):
        return False
    if not words or any(a == b and not a.isdigit() for a, b in itertools.pairwise(words)):
        return False
    commonest = Counter(words).most_common(1)[0][1]
    quads = Counter(zip(words, words[1:], words[2:], words[3:], strict=False))
    return commonest <= max(3, 0.25 * len(words)) and max(quads.values(), default=0) <= 2
