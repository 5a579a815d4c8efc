"""Reads an answer from text or LaTeX, bracket by bracket.

What it does not understand becomes `Opaque`, which equals only the same text (or is handed to the symbolic
comparison).
"""

from __future__ import annotations

import re

from rlstack.rewards.math.answer import Answer, Matrix, Opaque, Quantity, Relation, Series, Words
from rlstack.rewards.math.brackets import alternating, integer_parameter, set_condition
from rlstack.rewards.math.intervals import reals_without
from rlstack.rewards.math.read_quantity import UNSURE, read_quantity
from rlstack.rewards.math.spelling import squeezed
from rlstack.rewards.math.terms import Symbol, UnreadableError
from rlstack.rewards.math.tokens import Token, tokenize
from rlstack.rewards.math.units import WORDS, read_unit
from rlstack.rewards.math.vocabulary import CODE_WORDS, REALS, SAME_WORDS

MOST_ITEMS = 200

_OPENING = {"(", "[", "\\{", "<(", "lfloor", "lceil", "{"}
_CLOSING = {")", "]", "\\}", ")>", "rfloor", "rceil", "}"}
_OPEN_LISTS = (",", "or", "u")  # without brackets of their own, so that one in another is one list
_CONCLUSIONS = {"Rightarrow", "Longrightarrow", "implies", "iff", "Leftrightarrow"}
_WITHOUT = {"setminus", "smallsetminus", "backslash", "-"}
_RELATIONS = {"=", "<", ">", "le", "ge", "ne", "approx", "equiv", "sim", "cong"}
_MONEY = {"$": "dollars", "€": "euros", "£": "gbp", "¥": "yen", "₹": "rupees", "USD": "dollars", "EUR": "euros"}
_MONEY_FIRST = re.compile(r"(-?)\s*(?:US)?\\?([$€£¥₹]|USD|EUR)\s*(?=[0-9.])")
_MONEY_LAST = re.compile(r"(?<=\d)\s*([€£¥₹])$")
_NO_SOLUTION = re.compile(
    r"(?:(?:therefore|thus|hence|so),? )?(?:(?:there (?:is|are)|there exists?|(?:the |this )?[a-z]+ has|it has) )?"
    r"no solutions?|(?:the )?empty set"
)
_TIMES_X = re.compile(r"(?<=\d)\s*[xX]\s*(?=10\s*\^)")


def read_answer(text: str) -> Answer:
    """The answer that a cleaned `text` spells. Raises UnreadableError for nothing at all or beyond the limits."""
    if not text:
        raise UnreadableError("empty answer")
    money = _MONEY_FIRST.match(text)
    if money is not None:
        text = money.group(1) + text[money.end() :]
    elif text[-1] in _MONEY:
        text = _MONEY_LAST.sub(lambda m: " " + _MONEY[m.group(1)], text)
    tokens = integer_parameter(alternating(tokenize(_TIMES_X.sub(r"\\times ", text), WORDS)))
    try:
        answer = _structure(tokens, 0)
        if money is not None and isinstance(answer, Quantity) and answer.unit is None and not answer.percent:
            return Quantity(answer.term, read_unit(_MONEY[money.group(2)]))
        return answer
    except UnreadableError:
        return _words(tokens) or Opaque(squeezed(text))


def _words(tokens: list[Token]) -> Words | Series | Quantity | None:
    if not tokens or not all(t.kind in "tln" or t.text in ("'", "-", ".", ",") for t in tokens):
        return None
    if not any(t.kind == "t" for t in tokens):
        return None
    text = "".join((" " if t.spaced or t.kind == "t" else "") + t.text for t in tokens)
    text = " ".join(text.casefold().replace("-", " ").split()).strip("., ")
    text = re.sub(r"^(?:the|an?) (?=\w)", "", text)
    if text in REALS:
        return Quantity(Symbol("bb:R"))
    if len(text) <= 80 and _NO_SOLUTION.fullmatch(text):
        return Series("{}", ())
    return Words(SAME_WORDS.get(text, text))


def _split(
    tokens: list[Token], at: set[str], at_words: frozenset[str] = frozenset()
) -> tuple[list[list[Token]], list[str]]:
    """Pieces of `tokens` between separators outside brackets, and the separators."""
    pieces: list[list[Token]] = [[]]
    separators: list[str] = []
    depth = 0
    for token in tokens:
        if token.kind in "oc":
            if token.text in _OPENING or token.text.startswith("begin:"):
                depth += 1
            elif token.text in _CLOSING or token.text.startswith("end:"):
                depth -= 1
        is_sign = token.kind in "oc" and token.text in at
        is_word = token.kind == "t" and token.text.strip(" ,").casefold() in at_words
        if depth == 0 and (is_sign or is_word):
            separators.append(token.text.strip(" ,").casefold())
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces, separators


def _structure(tokens: list[Token], depth: int) -> Answer:
    if depth > 12:
        raise UnreadableError("nested too deeply")
    tokens = _trimmed(tokens)
    if not tokens:
        raise UnreadableError("empty answer")
    conclusions, _ = _split(tokens, _CONCLUSIONS)
    if len(conclusions) > 1:
        return _structure(conclusions[-1], depth + 1)
    if len(tokens) > 2 and tokens[0].kind == "l" and tokens[1].text == "in":
        return _structure(tokens[2:], depth + 1)
    for separators, at_words, brackets in (
        ({"cup"}, frozenset(), "u"),
        (set(), frozenset({"or"}), "or"),
        ({",", ";"}, frozenset({"and", ""}), ","),
    ):
        pieces, _ = _split(tokens, separators, at_words)
        pieces = [p for p in pieces if p] if brackets == "," else pieces
        if len(pieces) > 1:
            return _listed(brackets, pieces, depth)
    return _single(tokens, depth)


def _listed(brackets: str, pieces: list[list[Token]], depth: int) -> Series:
    if len(pieces) > MOST_ITEMS:
        raise UnreadableError("too many items")
    items: list[Answer] = []
    for piece in pieces:
        item = _item(piece, depth + 1)
        if isinstance(item, Series) and item.brackets in ("pm", *(b for b in _OPEN_LISTS if b == brackets)):
            items.extend(item.items)
        else:
            items.append(item)
    if brackets == "u" and all(isinstance(i, Series) and i.brackets == "{}" for i in items):
        return Series("{}", tuple(x for i in items if isinstance(i, Series) for x in i.items))
    return Series(brackets, tuple(items))


def _item(tokens: list[Token], depth: int) -> Answer:
    try:
        return _structure(tokens, depth)
    except UnreadableError:
        words_alone = _words(tokens)
        if words_alone is None:
            raise
        return words_alone


def _single(tokens: list[Token], depth: int) -> Answer:
    pieces, ops = _split(tokens, _RELATIONS)
    if ops:
        if any(not p for p in pieces):
            raise UnreadableError("relation without a side")
        sides = [*(_side(p, depth + 1, set(ops)) for p in pieces[:-1]), _structure(pieces[-1], depth + 1)]
        renamed = tuple({"sim": "approx", "cong": "approx"}.get(o, o) for o in ops)
        if isinstance(sides[-1], Series) and sides[-1].brackets == "pm" and len(sides) == 2:
            return Series("pm", tuple(Relation(renamed, (sides[0], s)) for s in sides[-1].items))
        return Relation(renamed, tuple(sides))
    if any(t.text in ("pm", "mp") and t.kind == "o" for t in tokens):
        return Series("pm", tuple(_single(_signed(tokens, plus), depth + 1) for plus in (True, False)))
    if tokens[0].text in ("(", "[") and len(tokens) > 2 and tokens[1].text == "begin:array":
        tokens = tokens[1:-1]
    if tokens[0].text == "\\{" and len(tokens) > 2 and tokens[1].text.startswith("begin:"):
        return _cases(tokens[1:], depth)
    if tokens[0].text.startswith("begin:"):
        if tokens[0].text == "begin:cases":
            return _cases(tokens, depth)
        return _matrix(tokens, depth)
    if tokens[0].text == "bb:R" and len(tokens) > 2 and tokens[1].text in _WITHOUT:
        return reals_without(_structure(tokens[2:], depth + 1))
    if tokens[0].text == "emptyset" and len(tokens) == 1:
        return Series("{}", ())
    bracketed = _bracketed(tokens, depth)
    return bracketed if bracketed is not None else read_quantity(tokens)


def _side(tokens: list[Token], depth: int, ops: set[str]) -> Answer:
    """A side before the last; in equations one that is not understood is a label, as in `\\text{Area} = 7`."""
    try:
        return _structure(tokens, depth)
    except UnreadableError:
        words = [t.text.casefold() for t in tokens if t.kind == "t"]
        code = len(tokens) > 1 and not tokens[0].text.istitle() and tokens[0].text.casefold() in CODE_WORDS
        if ops - {"=", "approx"} or tokens[0].kind == "n" or code or any(w in UNSURE for w in words):
            raise
        return Opaque(" ".join(t.text for t in tokens))


def _signed(tokens: list[Token], plus: bool) -> list[Token]:
    signs = {"pm": "+" if plus else "-", "mp": "-" if plus else "+"}
    return [Token("o", signs[t.text], t.spaced) if t.kind == "o" and t.text in signs else t for t in tokens]


def _trimmed(tokens: list[Token]) -> list[Token]:
    start, end = 0, len(tokens)
    while (
        start < end
        and tokens[start].kind == "o"
        and tokens[start].text in ("=", "approx", ",", ":", ";", ".", "&", "\\\\")
    ):
        start += 1
    while end > start and tokens[end - 1].kind == "o" and tokens[end - 1].text in (",", ":", ";", ".", "&", "\\\\"):
        end -= 1
    tokens = tokens[start:end]
    if tokens and tokens[0].text in ("begin:aligned", "begin:align", "begin:gathered", "begin:equation"):
        tokens = [
            t
            for t in tokens
            if t.text not in ("&", "\\\\")
            and not t.text.startswith(("begin:a", "begin:g", "begin:e", "end:a", "end:g", "end:e"))
        ]
    return tokens


def _bracketed(tokens: list[Token], depth: int) -> Answer | None:
    """A tuple, interval, set, or angle-bracketed vector that spans all tokens."""
    first, last = tokens[0].text, tokens[-1].text
    if first not in ("(", "[", "\\{", "<(", "{") or last not in (")", "]", "\\}", ")>", "}") or len(tokens) < 2:
        return None
    level = 0
    for index, token in enumerate(tokens):
        if token.kind in "oc":
            level += (token.text in _OPENING) - (token.text in _CLOSING)
        if level == 0 and index < len(tokens) - 1:
            return None
    inner = tokens[1:-1]
    if first == "\\{" and (body := set_condition(inner)) is not None:
        return _structure(body, depth + 1)
    pieces, _ = _split(inner, {",", ";"})
    brackets = {"<(": "(", "\\{": "{"}.get(first, first) + {")>": ")", "\\}": "}"}.get(last, last)
    if brackets == "{}" and not inner:
        return Series("{}", ())
    if brackets == "{}" and first == "{":
        return _structure(inner, depth + 1)
    if len(pieces) < 2 and brackets != "{}":
        if brackets in ("()", "[]") and inner and _names_structure(inner):
            return _structure(inner, depth + 1)
        return None
    if brackets not in ("()", "[]", "(]", "[)", "{}"):
        raise UnreadableError("brackets do not match")
    if any(not p for p in pieces):
        raise UnreadableError("empty item")
    listed = _listed(brackets, pieces, depth)
    return _rows(listed) or listed


def _rows(listed: Series) -> Matrix | None:
    """`[[1, 2], [3, 4]]` as a matrix."""
    rows = [i.items for i in listed.items if isinstance(i, Series) and i.brackets == "[]"]
    square = listed.brackets == "[]" and len(rows) == len(listed.items) and len({len(r) for r in rows}) == 1
    return Matrix(tuple(rows)) if square else None


def _names_structure(inner: list[Token]) -> bool:
    return any(t.kind == "o" and t.text in _RELATIONS for t in inner)


def _matrix(tokens: list[Token], depth: int) -> Answer:
    name = tokens[0].text[6:]
    if ("matrix" not in name and name != "array") or not tokens[-1].text.startswith("end:"):
        raise UnreadableError("environment is not a matrix")
    rows = [[_structure(cell, depth + 1) for cell in line] for line in _cells(tokens)]
    if len({len(r) for r in rows}) != 1:
        raise UnreadableError("rows of different length")
    return Matrix(tuple(tuple(r) for r in rows), bars="vmatrix" in name.lower())


def _cells(tokens: list[Token]) -> list[list[list[Token]]]:
    """The cells of the lines of an environment."""
    inner = tokens[1:-1]
    if any(t.text.startswith(("begin:", "end:")) for t in inner):
        raise UnreadableError("nested environments")
    if tokens[0].text == "begin:array" and inner and inner[0].text == "{":
        inner = inner[next((i for i, t in enumerate(inner) if t.text == "}"), 0) + 1 :]
    return [_split(line, {"&"})[0] for line in _split(inner, {"\\\\"})[0] if line]


def _cases(tokens: list[Token], depth: int) -> Answer:
    """A system of equations as a list, or the values of a function with their conditions as rows."""
    if not tokens[-1].text.startswith("end:"):
        raise UnreadableError("cases not closed")
    lines = _cells(tokens)
    if not all(len(line) == 2 for line in lines):
        return _listed(",", [[t for cell in line for t in cell] for line in lines], depth)
    rows = ((_item(value, depth + 1), _item(_condition(condition), depth + 1)) for value, condition in lines)
    return Matrix(tuple(rows))


def _condition(tokens: list[Token]) -> list[Token]:
    return [t for t in tokens if t.kind != "t" or t.text.strip(",") not in ("if", "for", "when")]
