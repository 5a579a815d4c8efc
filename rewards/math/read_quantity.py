"""Reads one quantity from tokens: a number or expression with its unit, percent sign, scale word or ratio."""

from __future__ import annotations

from fractions import Fraction

from rlstack.rewards.math.answer import Answer, Quantity, Series
from rlstack.rewards.math.parse import read_term
from rlstack.rewards.math.terms import Call, Number, Term, UnreadableError, exact, symbols
from rlstack.rewards.math.tokens import Token
from rlstack.rewards.math.units import SPACED_UNITS, is_unit, read_unit
from rlstack.rewards.math.vocabulary import words

_NUMBER_WORDS = {
    word: n
    for n, word in enumerate(
        words(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen twenty"
        )
    )
}
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
UNSURE = frozenset(words("or than not no either neither maybe perhaps but except possibly unless more less if"))
NO_UNIT = frozenset(
    words(
        "or and more less times than not no to from between either neither maybe perhaps about plus minus if is are i "
        "we because since but unless except possibly"
    )
)


def read_quantity(tokens: list[Token]) -> Answer:
    """The quantity that `tokens` spell, a ratio of three or more as a series. Raises UnreadableError."""
    modulus_at = next((i for i, t in enumerate(tokens) if t.text in ("pmod", "mod") and t.kind == "c"), None)
    if modulus_at:
        return _residue(tokens, modulus_at)
    head, rest = _head_and_unit(tokens)
    if not head:
        return _spelled_number(tokens)
    percent = False
    if head[-1].text == "%" and head[-1].kind == "o":
        head, percent = head[:-1], True
    unit_text, scale, is_percent = _unit_words(rest)
    percent = percent or is_percent
    if any(t.text == ":" or (t.kind == "t" and t.text == "to") for t in head):
        return _ratio(head)
    term = read_term(head)
    if scale is not None:
        term = Call("sci", (term, Number(Fraction(scale))))
    unit = read_unit(unit_text) if unit_text else None
    if unit is not None and not unit.known and symbols(term):
        raise UnreadableError("words behind letters")
    return _in_degrees(term, unit_text, percent) or Quantity(term, unit, percent)


def _head_and_unit(tokens: list[Token]) -> tuple[list[Token], list[Token]]:
    """The tokens of the value and those of its unit or the words behind it."""
    for index, token in enumerate(tokens):
        if token.kind == "t":
            if token.text == "to" and 0 < index < len(tokens) - 1:
                continue
            if index > 1 and tokens[index - 2].text == "_":  # the base of a numeral
                continue
            return tokens[:index], tokens[index:]
        if _may_be_unit(token, tokens[index - 1] if index else token) and _is_unit(tokens[index:]):
            return tokens[:index], tokens[index:]
        if index and token.kind == "l" and token.text in "CF" and tokens[index - 1].text == "circ":
            return tokens[:index], tokens[index:]
    return tokens, []


def _may_be_unit(token: Token, before: Token) -> bool:
    """Whether a letter set off from a number may be its unit."""
    if token.kind != "l" or not token.spaced or token.text not in SPACED_UNITS:
        return False
    return before.kind == "n" or before.text in (")", "}", "pi")


def _is_unit(tokens: list[Token]) -> bool:
    """Whether all `tokens` are one unit that no product of variables is: `m`, `m/s^2`, `kg m/s`, not `g h`."""
    position, factors, signs, words_of_more = 0, 0, 0, False
    while position < len(tokens):
        token = tokens[position]
        if factors and token.kind == "o" and token.text in ("/", "*"):
            position, signs = position + 1, signs + 1
            token = tokens[position] if position < len(tokens) else token
        if not _is_factor(token):
            return False
        words_of_more = words_of_more or token.kind == "t"
        position, factors = position + 1, factors + 1
        after = _after_exponent(tokens, position)
        signs += after > position
        position = after
    return factors == 1 or signs > 0 or words_of_more


def _is_factor(token: Token) -> bool:
    if token.kind == "t":
        return is_unit(token.text) or token.text in ("per", "square", "cubic", "squared", "cubed")
    return token.kind == "l" and token.text in SPACED_UNITS


def _after_exponent(tokens: list[Token], position: int) -> int:
    """The position behind `^2`, `^{2}`, `^{-2}` at `position`, or `position` itself."""
    texts = [t.text for t in tokens[position : position + 5]]
    if texts[:1] != ["^"]:
        return position
    inner = texts[2:] if texts[1:2] == ["{"] else texts[1:]
    sign = inner[:1] == ["-"]
    if not inner[sign:] or not (inner[sign].isdigit() and len(inner[sign]) == 1):
        return position
    end = position + 2 + sign
    return end if len(inner) == len(texts) - 1 else end + 2


def _unit_words(rest: list[Token]) -> tuple[str, int | None, bool]:
    """The unit, the scale ("million") and whether it is a percentage. Raises UnreadableError for other words."""
    unit_text = " ".join(t.text for t in rest).replace("{ ", "").replace(" }", "").replace("^ ", "^")
    unit_text = unit_text.replace("- ", "-")
    if not rest:
        return "", None, False
    parts = unit_text.casefold().split()
    scale, percent = None, False
    if parts[0] in _SCALES:
        scale, parts = _SCALES[parts[0]], parts[1:]
    if parts and parts[0] in ("percent", "percentage"):
        percent, parts = True, parts[1:]
    if (
        len(parts) > 6 + 2 * unit_text.count("/")
        or any(w.strip(".,") in NO_UNIT for w in parts)
        or any(t.kind in "nl" and not _exponent(rest, i) for i, t in enumerate(rest))
    ):
        raise UnreadableError("words around a number")
    return (unit_text if scale is None and not percent else " ".join(parts)), scale, percent


def _residue(tokens: list[Token], at: int) -> Series:
    """`3 \\pmod 7`, `3 (mod 7)`."""
    open_bracket = tokens[at - 1].text == "("
    value, modulus = tokens[: at - open_bracket], tokens[at + 1 : len(tokens) - open_bracket]
    terms = read_term(value), read_term(modulus)
    known = [exact(t) for t in terms]
    if None not in known and not 0 <= abs(known[0] or 0) < (known[1] or 0):
        raise UnreadableError("a division left undone")
    return Series("mod", tuple(map(Quantity, terms)))


def _ratio(head: list[Token]) -> Answer:
    """`3:4`, `3 to 4`, `1:2:3`."""
    parts: list[list[Token]] = [[]]
    for token in head:
        if token.text == ":" or (token.kind == "t" and token.text == "to"):
            parts.append([])
        else:
            parts[-1].append(token)
    terms = [read_term(p) for p in parts]
    return Quantity(Call("ratio", tuple(terms))) if len(terms) == 2 else Series(":", tuple(map(Quantity, terms)))


def _in_degrees(term: Term, unit_text: str, percent: bool) -> Answer | None:
    """`60^\\circ`, `25^\\circ C`, `60^\\circ` with any word behind it; None for anything else."""
    if not isinstance(term, Call) or term.op != "degree":
        return None
    return Quantity(term.args[0], read_unit(unit_text) if unit_text else read_unit("degree"), percent)


def _exponent(tokens: list[Token], index: int) -> bool:
    before = tokens[index - 1].text if index else ""
    return (
        before == "^"
        or (before in ("{", "-") and index > 1 and tokens[index - 2].text in ("^", "{"))
        or tokens[index].kind == "l"
    )


def _spelled_number(tokens: list[Token]) -> Answer:
    words = " ".join(t.text for t in tokens if t.kind in "tl").casefold().replace("-", " ").split()
    if (
        words
        and words[0] in _NUMBER_WORDS
        and all(t.kind in "tl" for t in tokens)
        and not any(w in NO_UNIT for w in words)
    ):
        if len(words) == 1:
            return Quantity(Number(Fraction(_NUMBER_WORDS[words[0]])))
        if len(words) <= 3 and words[1] not in _NUMBER_WORDS and words[1] not in _SCALES and words[0] != "one":
            return Quantity(Number(Fraction(_NUMBER_WORDS[words[0]])), read_unit(" ".join(words[1:])))
    raise UnreadableError("words")
