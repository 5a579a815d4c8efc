"""Signs, commands and words of mathematical writing, and what each means to the tokenizer."""

from __future__ import annotations


def words(text: str) -> list[str]:
    """The words of a table written as text."""
    return text.split()


def pairs(text: str) -> dict[str, str]:
    """A table written as text: every odd word maps to the one after it."""
    flat = words(text)
    return dict(zip(flat[::2], flat[1::2], strict=True))


_SIGNS = r"""
− - – - — - ‐ - ‑ - × \times · \cdot ⋅ \cdot ∙ \cdot ÷ / ⁄ / ∕ / √ \sqrt ∛ \sqrt[3] π \pi ∞ \infty ≤ \le ≥ \ge ⩽
\le ⩾ \ge ≠ \ne ≈ \approx ∪ \cup ∩ \cap ∈ \in ∅ \emptyset ° ^\circ º ^\circ ± \pm ∓ \mp … \ldots ′ ' ″ '' θ
\theta α \alpha β \beta γ \gamma δ \delta λ \lambda μ \mu µ \mu φ \phi ω \omega σ \sigma ρ \rho ε \epsilon τ
\tau ℝ \mathbb{R} ℤ \mathbb{Z} ℕ \mathbb{N} ℚ \mathbb{Q} ℂ \mathbb{C} ½ \frac{1}{2} ⅓ \frac{1}{3} ⅔ \frac{2}{3}
¼ \frac{1}{4} ¾ \frac{3}{4} ⅕ \frac{1}{5} ⅖ \frac{2}{5} ⅗ \frac{3}{5} ⅘ \frac{4}{5} ⅙ \frac{1}{6} ⅚ \frac{5}{6}
⅛ \frac{1}{8} ⅜ \frac{3}{8} ⅝ \frac{5}{8} ⅞ \frac{7}{8} ⟨ \langle ⟩ \rangle ⌊ \lfloor ⌋ \rfloor ⌈ \lceil ⌉
\rceil ∧ \wedge ∨ \vee ¬ \neg → \to ∠ \angle
△ \triangle ∴ \therefore ⇒ \Rightarrow ⟹ \Rightarrow ⇔ \Leftrightarrow ∖ \setminus ∥ \parallel
∣ \mid ‖ \|
"""
SIGNS = {sign: latex if latex in "-/'''" else f" {latex} " for sign, latex in pairs(_SIGNS).items()}
for _sign in "√∛°º":  # these bind to their neighbours
    SIGNS[_sign] = SIGNS[_sign].lstrip() if _sign in "√∛" else SIGNS[_sign].strip() + " "

GREEK = frozenset(
    words(
        "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho "
        "varrho sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega "
        "ell"
    )
)
SAME_LETTER = {"varepsilon": "epsilon", "varphi": "phi", "vartheta": "theta", "varrho": "rho"}

FUNCTIONS = {
    name: name
    for name in words(
        "sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan arccot arcsec arccsc exp ln log lg "
        "gcd lcm max min"
    )
}
FUNCTIONS |= pairs(
    "asin arcsin acos arccos atan arctan tg tan ctg cot cosec csc arctg arctan abs abs floor floor ceil "
    "ceil sgn sgn Re re Im im det det"
)

SPACING = frozenset(
    words(
        ", ; : ! > quad qquad enspace thinspace hfill displaystyle textstyle scriptstyle limits left right "
        "middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr rm bf it sf tt em allowbreak "
        "nonumber notag nobreak mathstrut strut boldsymbol bm rlap smash hline"
    )
) | {" ", "\n"}

RENAMED = pairs(
    r"""
    dfrac frac tfrac frac cfrac frac dbinom binom tbinom binom leq le leqslant le geq ge geqslant ge neq ne lt <
    gt > lbrace { rbrace } lbrack [ rbrack ] lparen ( rparen ) vert | mid | lvert | rvert | ast * times * cdot *
    bullet * div / varnothing emptyset simeq approx thickapprox approx doteq approx dots ldots cdots ldots dotsc
    ldots colon : ratio : land wedge lor vee lnot neg degree circ isin in imath i langle <( rangle )> | || Vert
    || lVert || rVert ||
    """
)
RENAMED_OPERATORS = {"{": "\\{", "}": "\\}"} | {sign: sign for sign in words("< > [ ] ( ) | * / : <( )> ||")}
NAMED_OPERATORS = frozenset(words("le ge ne approx ldots pm mp cup cap in"))

TEXT_COMMANDS = frozenset(
    words(
        "text textbf textit textrm textsf texttt textnormal mbox hbox mathrm mathbf mathit mathsf mathtt "
        "mathnormal operatorname emph mathop textup underline overbrace underbrace bold textsc"
    )
)
ALPHABETS = frozenset(words("mathbb mathcal mathscr mathfrak Bbb"))
DROPPED_WITH_ARGUMENT = frozenset(words("hspace vspace phantom color textcolor label tag"))
KEPT_ARGUMENT = frozenset(words("boxed fbox ensuremath"))

PLAIN_WORDS = {
    "sqrt": ("c", "sqrt"),
    "cbrt": ("c", "cbrt"),
    "mod": ("c", "mod"),
    **dict.fromkeys(words("infinity inf oo infty"), ("l", "inf")),
    **{name: ("l", name) for name in words("pi theta alpha beta lambda")},
}
NEVER_PRODUCTS = frozenset(words("pint pints spin pie pies pig"))  # words in which "pi" is no constant
SHORT_ENGLISH = frozenset(
    words(
        "odd yes two red sam tom and not one six ten for the are was has all any per day min max sun mon tue "
        "wed thu fri sat feet foot inch or if in of no to is at by men ounces boy girl get got has had our his her "
        "its you she they so we he it an as be do go me my on up us can may see let how why who out off new old way "
        "use dne"
    )
)
REALS = frozenset(
    ["all real numbers", "all reals", "all real x", "all real values", "real numbers", "set of all real numbers"]
)
SAME_WORDS = {
    "dne": "does not exist",
    "infinitely many solutions": "infinitely many",
    "infinite solutions": "infinitely many",
    "infinite number of solutions": "infinitely many",
}
CODE_WORDS = frozenset(
    words(
        "select insert update delete drop alter pragma attach vacuum explain limit offset return print printf puts "
        "echo exit goto sleep eval exec def lambda assert raise yield import const var"
    )
)
