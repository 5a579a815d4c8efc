"""A recursive-descent parser from tokens to terms, of bounded depth. It never evaluates code."""

from __future__ import annotations

from fractions import Fraction

from rlstack.rewards.math.terms import Call, Number, Symbol, Term, UnreadableError
from rlstack.rewards.math.tokens import Token

DEEPEST = 40
_CLOSING = {"(": ")", "[": "]", "{": "}", "\\{": "\\}", "|": "|", "lfloor": "rfloor", "lceil": "rceil", "<(": ")>"}
_END = Token("", "")
_BASES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_BASES |= {"twelve": 12, "sixteen": 16}


def read_term(tokens: list[Token]) -> Term:
    """The one term that `tokens` spell. Raises UnreadableError."""
    parser = _Parser(tokens)
    term = parser.sum(0)
    if parser.here is not _END:
        raise UnreadableError(f"unexpected '{parser.here.text}'")
    return term


class _Parser:
    def __init__(self, tokens: list[Token]):
        self.tokens = tokens
        self.position = 0

    @property
    def here(self) -> Token:
        return self.tokens[self.position] if self.position < len(self.tokens) else _END

    def at(self, *texts: str) -> bool:
        here = self.here
        return here.kind in ("o", "c") and here.text in texts

    def take(self) -> Token:
        token = self.here
        self.position += 1
        return token

    def expect(self, text: str) -> None:
        if not self.at(text):
            raise UnreadableError(f"'{text}' missing")
        self.position += 1

    def sum(self, depth: int) -> Term:
        if depth > DEEPEST:
            raise UnreadableError("nested too deeply")
        terms = [self.product(depth + 1)]
        while self.at("+", "-"):
            negative = self.take().text == "-"
            term = self.product(depth + 1)
            terms.append(Call("neg", (term,)) if negative else term)
        if self.at("choose"):
            self.take()
            return Call("binom", (terms[0], self.sum(depth + 1)))
        whole = terms[0] if len(terms) == 1 else Call("+", tuple(terms))
        if self.at("over"):
            self.take()
            return Call("/", (whole, self.sum(depth + 1)))
        return whole

    def product(self, depth: int) -> Term:
        if depth > DEEPEST:
            raise UnreadableError("nested too deeply")
        if self.at("-"):
            self.take()
            return Call("neg", (self.product(depth + 1),))
        if self.at("+"):
            self.take()
            return self.product(depth + 1)
        factors: list[Term] = [self.power(depth + 1)]
        juxtaposed = True
        while True:
            if self.at("*"):
                self.take()
                juxtaposed = False
                factors.append(self.signed(depth + 1))
            elif self.at("/"):
                self.take()
                top = factors[0] if len(factors) == 1 else Call("*", tuple(factors))
                factors = [Call("/", (top, self.signed(depth + 1)))]
            elif self.here.kind == "n" and self.tokens[self.position - 1].kind == "n":
                factors.append(self.plain_fraction())
            elif self.starts_factor():
                factors.append(self.power(depth + 1))
            else:
                break
        if len(factors) == 1:
            return factors[0]
        if juxtaposed and _mixed(factors):
            return Call("mixed", tuple(factors))
        return Call("*", tuple(factors))

    def plain_fraction(self) -> Term:
        """The fraction of a mixed number like `2 1/2`; two numbers side by side mean nothing else."""
        top = number(self.take().text)
        self.expect("/")
        if self.here.kind != "n" or self.peek(1) == "^":
            raise UnreadableError("two numbers side by side")
        return Call("/", (top, number(self.take().text)))

    def signed(self, depth: int) -> Term:
        if depth > DEEPEST:
            raise UnreadableError("nested too deeply")
        if self.at("-"):
            self.take()
            return Call("neg", (self.signed(depth + 1),))
        if self.at("+"):
            self.take()
        return self.power(depth)

    def starts_factor(self) -> bool:
        here = self.here
        if here.kind in "nlf" and here.kind:
            return True
        return self.at(
            "(",
            "[",
            "{",
            "lfloor",
            "lceil",
            "frac",
            "sqrt",
            "cbrt",
            "binom",
            "overline",
            "bar",
            "neg",
            "angle",
            "triangle",
            "vec",
            "hat",
            "pmod",
        )

    def power(self, depth: int) -> Term:
        base = self.postfix(depth + 1)
        if self.at("^"):
            self.take()
            if self.at("circ") or (self.at("{") and self.peek(1) == "circ"):
                self.degree_sign()
                return self.again(Call("degree", (base,)), depth)
            if self.at("prime"):
                self.take()
                return self.again(_primed(base), depth)
            return self.again(Call("^", (base, self.argument(depth + 1))), depth)
        if self.at("circ"):
            self.take()
            return Call("degree", (base,))
        return base

    def again(self, term: Term, depth: int) -> Term:
        """Signs that may follow an exponent."""
        while self.at("!"):
            self.take()
            term = Call("factorial", (term,))
        if self.at("^"):
            self.take()
            if depth > DEEPEST:
                raise UnreadableError("nested too deeply")
            return Call("^", (term, self.argument(depth + 1)))
        return term

    def peek(self, ahead: int) -> str:
        index = self.position + ahead
        return self.tokens[index].text if index < len(self.tokens) else ""

    def degree_sign(self) -> None:
        if self.at("{"):
            self.take()
            self.expect("circ")
            self.expect("}")
        else:
            self.take()

    def postfix(self, depth: int) -> Term:
        term = self.primary(depth)
        while True:
            if self.at("!"):
                self.take()
                term = Call("factorial", (term,))
            elif self.at("'"):
                self.take()
                term = _primed(term)
            elif self.at("_") and isinstance(term, Number):
                self.take()
                term = _in_base(term, self.base(depth))
            elif self.at("_") and isinstance(term, Symbol):
                self.take()
                term = Symbol(f"{term.name}_{self.subscript()}")
            else:
                return term

    def base(self, depth: int) -> Term:
        """The base of a numeral, in digits or in words: `_2`, `_{16}`, `_{\\text{two}}`, `_{(2)}`."""
        if self.at("{") and self.peek(2) == "}" and self.peek(1) in _BASES:
            self.position += 3
            return Number(Fraction(_BASES[self.peek(-2)]))
        return self.digit_argument(depth)

    def subscript(self) -> str:
        """The subscript as plain text: it is part of a name."""
        if not self.at("{"):
            return self.take().text
        open_braces, parts = 0, []
        while True:
            token = self.take()
            if token is _END:
                raise UnreadableError("subscript not closed")
            open_braces += (token.text == "{") - (token.text == "}")
            if open_braces == 0:
                return "".join(parts)
            if token.text != "{":
                parts.append(token.text)

    def argument(self, depth: int) -> Term:
        """What follows ^, \\frac or \\sqrt: a group, one digit, one letter, or a command with its arguments."""
        if depth > DEEPEST:
            raise UnreadableError("nested too deeply")
        if self.at("{"):
            return self.primary(depth)
        if self.at("-"):
            self.take()
            return Call("neg", (self.argument(depth + 1),))
        return self.primary(depth)

    def digit_argument(self, depth: int) -> Term:
        """As TeX reads it: \\frac12 and \\sqrt2x take one digit only."""
        here = self.here
        if here.kind == "n" and len(here.text) > 1 and here.text.isdigit():
            self.tokens[self.position] = Token("n", here.text[1:])
            return Number(Fraction(int(here.text[0])))
        return self.argument(depth)

    def primary(self, depth: int) -> Term:
        if depth > DEEPEST:
            raise UnreadableError("nested too deeply")
        token = self.take()
        if token.kind == "n":
            return self.repeating(token.text) or number(token.text)
        if token.kind == "l":
            return Symbol({"infty": "inf"}.get(token.text, token.text))
        if token.kind == "f":
            return self.function(token.text, depth + 1)
        if token.kind in ("o", "c"):
            if token.text in _CLOSING:
                return self.bracket(token.text, depth + 1)
            return self.command(token.text, depth + 1)
        raise UnreadableError(f"unexpected '{token.text}'")

    def repeating(self, digits: str) -> Term | None:
        """`0.1\\overline{6}` or `0.333...`: a decimal that repeats for ever."""
        if "." not in digits:
            return None
        if self.at("overline", "bar") and self.peek(1) == "{" and self.peek(2).isdigit() and self.peek(3) == "}":
            period = self.peek(2)
            self.position += 4
        elif self.at("ldots") and len(digits.partition(".")[2]) >= 3 and len(set(digits[-3:])) == 1:
            period = digits[-1]
            self.position += 1
        else:
            return None
        start = _decimal(digits)
        places = len(digits.partition(".")[2])
        return Call("repeat", (Number(start.value + Fraction(int(period), (10 ** len(period) - 1) * 10**places)),))

    def bracket(self, opening: str, depth: int) -> Term:
        if opening in ("\\{", "<("):
            raise UnreadableError("a set is no term")
        inner = self.sum(depth)
        self.expect(_CLOSING[opening])
        return (
            Call({"|": "abs", "lfloor": "floor", "lceil": "ceil"}[opening], (inner,))
            if opening in ("|", "lfloor", "lceil")
            else inner
        )

    def command(self, name: str, depth: int) -> Term:
        if name == "frac":
            top = self.digit_argument(depth)
            bottom = self.digit_argument(depth)
            return Call("/", (top, bottom))
        if name == "binom":
            top = self.digit_argument(depth)
            return Call("binom", (top, self.digit_argument(depth)))
        if name == "cbrt":
            return Call("root", (self.argument(depth), Number(Fraction(3))))
        if name == "sqrt":
            degree: Term = Number(Fraction(2))
            if self.at("["):
                degree = self.primary(depth)
            return Call("root", (self.digit_argument(depth), degree))
        if name in ("angle", "triangle") and self.here.kind == "l":
            return Symbol(f"{name} {self.letters()}")
        if name in ("overline", "bar", "vec", "hat", "angle", "triangle"):
            return _marked(name, self.argument(depth))
        raise UnreadableError(f"'\\{name}' is not read here")

    def letters(self) -> str:
        """The points that name an angle or a triangle."""
        first = self.position
        while self.here.kind == "l" and self.here.text.isupper() and self.position - first < 4:
            self.position += 1
        self.position += self.position == first
        return "".join(t.text for t in self.tokens[first : self.position])

    def function(self, name: str, depth: int) -> Term:
        exponent: Term | None = None
        base: Term | None = None
        for _ in range(2):
            if self.at("^"):
                self.take()
                exponent = self.argument(depth)
            elif self.at("_"):
                self.take()
                base = self.digit_argument(depth)
        inner = self.function_arguments(depth)
        if base is not None and name != "log":
            raise UnreadableError("subscript of a function")
        if exponent == Call("neg", (Number(Fraction(1)),)) and name in ("sin", "cos", "tan", "cot", "sec", "csc"):
            return Call("arc" + name, inner)
        call = Call(name, (*inner, base) if base is not None else inner)
        return call if exponent is None else Call("^", (call, exponent))

    def function_arguments(self, depth: int) -> tuple[Term, ...]:
        if self.at("(", "{", "["):
            closing = _CLOSING[self.take().text]
            args = [self.sum(depth)]
            while self.at(","):
                self.take()
                args.append(self.sum(depth))
            self.expect(closing)
            return tuple(args)
        factors = [self.power(depth)]
        while self.starts_factor() and self.here.kind != "f" and not self.at("("):
            factors.append(self.power(depth))
        return (factors[0] if len(factors) == 1 else Call("*", tuple(factors)),)


def _marked(mark: str, inner: Term) -> Term:
    """A letter or letters under a mark are a name of their own."""
    parts = inner.args if isinstance(inner, Call) and inner.op == "*" else (inner,)
    names = [p.name for p in parts if isinstance(p, Symbol)]
    return Symbol(f"{mark} {''.join(names)}") if len(names) == len(parts) else Call(f"@{mark}", (inner,))


def _primed(term: Term) -> Term:
    if not isinstance(term, Symbol):
        raise UnreadableError("prime of a term")
    return Symbol(term.name + "'")


def _in_base(numeral: Number, base: Term) -> Term:
    return numeral if base == Number(Fraction(10)) else Call("@base", (numeral, base))


def _mixed(factors: list[Term]) -> bool:
    if len(factors) != 2:
        return False
    whole, part = factors
    if not (isinstance(whole, Number) and whole.digits is None and isinstance(part, Call) and part.op == "/"):
        return False
    top, bottom = part.args
    return isinstance(top, Number) and isinstance(bottom, Number) and 0 < top.value < bottom.value


def number(text: str) -> Term:
    """The literal `text` spells, e.g. `3.50` with two digits after the point, or `1.5e-7`."""
    mantissa, e, exponent = text.lower().partition("e")
    if e:
        if len(exponent) > 5:
            raise UnreadableError("exponent too large")
        return Call("sci", (number(mantissa), Call("^", (Number(Fraction(10)), Number(Fraction(int(exponent)))))))
    return _decimal(text)


def _decimal(text: str) -> Number:
    whole, point, part = text.partition(".")
    if not point:
        return Number(Fraction(int(whole)))
    if not part:
        return Number(Fraction(int(whole)))
    return Number(Fraction(int((whole or "0") + part), 10 ** len(part)), len(part))
