"""From LaTeX or plain text to tokens, within static limits. Linear time."""

from __future__ import annotations

import re
from typing import NamedTuple

from rlstack.rewards.math.terms import UnreadableError

LONGEST = 4_000  # characters of an answer
MOST_TOKENS = 1_500
MOST_DIGITS = 1_000


class Token(NamedTuple):
    """`kind`: n number, l letter or named symbol, f function, c command, t words, o sign or bracket."""

    kind: str
    text: str
    spaced: bool = False  # white space stood before it


SIGNS = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": "\\times ", "·": "\\cdot ", "⋅": "\\cdot ", "∙": "\\cdot ", "÷": "/",
    "⁄": "/", "∕": "/", "√": "\\sqrt ", "∛": "\\sqrt[3]", "π": "\\pi ", "∞": "\\infty ", "≤": "\\le ", "≥": "\\ge ", "⩽": "\\le ",
    "⩾": "\\ge ", "≠": "\\ne ", "≈": "\\approx ", "∪": "\\cup ", "∩": "\\cap ", "∈": "\\in ", "∅": "\\emptyset ", "°": "^\\circ ",
    "º": "^\\circ ", "±": "\\pm ", "∓": "\\mp ", "…": "\\ldots ", "′": "'", "″": "''", "θ": "\\theta ", "α": "\\alpha ", "β": "\\beta ",
    "γ": "\\gamma ", "δ": "\\delta ", "λ": "\\lambda ", "μ": "\\mu ", "µ": "\\mu ", "φ": "\\phi ", "ω": "\\omega ", "σ": "\\sigma ",
    "ρ": "\\rho ", "ε": "\\epsilon ", "τ": "\\tau ", "ℝ": "\\mathbb{R}", "ℤ": "\\mathbb{Z}", "ℕ": "\\mathbb{N}", "ℚ": "\\mathbb{Q}",
    "ℂ": "\\mathbb{C}", "½": " \\frac{1}{2}", "⅓": " \\frac{1}{3}", "⅔": " \\frac{2}{3}", "¼": " \\frac{1}{4}", "¾": " \\frac{3}{4}",
    "⅕": " \\frac{1}{5}", "⅖": " \\frac{2}{5}", "⅗": " \\frac{3}{5}", "⅘": " \\frac{4}{5}", "⅙": " \\frac{1}{6}", "⅚": " \\frac{5}{6}",
    "⅛": " \\frac{1}{8}", "⅜": " \\frac{3}{8}", "⅝": " \\frac{5}{8}", "⅞": " \\frac{7}{8}", "⟨": "\\langle ", "⟩": "\\rangle ",
    "⌊": "\\lfloor ", "⌋": "\\rfloor ", "⌈": "\\lceil ", "⌉": "\\rceil ", "∧": "\\wedge ", "∨": "\\vee ", "¬": "\\neg ", "→": "\\to ",
}  # fmt: skip
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


GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho varrho sigma tau upsilon phi varphi chi"
    " psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell".split()
)
FUNCTIONS = {
    name: name
    for name in "sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan arccot arcsec arccsc exp ln log lg gcd lcm max min".split()
}
FUNCTIONS |= {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "tg": "tan",
    "ctg": "cot",
    "cosec": "csc",
    "arctg": "arctan",
}
FUNCTIONS |= {"abs": "abs", "floor": "floor", "ceil": "ceil", "sgn": "sgn", "Re": "re", "Im": "im", "det": "det"}
_SPACING = frozenset(", ; : ! quad qquad enspace thinspace hspace hfill displaystyle textstyle scriptstyle limits left right middle".split()) | {
    "big", "Big", "bigg", "Bigg", "bigl", "bigr", "Bigl", "Bigr", "biggl", "biggr", "Biggl", "Biggr", "rm", "bf", "it", "sf", " ", "\n", ">",
    "phantom", "allowbreak", "nonumber", "notag", "nobreak", "mathstrut", "strut", "boldsymbol", "bm", "rlap", "smash", "hline", "em", "tt",
}  # fmt: skip
_RENAMED = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom", "choose": "choose", "leq": "le", "leqslant": "le",
    "geq": "ge", "geqslant": "ge", "neq": "ne", "lt": "<", "gt": ">", "lbrace": "{", "rbrace": "}", "lbrack": "[", "rbrack": "]", "lparen": "(",
    "rparen": ")", "vert": "|", "mid": "|", "lvert": "|", "rvert": "|", "ast": "*", "times": "*", "cdot": "*", "bullet": "*", "div": "/",
    "varnothing": "emptyset", "simeq": "approx", "thickapprox": "approx", "doteq": "approx", "dots": "ldots", "cdots": "ldots", "colon": ":",
    "land": "wedge", "lor": "vee", "lnot": "neg", "degree": "circ", "intertext": "text", "isin": "in", "imath": "i", "infin": "infty",
    "langle": "<(", "rangle": ")>", "|": "||", "Vert": "||", "lVert": "||", "rVert": "||", "ge": "ge", "dotsc": "ldots", "ratio": ":",
}  # fmt: skip
_TEXT_COMMANDS = frozenset(
    "text textbf textit textrm textsf texttt textnormal mbox hbox mathrm mathbf mathit mathsf mathtt mathnormal operatorname emph mathop textup"
    " underline overbrace underbrace bold textsc".split()
)
_LATEX_OPERATORS = {"<": "<", ">": ">", "{": "\\{", "}": "\\}", "[": "[", "]": "]", "(": "(", ")": ")", "|": "|", "*": "*", "/": "/", ":": ":", "<(": "<(", ")>": ")>", "||": "||"}  # fmt: skip
PLAIN_WORDS = {
    "sqrt": ("c", "sqrt"), "pi": ("l", "pi"), "infinity": ("l", "inf"), "inf": ("l", "inf"), "oo": ("l", "inf"), "infty": ("l", "inf"),
    "theta": ("l", "theta"), "alpha": ("l", "alpha"), "beta": ("l", "beta"), "lambda": ("l", "lambda"), "cbrt": ("c", "cbrt"),
}  # fmt: skip

_TOKEN = re.compile(
    r"(?P<space>\s+|~|\$)"
    r"|(?P<command>\\(?:[A-Za-z]+\*?|[^A-Za-z]))"
    r"|(?P<number>\d{1,3}(?:(?:,|\{,\}|\\[,!; ]|\{\\,\}|,\\!|(?<=\d) (?=\d{3}(?!\d)))\d{3}(?!\d))+(?:\.\d+)?"
    r"|\d+(?:\.\d+)?[eE][+-]?\d+(?![\w.])|\d+(?:\{,\}\d+)?(?:\.\d*)?|\.\d+)"
    r"|(?P<word>[A-Za-z]+)"
    r"|(?P<sign><=|>=|!=|==|\*\*|\.\.\.|.)",
    re.S,
)
_SEPARATOR = re.compile(r",|\{,\}|\\[,!; ]|\{\\,\}| ")
_GROUP_AT = re.compile(r"\s*\{([^{}]*)\}")
_SHORT_ENGLISH = frozenset(
    "odd yes two red sam tom and not one six ten for the are was has all any per day min max sun mon tue wed thu fri sat feet foot inch or if in of"
    " no to is at by men ounces boy girl".split()
)


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
            position = _command(text, value[1:].rstrip("*") or "*", position, out, spaced)
            spaced = value[1:] in _SPACING and value != "\\!"
        elif kind == "number":
            out.append(Token("n", _digits(value), spaced))
            spaced = False
        elif kind == "word":
            _word(value, out, spaced, known_words)
            spaced = False
        else:
            out.append(
                Token(
                    "o",
                    {"<=": "le", ">=": "ge", "!=": "ne", "==": "=", "**": "^", "...": "ldots"}.get(value, value),
                    spaced,
                )
            )
            spaced = False
        depth += (value in ("(", "[", "\\{", "\\langle")) - (value in (")", "]", "\\}", "\\rangle"))
        if len(out) > MOST_TOKENS:
            raise UnreadableError("answer has too many parts")
    return out


def _digits(value: str) -> str:
    if re.fullmatch(r"\d+\{,\}\d+", value) and not re.fullmatch(r"\d{1,3}\{,\}\d{3}", value):
        value = value.replace("{,}", ".")  # decimal comma
    value = _SEPARATOR.sub("", value)
    if len(value) > MOST_DIGITS:
        raise UnreadableError("number too long")
    return value


def _command(text: str, name: str, position: int, out: list[Token], spaced: bool) -> int:
    if name in _TEXT_COMMANDS:
        group = _GROUP_AT.match(text, position)
        if group is None:
            return position
        words = group.group(1).strip().strip("$").strip()
        if words and (name == "operatorname" or name == "mathrm") and words in FUNCTIONS:
            out.append(Token("f", FUNCTIONS[words], spaced))
        elif re.fullmatch(r"[A-Za-z]|d[xyt]", words) and name.startswith("math"):
            out.extend(Token("l", letter, spaced) for letter in words)
        elif re.fullmatch(r"[-+]?[\d.,/\s()]+|\([A-Za-z]\)|[A-Za-z]\)", words) or "\\" in words or "^" in words:
            out.extend(tokenize(words))
        elif words:
            out.append(Token("t", words, True))
        return group.end()
    if name in ("mathbb", "mathcal", "mathscr", "mathfrak", "Bbb"):
        group = _GROUP_AT.match(text, position)
        letter = group.group(1).strip() if group else text[position : position + 2].strip()[:1]
        out.append(Token("l", name[4:6] + ":" + letter, spaced))
        return group.end() if group else position + 1
    if name in ("hspace", "vspace", "phantom", "color", "textcolor", "label", "tag"):
        group = _GROUP_AT.match(text, position)
        return group.end() if group else position
    if name in ("begin", "end"):
        group = _GROUP_AT.match(text, position)
        if group is None:
            raise UnreadableError("environment without a name")
        out.append(Token("c", f"{name}:{group.group(1).strip().rstrip('*')}", spaced))
        return group.end()
    if name in ("boxed", "fbox", "ensuremath", "mathstrut", "displaylines", "bar") and name != "bar":
        return position
    _simple_command(name, out, spaced)
    return position


def _simple_command(name: str, out: list[Token], spaced: bool) -> None:
    if name in _SPACING or name in ("$", "(", ")", "[", "]") or (name in ("&",)):
        return
    if name == "{" or name == "}":
        out.append(Token("o", "\\" + name, spaced))
    elif name == "%":
        out.append(Token("o", "%", spaced))
    elif name == "\\":
        out.append(Token("o", "\\\\", spaced))
    elif name in GREEK:
        out.append(Token("l", {"varepsilon": "epsilon", "varphi": "phi", "vartheta": "theta"}.get(name, name), spaced))
    elif name == "pi":
        out.append(Token("l", "pi", spaced))
    elif name == "infty" or name == "infin":
        out.append(Token("l", "inf", spaced))
    elif name in FUNCTIONS:
        out.append(Token("f", FUNCTIONS[name], spaced))
    else:
        renamed = _RENAMED.get(name, name)
        operator = _LATEX_OPERATORS.get(renamed)
        out.append(
            Token("o", operator, spaced)
            if operator
            else Token(
                "o" if renamed in ("le", "ge", "ne", "approx", "ldots", "pm", "mp", "cup", "cap", "in") else "c",
                renamed,
                spaced,
            )
        )


def _word(word: str, out: list[Token], spaced: bool, known_words: frozenset[str]) -> None:
    before = out[-1] if out else None
    glued = before is not None and not spaced and (before.kind == "n" or before.text in (")", "}", "^"))
    if word in PLAIN_WORDS:
        out.append(Token(*PLAIN_WORDS[word], spaced))
    elif word in FUNCTIONS and word not in ("Re", "Im", "det"):
        out.append(Token("f", FUNCTIONS[word], spaced))
    elif len(word) == 1:
        out.append(Token("l", word, spaced))
    elif (
        before is not None
        and before.kind in "no"
        and before.text not in ("^", "_", "*", "+", "-", "/", "=", "(")
        and word.lower() in known_words
    ):
        out.append(Token("t", word, spaced))
    elif (
        re.fullmatch(r"[A-Za-z]*(?:sqrt|pi)[A-Za-z]*", word)
        and len(word) <= 8
        and word.lower() not in ("pint", "pints", "spin", "pie", "pies", "pig")
    ):
        for piece in re.findall(r"sqrt|pi|.", word):
            out.append(Token(*PLAIN_WORDS[piece], spaced) if piece in PLAIN_WORDS else Token("l", piece, spaced))
    elif (
        (len(word) <= 3 or glued)
        and len(word) <= 6
        and word.lower() not in _SHORT_ENGLISH
        and not (word[0].isupper() and word[1:].islower() and len(word) > 2)
    ):
        out.extend(Token("l", letter, spaced and i == 0) for i, letter in enumerate(word))
    else:
        out.append(Token("t", word, spaced))
