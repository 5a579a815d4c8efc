"""Ways of writing intervals and sets, brought to one: `]2, 5[`, `(1, 2) U (3, 4)`, `{x | x < 3}`."""

from __future__ import annotations

from collections.abc import Iterator

from rlstack.rewards.math.tokens import Token

_REALS = ("R", "bb:R")


def alternating(tokens: list[Token]) -> list[Token]:
    """`]2, 5[` as `(2, 5)`, and a U between brackets as a union sign."""
    texts = [t.text for t in tokens]
    if "U" in texts:
        tokens = [_union_sign(tokens, i) for i in range(len(tokens))]
    if len(texts) > 2 and texts[0] == "<" and texts[-1] == ">" and "," in texts:
        return [tokens[0]._replace(text="<("), *tokens[1:-1], tokens[-1]._replace(text=")>")]
    at = [i for i, t in enumerate(tokens) if t.kind == "o" and t.text in ("[", "]")]
    if not at or len(at) % 2 or _nested(tokens[i].text for i in at):
        return tokens
    tokens = list(tokens)
    for order, i in enumerate(at):
        outward = "]" if order % 2 == 0 else "["
        if tokens[i].text == outward:
            tokens[i] = tokens[i]._replace(text="(" if order % 2 == 0 else ")")
    return tokens


def integer_parameter(tokens: list[Token]) -> list[Token]:
    """`2k\\pi, k \\in Z` without its last clause, with one name for the integer: the letter makes no difference."""
    end = len(tokens) - (tokens[-1].text == ")" if tokens else 0)
    clause = tokens[max(end - 3, 0) : end]
    if len(clause) < 3 or [t.text for t in clause[1:]] != ["in", "bb:Z"] or clause[0].kind != "l":
        return tokens
    start = end - 3
    while start and tokens[start - 1].text in (",", ";", "(", "where", "for"):
        start -= 1
    if not start or tokens[start].text == clause[0].text:
        return tokens
    return [t._replace(text="integer") if t.kind == "l" and t.text == clause[0].text else t for t in tokens[:start]]


def _union_sign(tokens: list[Token], index: int) -> Token:
    token = tokens[index]
    between = (
        0 < index < len(tokens) - 1 and tokens[index - 1].text in (")", "]") and tokens[index + 1].text in ("(", "[")
    )
    return Token("o", "cup") if token.text == "U" and between else token


def _nested(signs: Iterator[str]) -> bool:
    depth = 0
    for sign in signs:
        depth += 1 if sign == "[" else -1
        if depth < 0:
            return False
    return depth == 0


def set_condition(inner: list[Token]) -> list[Token] | None:
    """The condition of `x | x < 3` or `x \\in R : x < 3`, the inside of a set of real numbers; None for any other."""
    bar = next((i for i, t in enumerate(inner[:4]) if t.text in ("|", ":")), None)
    if bar is None or bar + 1 >= len(inner) or inner[0].kind != "l":
        return None
    if bar == 1 or (bar == 3 and inner[1].text == "in" and inner[2].text in _REALS):
        return inner[bar + 1 :]
    return None
