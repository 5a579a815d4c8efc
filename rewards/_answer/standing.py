"""Whether a statement of the result stands: neither denied, attributed, supposed or asked, nor taken back behind it.

"The answer isn't 42.", "Some say it is 42.", "Assume 42.", "42?" and "42. No wait, it is 43." claim no 42. What a
retraction names in its place ("it is 43", "Correction: 43.") is the statement that follows from it.
"""

from __future__ import annotations

import re

BEFORE = 160  # characters looked at before a statement, within its sentence
BEHIND = 1_000  # and behind it, up to the next statement
_LAST_SENTENCE = re.compile(r".*(?:[.!?。][\"'”’)*_]*\s|\n)", re.S)

_PEOPLE = (
    r"(?:some|many|most|others?|people|someone|somebody|everyone|everybody|anyone|they|he|she|you|(?:\w*friend|teacher"
    r"|student|pupil|classmate|colleague|neighbou?r|book|textbook|key|expert|critic|user|prompt|brother|sister|mother"
    r"|father|professor|tutor|man|woman|boy|girl|child|children|rumou?r|internet|website|calculator)s?)"
)
_SPEAK = (
    r"(?:say|claim|think|believe|guess|argue|suggest|tell|insist|suspect|assert|maintain|hold|answer|write|wrote|said"
    r"|thought|told|held)(?:s|d|ed|me|us)?(?:\s+(?:me|us))?"
)
_RUN = (  # words that a negation reaches through to the statement
    r"(?:\s+(?:be|been|equals?|to|simply|just|the|an?|my|your|this|that|it|its|value|values|number|result|answers?|solution"
    r"|final|correct|right|actually|exactly|really|going|have|has|had|is|are|was|were|would|will|must|as|of|in|for|x|y|n"
    r"|definitely|necessarily|certainly|likely|true|der|die|das|la|le|el|il|o|a)\b(?:['’]s)?){0,10}"
)
_REACHES = _RUN + r"[\s$*_:=({\[\"'“‘\\]*$"
_WRONG = r"(?:wrong|incorrect|false|mistaken|untrue|erroneous|invalid)"
_SUPPOSING = (
    r"(?:(?:suppose|supposing|assume|assuming|imagine|pretend|pretending|hypothetically|whether|unless|what\s+if|even\s+if"
    r"|as\s+if|let['’]?s\s+(?:say|try|guess|assume|suppose|pretend|test|check)|let\s+us\s+(?:say|try|assume|suppose|test))\b"
    r"|(?:^|[,;:]\s*)(?:if|try|trying|testing|guessing)\b)"
)
_NOT_CLAIMED = re.compile(
    rf"(?:\b(?:not|never|cannot|nor|neither)|n['’]t)\b(?:\s+(?:think|believe|agree|say|claim|sure|certain|convinced|true|correct"
    rf"|right|the\s+case|mean|accept|possible))?(?:\s+(?:if|whether|that))?{_REACHES}"
    rf"|\b(?:is|are|was)\s+anything\s+but{_REACHES}|\b(?:rather|other|different)\s+(?:than|from){_REACHES}|\binstead\s+of{_REACHES}"
    rf"|\\neq?(?![a-z])[\s$(]*$|≠[\s$(]*$"
    rf"|\b(?:doubt|doubts|deny|denies|reject|rejects|refuse|refuses)\b(?:\s+(?:to\s+(?:say|claim|believe)))?(?:\s+(?:if|whether|that))?{_REACHES}"
    rf"|\b(?:false|untrue|wrong|incorrect|doubtful|unlikely|impossible|unclear|unknown)\s+(?:that|if|whether|to\s+say){_REACHES}"
    rf"|\b{_PEOPLE}\s+(?:\w+\s+){{0,3}}?(?:(?:might|may|would|will|could|can)\s+)?{_SPEAK}\b(?:\s+that)?{_REACHES}"
    rf"|\baccording\s+to\s+(?:\w+\s+){{0,2}}?{_PEOPLE}\b,?{_REACHES}"
    rf"|\bi\s+(?:\w+ly\s+|first\s+|once\s+)?(?:thought|guessed|assumed|believed|said|expected)\b(?:\s+that)?{_REACHES}"
    rf"|{_SUPPOSING}(?:\s+that)?{_REACHES}"
    rf"|\b(?:mistakes?|errors?|traps?|misconceptions?|fallac(?:y|ies))\s+(?:is|are|was|would\s+be)\b{_REACHES}"
    rf"|\b(?:{_WRONG}|naive|tempting|discarded|rejected)\s+(?:final\s+)?(?:answers?|results?|values?|solutions?|guess(?:es)?|ones?|choices?|options?)\b{_REACHES}"
    rf"|\b(?:{_WRONG}|naive|tempting)\s*$"
    rf"|\b(?:nicht|kein\w*|niemals|n['’]est\s+pas|n['’]était\s+pas|ne\s+\w+\s+pas|no\s+(?:es|son|era)|não\s+(?:é|são)|non\s+(?:è|sono)|niet|не)\b{_REACHES}"
    rf"|(?:不是|并非|不等于|ではな)\s*[:：]?[\s$*]*$",
    re.I,
)
_A_NAME_SAYS = re.compile(  # only before "the answer is": in a puzzle "Bob says" is part of the story
    rf"\b(?!(?:Theorem|Lemma|This|That|It|Which|What|We|I|So|Hence|Thus|Calculation)\b)[A-Z][a-z]+\s+(?:says|claims|thinks"
    rf"|believes|said|claimed|thought|insists|guesses|guessed)\b(?:\s+that)?\s+(?:the|it|this|my)\b{_REACHES}"
)
_NEGATIVE_START = re.compile(
    r"\W*(?:(?:most|very)\s+)?(?:\w+ly\s+)?(?:not|never|nicht|pas|n['’]t)\b(?!\s+only)\W*(?P<rest>.*)", re.I | re.S
)
_BUT = re.compile(r"[,;]?\s*\b(?:but|sondern|mais|sino)\s+(?:rather\s+|instead\s+)?(?:it\s+is\s+|it['’]s\s+)?", re.I)

_GAP = r"[\s$)\]}*_.,;:!?…\"'”’—–-]{0,16}(?:\\[)\]])?[\s.,;:!?$…*_—–(-]{0,8}"
_INTERJECTION = (
    r"(?:(?:hmm+|oh|oops|ah|well|wait|hold\s+on|sorry|actually|but|however|and|so|yet|on\s+second\s+thoughts?)\b"
    r"[\s,.!:;…—–-]*)*"
)
_SELF = (
    r"(?:that|this|it|which|the\s+(?:above|answer(?:\s+above)?|result)"
    r"|(?:my|that|this)\s+(?:\w+\s+)?(?:answer|result|value|solution))"
)
_BAD = (
    rf"(?:(?:\w+ly|all|obviously|still|also)\s+)?(?:{_WRONG}\b|not\s+(?:\w+ly\s+)?(?:right|correct|true|possible|it\b|the\s+(?:\w+\s+)?answer)"
    r"|a\s+(?:\w+\s+)?(?:mistake|contradiction|trap|lie|joke)|an\s+(?:error|absurdity)|impossible\b|absurd\b|contradictory\b"
    r"|too\s+(?:big|small|large|low|high|few|many|much|little|short|long|early|late)\b|nonsense\b)"
)
_IS_BAD = (
    rf"(?:(?:['’]s|\s+(?:is|was|are|were|seems?|looks|must\s+be|would\s+be|has\s+to\s+be))\s+{_BAD}"
    r"|\s*(?:can\s?not|can['’]t|could\s+not|couldn['’]t)\s+be\s+(?:right|correct|true|it|the\s+(?:\w+\s+)?answer)\b"
    r"|\s*(?:isn['’]t|wasn['’]t|aren['’]t)\s+(?:right|correct|true|possible|it|the\s+(?:\w+\s+)?answer)\b"
    r"|\s+(?:leads|would\s+lead|led)\s+to\s+(?:a\s+)?(?:contradiction|nonsense)|\s+gives\s+a\s+contradiction"
    r"|\s+(?:does\s+not|doesn['’]t)\s+work\b(?!\s+(?:for|with|if)))"
)
_OWNED_UP = (  # said anywhere behind, at the head of a sentence
    r"(?:(?:no\b[\s,.—–-]*wait|wait\b[\s,.—–-]*no)\b"
    r"|correction\b|(?:scratch|strike|forget|ignore|disregard|cancel)\s+(?:that|this|it|my|the\s+above)\b"
    r"|i\s+(?:take|took)\s+(?:that|it|this)\s+back|i\s+(?:was|am)\s+(?:wrong|mistaken)\b(?!\s+(?:before|earlier|at|in|about|when|to))"
    r"|i(?:['’]ve|\s+have)?\s+(?:made|make)\s+an?\s+(?:\w+\s+)?(?:mistake|error)\b(?!\s+(?:before|earlier|at|in\s+my\s+first))"
    rf"|(?:the|my|this|that)\s+(?:final\s+)?answer(?:\s+above)?{_IS_BAD})"
)
_DIRECT = re.compile(
    rf"{_GAP}{_INTERJECTION}(?:"
    r"(?:no|nope)\b(?=\s*[,.!;:…—–]|\s*-\s|\s+(?:wait|it|that|this|sorry)\b|\s*$)"
    rf"|(?:{_WRONG})\b(?=\s*[,.!;:]|\s*$)"
    rf"|{_SELF}{_IS_BAD}|{_OWNED_UP})",
    re.I,
)
_PREDICATE = re.compile(rf"[\s$)\]}}*_\"'”’]{{0,8}}(?:\\[)\]])?[\s$*_]{{0,4}}{_IS_BAD}", re.I)
_LATER = re.compile(rf"(?:[.!?…]['\"”’)*_]*\s+|\n\s*)[(*_]*{_INTERJECTION}{_OWNED_UP}", re.I)
_QUESTION = re.compile(r"[\s$)\]}*_\"'”’.]{0,8}(?:\\[)\]])?[\s$*_]{0,3}\?(?!\s*yes\b)", re.I)
_LEAD = (
    r"(?:(?:so|then|hence|thus|therefore)\b[\s,]*)?(?:it|that|this|(?:the|my)\s+(?:\w+\s+)?(?:answer|value|result|number|solution|one|option)"
    r"|[a-z])\s*(?:['’]s|is|was|=|should\s+(?:be|have\s+been)|must\s+be|has\s+to\s+be|ought\s+to\s+be|would\s+be)\s*"
    r"(?:(?:actually|really|in\s+fact|instead|rather|of\s+course)\s+)?:?\s*"
)
_VALUE = (  # five words to the end of the sentence
    r"(?=[^\w\s]*(?:\d|[A-Z]\b|[A-Z][a-z]+\b|\\[a-z]))(?=(?:[^\s.!?\n]|[.!?](?=\S))+"
    r"(?:\s+(?:[^\s.!?\n]|[.!?](?=\S))+){0,4}[.!?\s]*(?:\n|$|\s))"
)
_PAST = re.compile(  # what else a retraction says before it names a value
    rf"[\s,.;:!?…)*_—–-]*(?:(?:(?:no|nope|wait|sorry|actually|oops|hmm+|oh|but|however|yet|rather|instead|make\s+(?:that|it)|i\s+(?:mean|meant))\b"
    rf"|{_SELF}{_IS_BAD}|{_OWNED_UP})[\s,.;:!?…)*_—–-]*)*",
    re.I,
)
_NEW = re.compile(rf"{_LEAD}(?=\S)", re.I)
_NEW_VALUE = re.compile(_VALUE)
_AMENDED = re.compile(  # "Actually, it is 43.", "I mean 43": no retraction but for the value
    rf"{_GAP}(?:(?:hmm+|oh|oops|ah|wait|hold\s+on|sorry|actually|i\s+(?:mean|meant)|make\s+(?:that|it)|better|on\s+second\s+thoughts?"
    rf"|or\s+rather|however|but)\b[\s,.!:;…—–-]*){{1,3}}(?:{_LEAD})?(?-i:{_VALUE})",
    re.I,
)
_ALSO = re.compile(
    r"[\s$)\]}*_.,;]{0,12}(?:\\[)\]])?[\s.,;$]{0,6}(?:(?:but|however|though|although|and|then\s+again)\b[\s,]*){0,2}"
    r"(?:it|that|the\s+answer)\s+(?:may|might|could)\s+(?:(?:just\s+)?as\s+well|also|well|instead|possibly|perhaps)?\s*be\b\s*"
    r"(?!\w+(?:ed|en)\b|that\b)",
    re.I,
)


def unclaimed(text: str, start: int, content: str, said: bool) -> bool:
    """Whether what stands before a statement at `start`, or its own first word, denies, attributes or supposes it."""
    before = _LAST_SENTENCE.sub("", text[max(0, start - BEFORE) : start])
    if before and _NOT_CLAIMED.search(before):
        return not re.search(r"\bonly\s+if\b", before, re.I)
    if said and _NEGATIVE_START.match(content[:200]):
        return True
    return bool(_A_NAME_SAYS.search(before + ("the " if said and not before.endswith("the ") else "")))


def put_in_place(content: str) -> int | None:
    """Where the value stands in "not 42 but 43"; None where nothing is put in place of what is denied."""
    negative = _NEGATIVE_START.match(content)
    but = _BUT.search(content) if negative else None
    return but.end() if but else None


def taken_back(text: str, end: int, limit: int, content: str) -> int | None:
    """Where a retraction of the statement that ends at `end` has ended; None where the statement stands."""
    window = text[end : min(limit, end + BEHIND)]
    if not window.strip():
        return None
    asked = _QUESTION.match(window)
    if asked is not None:
        return end + asked.end()
    negative = content.strip().casefold().startswith("no")
    for pattern in (_PREDICATE, _DIRECT, _AMENDED):
        found = pattern.match(window)
        if found is not None and not (negative and pattern is _DIRECT):
            return end + found.start() if pattern is _AMENDED else end + found.end()
    later = _LATER.search(window) or _disowned(window, content)
    return end + later.end() if later else None


def _disowned(window: str, content: str) -> re.Match[str] | None:
    """ "… But it is not 42." behind a 42."""
    value = content.strip(" .$*_")
    if not 0 < len(value) <= 40 or not ("not" in window or "n't" in window or "n’t" in window):
        return None
    return re.search(
        rf"\b(?:it|that|the\s+(?:\w+\s+)?answer|[xyn])\s*(?:['’]s\s+not|is\s+not|isn['’]t|cannot\s+be|can['’]t\s+be)\s+"
        rf"(?:really\s+|actually\s+)?\$?(?:\\boxed\{{)?{re.escape(value)}(?![\w}}]*[.,]?\d)(?!\w)",
        window,
        re.I,
    )


def restated(text: str, position: int) -> int | None:
    """Where the value begins that the text from `position`, the end of a retraction, puts in place of the old one.

    Only "it is 43" and the like, a bare value, or a closing sentence with "so" is clear enough.
    """
    rest = text[position : position + BEHIND]
    past = _PAST.match(rest)
    at = past.end() if past else 0
    new = _NEW.match(rest, at)
    if new is not None:
        return position + new.end()
    if _NEW_VALUE.match(rest, at):
        return position + at
    so = re.compile(r"(?:^|[.!?]\s+|\n\s*)(?:so|thus|hence|therefore)\b[\s,]*(?=[^.!?\n]*\S[.!]?\s*$)", re.I).search(
        rest
    )
    return position + so.end() if so and len(text) - position <= BEHIND else None


def also(text: str, end: int) -> int | None:
    """Where "It may also be 40" behind a statement names the other value."""
    match = _ALSO.match(text, end)
    return match.end() if match else None
