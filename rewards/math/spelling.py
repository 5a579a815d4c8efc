"""The spelling of an answer: outer wrappers, look-alike signs, white space, option letters."""

from __future__ import annotations

import re

from rlstack.rewards._answer.plain import plain
from rlstack.rewards.math.commas import settled
from rlstack.rewards.math.terms import UnreadableError
from rlstack.rewards.math.tokens import LONGEST, signs_to_latex

_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*\{")
_LETTERED = re.compile(
    r"(?:\\(?:text|textbf|mathrm|mathbf|textrm)\s*\{)?\s*\(?\s*(?:\\(?:text|textbf|mathrm|mathbf|textrm)\s*\{)?([A-J])\}?\s*\)\s*:?\s*\}?"
    r"(?:\\[,;: ]|\\q?quad\b|~|\s)*(.+)",
    re.S,
)
_LETTER_FIRST = re.compile(r"([A-J])\s*[:.]\s+(\S.*)", re.S)
_OPTION = re.compile(
    r"(?:\\text(?:bf|rm)?\{)?\s*(?:the\s+)?(?:option|choice|answer|alternative)s?:?\s*"
    r"(?:\\text(?:bf|rm)?\{)?\(?([A-J])\)?\s*\}?\}?",
    re.I,
)
_WRAPPERS = (
    ("$$", "$$"),
    ("$", "$"),
    ("\\[", "\\]"),
    ("\\(", "\\)"),
    ("**", "**"),
    ("`", "`"),
    ('"', '"'),
    ("“", "”"),
    ("{", "}"),
)


_GOES_ON = re.compile(r"\.[0-9]{3,}\.\.\.$")
_THIN_THOUSANDS = re.compile(r"(?<=\d)(?:,|\{,\})\\!\s*(?=\d{3}(?!\d))")  # 32,\! 349
_OPENS = re.compile(r"[(\[\]]|\\(?:lfloor|langle)")
_THEREFORE = re.compile(
    r"^\s*(?:\$\s*)?\\(?:therefore|implies|Rightarrow|Longrightarrow|iff|Leftrightarrow)(?![A-Za-z])"
)
_ROW_GAP = re.compile(r"\\\\\s*\[\s*-?[\d.]+\s*(?:pt|em|ex|mm|cm|in)\s*\]")  # \\[2pt]
_SPACE_AT_END = re.compile(r"(?:\\[,;:! ]|\\q?quad|~)+$")


_LISTED = re.compile(r"^[^(){}\[\]\\]*\w\s*,\s*(?!\d{3}(?!\d))[^(){}\[\]\\]+$")


def cleaned(text: str) -> str:
    """`text` in NFKC with signs as LaTeX, without outer wrappers and end punctuation.

    Raises UnreadableError beyond the limit on length.
    """
    if len(text) > 4 * LONGEST:
        raise UnreadableError("answer too long")
    if "\\\\" in text:
        text = _ROW_GAP.sub(r"\\\\ ", text)
    text = _THIN_THOUSANDS.sub(",", plain(signs_to_latex(text)).strip())
    if "\\" in text:
        text = _THEREFORE.sub("", text)
    for _ in range(12):
        before = text
        text = _unwrapped(_SPACE_AT_END.sub("", _without_end_marks(text)))
        if text == before:
            break
    if len(text) > LONGEST:
        raise UnreadableError("answer too long")
    return settled(text)


def _without_end_marks(text: str) -> str:
    """Without the marks that end a sentence; an exclamation mark glued to a value is a factorial."""
    text = text.strip()
    if text.endswith(("!", "\\!", "\\,", "\\;", "\\:")) and not text.endswith(" !"):
        return text
    if _GOES_ON.search(text):
        return text
    text = text.rstrip(".,;:!").rstrip()
    return text[:-1] if text.endswith(")") and not _OPENS.search(text) else text


def _unwrapped(text: str) -> str:
    for opening, closing in _WRAPPERS:
        if text.startswith(opening) and text.endswith(closing) and _wraps(text, opening, closing):
            inner = text[len(opening) : -len(closing)].strip()
            if opening == "{" and _LISTED.search(inner):
                return f"\\{{{inner}\\}}"  # {3,2} is a set, whose braces are no grouping
            text = inner
    if _BOX.match(text) and text.endswith("}"):
        inner = text[text.index("{") + 1 : -1]
        return inner if _balanced(inner) else text
    return text


def _wraps(text: str, opening: str, closing: str) -> bool:
    if len(text) < len(opening) + len(closing):
        return False
    inner = text[len(opening) : -len(closing)]
    if opening == "{":
        if not inner:
            return False
        return not text.endswith("\\}") and _balanced(inner)
    return opening not in inner and closing not in inner


def _balanced(text: str) -> bool:
    depth = 0
    for sign in re.findall(r"\\[{}\\]|[{}]", text):
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            return False
    return depth == 0


def lettered(text: str) -> tuple[str, str] | None:
    """The letter and the rest of an answer such as `(B) 12`, `\\textbf{(B) } 12`, `B: 12` or `option B`."""
    match = _LETTERED.fullmatch(text) or _LETTER_FIRST.fullmatch(text)
    if match is not None:
        return match.group(1), match.group(2)
    option = _OPTION.fullmatch(text)
    return (option.group(1), "") if option else None


_INVISIBLE_MARKUP = re.compile(r"\\(?:left|right|displaystyle|quad|qquad|limits)(?![A-Za-z])|\\[,;:! ]|[\s~]+")
_TEXT = re.compile(r"\\(?:text|textbf|textrm|mathrm|mathbf|mathit|operatorname)\{([^{}]*)\}")
_FRACTION = re.compile(r"\\[dtc]?frac(?![A-Za-z])")
_SHORT_FRACTION = re.compile(r"\\frac(\d)(\d)")
_SMALL_GROUP = re.compile(r"\{([A-Za-z0-9.:,])\}")


def squeezed(text: str) -> str:
    """`text` without what makes no difference to its reader, for comparing spellings.

    >>> squeezed(r"\\dfrac12 \\text{ cm}^{2}") == squeezed(r"\\frac{1}{2}\\mathrm{cm}^2")
    True
    """
    text = _FRACTION.sub(r"\\frac", _TEXT.sub(r"\1", _INVISIBLE_MARKUP.sub("", text))).rstrip(".")
    text = _SHORT_FRACTION.sub(r"\\frac{\1}{\2}", text)
    return _SMALL_GROUP.sub(r"\1", text).replace("\\cdots", "\\ldots").replace("\\dots", "\\ldots")
