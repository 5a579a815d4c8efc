"""From LaTeX or plain text to tokens, within static limits. Linear time."""

from __future__ import annotations

import re
from typing import NamedTuple

from rlstack.rewards.math.terms import UnreadableError
from rlstack.rewards.math.vocabulary import (
    ALPHABETS,
    DROPPED_WITH_ARGUMENT,
    FUNCTIONS,
    GREEK,
    KEPT_ARGUMENT,
    NAMED_OPERATORS,
    NEVER_PRODUCTS,
    PLAIN_WORDS,
    RENAMED,
    RENAMED_OPERATORS,
    SAME_LETTER,
    SHORT_ENGLISH,
    SIGNS,
    SPACING,
    TEXT_COMMANDS,
)

LONGEST = 4_000  # characters of an answer
MOST_TOKENS = 800
MOST_DIGITS = 1_000


class Token(NamedTuple):
    """`kind`: n number, l letter or named symbol, f function, c command, t words, o sign or bracket."""

    kind: str
    text: str
    spaced: bool = False  # white space stood before it


_SIGN_TABLE = str.maketrans(SIGNS)
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_RAISED_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+")
_LOWERED_RUN = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")


def signs_to_latex(text: str) -> str:
    """Mathematical signs and raised or lowered digits as LaTeX; to be done before NFKC, which flattens x² to x2."""
    if text.isascii():
        return text
    text = _RAISED_RUN.sub(lambda m: "^{" + m.group().translate(_RAISED) + "}", text)
    text = _LOWERED_RUN.sub(lambda m: "_{" + m.group().translate(_LOWERED) + "}", text)
    return text.translate(_SIGN_TABLE)


_TOKEN = re.compile(
    r"(?P<space>\s+|~|\$)"
    r"|(?P<command>\\(?:[A-Za-z]+\*?|[^A-Za-z]))"
    r"|(?P<number>(?!0)\d{1,3}(?:(?:,|\{,\}|\\[,!; ]|\{\\,\}|,\\!|(?<=\d) (?=\d{3}(?!\d)))\d{3}(?!\d))+(?:\.\d+)?"
    r"|\d+(?:\.\d+)?[eE][+-]?\d+(?![\w.])|\d+(?:\{,\}\d+)?(?:\.\d*)?|\.\d+)"
    r"|(?P<word>[A-Za-z]+)"
    r"|(?P<sign><=|>=|!=|==|\*\*|\.\.\.|.)",
    re.S | re.A,
)
_TYPED = {"<=": "le", ">=": "ge", "!=": "ne", "==": "=", "**": "^", "...": "ldots"}
_SEPARATOR = re.compile(r",|\{,\}|\\[,!; ]|\{\\,\}| ")
_GLUED_NAMES = re.compile(r"[A-Za-z]*(?:sqrt|pi)[A-Za-z]*")
_GROUP_AT = re.compile(r"\s*\{((?:[^{}]|\{[^{}]*\})*)\}")  # braces within braces once


def tokenize(text: str, known_words: frozenset[str] = frozenset()) -> list[Token]:
    """Tokens of `text`; `known_words` (units) stay words where letters would otherwise be multiplied.

    Raises UnreadableError beyond the limits on length, tokens or digits.
    """
    if len(text) > LONGEST:
        raise UnreadableError("answer too long")
    out: list[Token] = []
    position, depth, spaced = 0, 0, False
    while position < len(text):
        match = _TOKEN.match(text, position)
        assert match is not None  # the last alternative matches any character
        kind, value = str(match.lastgroup), match.group()
        if kind == "number" and depth and "," in value and "{,}" not in value and "\\" not in value:
            value = value.partition(",")[0]  # inside brackets a bare comma separates
            position += len(value)
        else:
            position = match.end()
        if kind == "space":
            spaced = True
            continue
        if kind == "command":
            position = _command(text, value[1:].rstrip("*") or "*", position, out, spaced, known_words)
            spaced = value[1:] in SPACING and value != "\\!"
        elif value == "!=" and out and out[-1].kind == "n":  # 5!=120
            out += [Token("o", "!", spaced), Token("o", "=")]
            spaced = False
        elif kind == "number":
            out.append(Token("n", _digits(value), spaced))
            spaced = False
        elif kind == "word":
            _word(value, out, spaced, known_words)
            spaced = False
        else:
            out.append(Token("o", _TYPED.get(value, value), spaced))
            spaced = False
        depth += (value in ("(", "[", "\\{", "\\langle")) - (value in (")", "]", "\\}", "\\rangle"))
        if len(out) > MOST_TOKENS:
            raise UnreadableError("answer has too many parts")
    if len(out) > 1 and out[-1].text in ("min", "sec") and out[-2].kind == "n":  # minutes, seconds
        out[-1] = out[-1]._replace(kind="t")
    return out


def _digits(value: str) -> str:
    if re.fullmatch(r"[0-9]+\{,\}[0-9]+", value) and not re.fullmatch(r"[0-9]{1,3}\{,\}[0-9]{3}", value):
        value = value.replace("{,}", ".")  # decimal comma
    value = _SEPARATOR.sub("", value)
    if len(value) > MOST_DIGITS:
        raise UnreadableError("number too long")
    return value


def _command(text: str, name: str, position: int, out: list[Token], spaced: bool, known: frozenset[str]) -> int:
    """Adds the tokens of the command `name` that ends at `position`; returns where to go on."""
    group = _GROUP_AT.match(text, position)
    if name in TEXT_COMMANDS:
        if group is None:
            return position
        _text_group(name, group.group(1).strip(" $~"), out, spaced, known)
        return group.end()
    if name in ("R", "Z", "N", "Q", "C", "reals"):
        out.append(Token("l", f"bb:{name[0].upper()}", spaced))
        return position
    if name in ALPHABETS:
        letter = group.group(1).strip() if group else text[position : position + 2].strip()[:1]
        out.append(Token("l", name[4:6] + ":" + letter, spaced))
        return group.end() if group else position + 1
    if name in DROPPED_WITH_ARGUMENT:
        return group.end() if group else position
    if name in ("begin", "end"):
        if group is None:
            raise UnreadableError("environment without a name")
        out.append(Token("c", f"{name}:{group.group(1).strip().rstrip('*')}", spaced))
        return group.end()
    if name not in KEPT_ARGUMENT:
        _simple_command(name, out, spaced)
    return position


def _text_group(name: str, words: str, out: list[Token], spaced: bool, known: frozenset[str]) -> None:
    """What `\\text{…}` and its like hold: a function name, letters, a number, or words."""
    if not words:
        return
    if name in ("operatorname", "mathrm") and words in FUNCTIONS:
        out.append(Token("f", FUNCTIONS[words], spaced))
    elif words.casefold() == "infinity":
        out.append(Token("l", "inf", spaced))
    elif name.startswith("math") and re.fullmatch(r"d[xyt]|[A-Za-z]", words) and not _follows_unit(out):
        out.extend(Token("l", letter, spaced) for letter in words)
    elif re.fullmatch(r"[-+]?[0-9.,/\s()]+|\([A-Za-z]\)|[A-Za-z]\)", words):
        out.extend(tokenize(words))
    elif "\\" in words or "^" in words or "/" in words:
        out.extend(_as_units(tokenize("1 " + words, known)[1:]))
    elif re.fullmatch("[A-Za-z]", words) and not (_follows_value(out) or _follows_unit(out)):
        out.append(Token("l", words, spaced))
    else:
        for piece in re.findall(r"[^\s,;]+|[,;]", words):
            out.append(Token("o" if piece in ",;" else "t", piece, True))


def _as_units(tokens: list[Token]) -> list[Token]:
    """The tokens of a text group, set apart from what stands before it."""
    return [t._replace(spaced=True) if i == 0 or t.kind == "l" else t for i, t in enumerate(tokens)]


def _follows_value(out: list[Token]) -> bool:
    return bool(out) and (out[-1].kind == "n" or out[-1].text in (")", "}", "circ"))


def _follows_unit(out: list[Token]) -> bool:
    """Whether a unit and a sign that joins units were read last: `kg·`."""
    return len(out) > 1 and out[-1].text in ("/", "*") and (out[-2].kind == "t" or _is_letter_unit(out[-2]))


def _is_letter_unit(token: Token) -> bool:
    return token.kind == "l" and token.spaced and len(token.text) == 1


def _simple_command(name: str, out: list[Token], spaced: bool) -> None:
    if name in SPACING or name in ("$", "(", ")", "[", "]", "&"):
        return
    if name in ("{", "}"):
        out.append(Token("o", "\\" + name, spaced))
    elif name == "%":
        out.append(Token("o", "%", spaced))
    elif name == "\\":
        out.append(Token("o", "\\\\", spaced))
    elif name in GREEK:
        out.append(Token("l", SAME_LETTER.get(name, name), spaced))
    elif name == "pi":
        out.append(Token("l", "pi", spaced))
    elif name in ("infty", "infin"):
        out.append(Token("l", "inf", spaced))
    elif name in FUNCTIONS:
        out.append(Token("f", FUNCTIONS[name], spaced))
    else:
        renamed = RENAMED.get(name, name)
        operator = RENAMED_OPERATORS.get(renamed)
        kind = "o" if operator or renamed in NAMED_OPERATORS else "c"
        out.append(Token(kind, operator or renamed, spaced))


def _word(word: str, out: list[Token], spaced: bool, known_words: frozenset[str]) -> None:
    """Adds a run of letters: a name, a unit, words, or a product of letters."""
    before = out[-1] if out else None
    if word in PLAIN_WORDS:
        kind, name = PLAIN_WORDS[word]
        out.append(Token(kind, name, spaced))
    elif word in FUNCTIONS and word not in ("Re", "Im", "det"):
        out.append(Token("f", FUNCTIONS[word], spaced))
    elif len(word) == 1:
        out.append(Token("l", word, spaced))
    elif word.lower() in known_words and before is not None and (_may_have_unit(before) or _follows_unit(out)):
        out.append(Token("t", word, spaced))
    elif _GLUED_NAMES.fullmatch(word) and len(word) <= 8 and word.lower() not in NEVER_PRODUCTS:
        for piece in re.findall(r"sqrt|pi|.", word):
            kind, name = PLAIN_WORDS.get(piece, ("l", piece))
            out.append(Token(kind, name, spaced))
    elif _is_product(word, before, spaced):
        out.extend(Token("l", letter, spaced and i == 0) for i, letter in enumerate(word))
    else:
        out.append(Token("t", word, spaced))


def _may_have_unit(token: Token) -> bool:
    return token.kind in "nto" and token.text not in ("^", "_", "*", "+", "-", "/", "=", "(")


def _is_product(word: str, before: Token | None, spaced: bool) -> bool:
    """Whether a run of letters multiplies variables: short or glued to a number, and no English word or name."""
    glued = before is not None and not spaced and (before.kind == "n" or before.text in (")", "}", "^"))
    name = len(word) > 2 and word[0].isupper() and word[1:].islower()
    return (len(word) <= 3 or glued) and len(word) <= 6 and word.lower() not in SHORT_ENGLISH and not name
