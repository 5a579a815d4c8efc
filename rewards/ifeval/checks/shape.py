"""IFBench `format:`: how the response is laid out and marked up."""

from __future__ import annotations

import string
from collections import Counter
from itertools import pairwise

from rlstack.rewards.ifeval.registry import instruction
from rlstack.rewards.ifeval.registry import string as text_value
from rlstack.rewards.ifeval.text import Text

_CLOSES = {")": "(", "]": "[", "}": "{"}
_DEPTH = 5
_QUOTE_DEPTH = 3
_END_MARKS = string.digits + string.punctuation.replace('"', "")
_TEMPLATE = ("My Answer:", "My Conclusion:", "Future Outlook:")


@instruction("format:parentheses")
def parentheses(text: Text) -> bool:
    """Brackets nested five deep, of which the innermost is closed; a mismatch starts over."""
    open_ones: list[str] = []
    deepest = 0
    for sign in text.raw:
        if sign in "([{":
            open_ones.append(sign)
            deepest = max(deepest, len(open_ones))
        elif sign in ")]}":
            if not open_ones or open_ones[-1] != _CLOSES[sign]:
                open_ones, deepest = [], 0
                continue
            open_ones.pop()
            if deepest >= _DEPTH:
                return True
    return False


@instruction("format:quotes")
def quotes(text: Text) -> bool:
    """Straight quotes nested three deep and closed again; an apostrophe counts as a quote."""
    open_ones: list[str] = []
    deepest = 0
    for sign in text.raw:
        if open_ones and sign == open_ones[-1]:
            open_ones.pop()
            if deepest - len(open_ones) >= _QUOTE_DEPTH:
                return True
        elif sign in "\"'":
            open_ones.append(sign)
            deepest = max(deepest, len(open_ones))
    return False


@instruction("format:quote_unquote")
def quote_unquote(text: Text) -> bool:
    """No two straight quotes side by side and none at the end, white space, digits and other marks apart."""
    packed = "".join(text.raw.replace("'\"'", "").split())
    return '""' not in packed and not packed.rstrip(_END_MARKS).endswith('"')


@instruction("format:newline")
def newline(text: Text) -> bool:
    """As many lines as words, once marks are gone."""
    body = text.plain.strip()
    return sum(line != "" for line in body.split("\n")) == len(body.split())


@instruction("format:emoji")
def emoji_at_end(text: Text) -> bool:
    """An emoji among the last two signs of each sentence, or at the start of what follows it."""
    import emoji

    ends = [Text.without_marks(one).strip() for one in text.sentences]
    for k, body in enumerate(ends):
        if not body:
            return False
        if any(map(emoji.is_emoji, body[-2:])):
            continue
        if not (k + 1 < len(ends) and ends[k + 1] and emoji.is_emoji(ends[k + 1][0])):
            return False
    return True


@instruction("format:line_indent")
def line_indent(text: Text) -> bool:
    """Each line is indented by more blanks than the line before."""
    indents = [len(line) - len(line.lstrip(" ")) for line in _lines_as_published(text.raw.split("\n"))]
    return all(a < b for a, b in pairwise(indents))


def _lines_as_published(lines: list[str]) -> list[str]:
    """The lines without blank ones, save those that the published loop passes over.

    It removes from the list it walks through: after each removal the next line goes unseen, and what is
    removed is the first line equal to the one seen. Here the same in one pass.
    """
    removals: Counter[str] = Counter()
    position = 0
    while position < len(lines):
        if not lines[position].strip():
            removals[lines[position]] += 1
            position += 1
        position += 1
    kept = []
    for line in lines:
        if removals[line] > 0:
            removals[line] -= 1
        else:
            kept.append(line)
    return kept


@instruction("format:list", sep=text_value)
def separator_list(text: Text, sep: str) -> bool:
    return text.raw.count(sep) >= 2


@instruction("format:thesis")
def thesis(text: Text) -> bool:
    """One stretch in <i> or <em> that is not blank, with text after it."""
    begin = text.raw.find("<i>")
    begin = text.raw.find("<em>") if begin < 0 else begin
    if begin < 0:
        return False
    rest = text.raw[begin:]
    end = rest.find("</i>")
    end = rest.find("</em>") if end < 0 else end
    # Four signs are cut after either closing tag, so `</em>` leaves its `>` behind: text enough, as published.
    return end >= 0 and rest[3:end].strip() != "" and rest[end + 4 :].strip() != ""


@instruction("format:sub-bullets")
def sub_bullets(text: Text) -> bool:
    """A `-` somewhere after each `*`, before the next; no `*` at all passes, as published."""
    return all("-" in part for part in text.raw.split("*")[1:])


@instruction("format:no_bullets_bullets")
def sentences_then_bullets(text: Text) -> bool:
    """At least two sentences, then at least two lines with `*` and nothing else.

    A blank line ends the sentences: only bullets may follow it.
    """
    sentences = bullets = 0
    open_part = True
    for line in text.raw.split("\n"):
        body = line.strip()
        if body.startswith("*"):
            if sentences < 2:
                return False
            open_part = False
            bullets += 1
        elif open_part:
            found = len(type(text)(body).sentences)
            sentences += found
            open_part = found > 0
        else:
            return False
    return bullets >= 2


@instruction("format:title_case")
def title_case(text: Text) -> bool:
    """No token that begins with a small letter, unless its case is mixed (iPhone)."""
    for token in text.tokens:
        if token[0].isalpha() and token[0].islower():
            rest = token[1:]
            if not rest or rest.islower() or rest.isupper():
                return False
    return True


@instruction("format:output_template")
def output_template(text: Text) -> bool:
    return all(head in text.raw for head in _TEMPLATE)


@instruction("format:no_whitespace")
def no_whitespace(text: Text) -> bool:
    return text.chunks == [text.raw]
