"""Final answers in mathematics: equal forms are paid, everything else is not."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlstack.api import Response
from rlstack.rewards.math import score


def value(gold: str | float, text: str, **data: object) -> float:
    verdict = score(Response(text), {"answer": gold, **data})
    assert verdict.status == "ok", verdict
    return verdict.value


EQUAL = [
    # numbers
    ("1/2", "0.5"),
    ("0.5", r"\frac12"),
    ("0.5", r"\dfrac{1}{2}"),
    ("1,000", "1000"),
    ("1000", "10^3"),
    ("1000", "1\\,000"),
    ("12345678", "12,345,678"),
    ("12345678", "12{,}345{,}678"),
    ("12345678", r"12,\! 345,\! 678"),
    ("12345", r"12,\!345"),
    ("0.15", "15\\%"),
    ("15%", "0.15"),
    ("15\\%", "15"),
    ("62.5", "62.5\\%"),
    ("3/4", "3:4"),
    ("3:4", "6:8"),
    ("-7/3", r"-\frac{7}{3}"),
    ("-7/3", r"\frac{-7}{3}"),
    ("-7/3", r"-2\frac{1}{3}"),
    ("5/2", "2 1/2"),
    ("2.50", "2.5"),
    ("0.0000001", "1e-7"),
    ("6.02e23", r"6.02 \times 10^{23}"),
    ("6.02e23", r"6.02 \cdot 10^{23}"),
    ("6.02e23", "6.02 x 10^23"),
    ("1/3", r"0.\overline{3}"),
    ("5/6", r"0.8\overline{3}"),
    ("1/3", "0.333..."),
    ("1/3", "0.33333333333"),
    ("3,000,000", "3 million"),
    ("5", "five"),
    ("-4", "−4"),
    ("42", "４２"),
    ("42", "4\u200b2"),
    ("3/2", "1½"),
    (7, "7.0"),
    (0.25, r"\frac{1}{4}"),
    ("18", r"\mathbf{18}"),
    ("18", r"\text{18}"),
    ("+3", "3"),
    ("07", "7"),
    # units and money
    ("5", "\\$5"),
    ("5", "$5.00"),
    ("5 cm", r"5\text{ cm}"),
    ("5", r"5\,\mathrm{cm}"),
    ("5 cm", "5"),
    ("5 cm", "50 mm"),
    ("12 square inches", r"12 \text{ in}^2"),
    ("12", r"12\text{ square units}"),
    ("9.8 m/s^2", r"9.8\,\mathrm{m/s^2}"),
    ("60 miles per hour", "60 mph"),
    ("45", "45 minutes"),
    ("10", r"10 \text{ apples}"),
    ("60^\\circ", "60"),
    ("60", "60°"),
    ("60", "60 degrees"),
    ("25", "25 cents"),
    # roots, constants, functions
    (r"2\sqrt{3}", r"\sqrt{12}"),
    ("2√3", r"\sqrt{12}"),
    (r"2\sqrt3", "2*sqrt(3)"),
    (r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}"),
    (r"\frac{1+\sqrt5}{2}", r"\frac{\sqrt{5}+1}{2}"),
    (r"\frac{1+\sqrt5}{2}", r"\frac12+\frac{\sqrt5}{2}"),
    (r"\sqrt[3]{2}", "2^{1/3}"),
    (r"4\pi", "4π"),
    (r"\frac{\pi}{4}", "pi/4"),
    (r"\ln 2", r"\ln(2)"),
    (r"\log_{2} 3", r"\frac{\ln 3}{\ln 2}"),
    ("e^{2}", r"\exp(2)"),
    ("2^{10}", "1024"),
    ("10!", "3628800"),
    (r"\binom{5}{2}", "10"),
    (r"3+4i", "4i+3"),
    (r"\frac{3\sqrt{3}}{4}\pi", r"\frac{3\pi\sqrt{3}}{4}"),
    # expressions
    ("x+1", "1+x"),
    ("x^2-1", "(x-1)(x+1)"),
    ("x^2-1", "-(1-x)(1+x)"),
    (r"\frac{2}{3}x", "2x/3"),
    (r"\frac{2x}{3}", r"\frac{2}{3}x"),
    ("4x^3", "4x³"),
    (r"\frac{1}{x+1}", "(x+1)^{-1}"),
    ("xy", "yx"),
    ("2xyz", "2zyx"),
    ("a_1+a_2", "a_{2}+a_{1}"),
    (r"\sin 2x", r"2\sin x\cos x"),
    (r"2\ln x", r"\ln(x^2)"),
    (r"\ln|x|+C", r"C+\ln|x|"),
    ("x^2+2x+C", "C+2x+x^2"),
    ("n(n+1)/2", r"\frac{n^2+n}{2}"),
    (r"2^{n+1}-2", r"2\cdot 2^n-2"),
    (r"\lfloor n/2\rfloor", r"\left\lfloor\frac{n}{2}\right\rfloor"),
    (r"\alpha+\beta", r"\beta+\alpha"),
    ("k!", "k!"),
    (r"\overline{AB}", r"\overline{AB}"),
    ("f'(x)", "f'(x)"),
    # equations and inequalities
    ("5", "x=5"),
    ("x=5", "5"),
    ("5", "x = 2+3 = 5"),
    ("42", r"6\times 7=42"),
    (r"\frac13", r"\frac{1}{3}\approx 0.333"),
    ("2x+3", "y=2x+3"),
    ("y=2x+3", "2x+3"),
    ("2x+3", "f(x)=2x+3"),
    ("y=2x+3", "2x-y+3=0"),
    ("x^2+y^2=25", "y^2=25-x^2"),
    ("x>5", "5<x"),
    ("x>5", r"(5,\infty)"),
    (r"(-\infty, 2]", r"x\leq 2"),
    ("1<x<3", "(1,3)"),
    (r"1\le x<3", "[1,3)"),
    (r"x\in[3,\infty)", r"[3,+\infty)"),
    (r"(-\infty,1)\cup(2,\infty)", r"x<1\text{ or }x>2"),
    (r"(-\infty,1)\cup(2,\infty)", r"(2,\infty)\cup(-\infty,1)"),
    # collections
    ("(1,2)", "(1, 2)"),
    ("(1,2)", "1, 2"),
    ("(1/2,-3)", r"\left(\frac{1}{2},-3\right)"),
    ("(3,4)", "x=3, y=4"),
    ("1,2", "2,1"),
    ("1, 2", r"1\text{ and }2"),
    ("1, 2", r"x=1\text{ or }x=2"),
    ("2,-2", r"\pm 2"),
    (r"x=\pm2", "x=2, x=-2"),
    (r"3\pm\sqrt2", r"3+\sqrt2,\ 3-\sqrt2"),
    (r"\frac{1\pm\sqrt5}{2}", r"\frac{1-\sqrt5}{2},\frac{1+\sqrt5}{2}"),
    (r"\{1,2,3\}", r"\{3,2,1\}"),
    (r"\{1,2\}", "1, 2"),
    (r"\emptyset", r"\varnothing"),
    (r"\langle 1,2\rangle", "(1,2)"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}"),
    (r"\begin{pmatrix}1/2\\3\end{pmatrix}", r"\begin{pmatrix}0.5\\ 3\end{pmatrix}"),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", "(1,2)"),
    # words and letters
    (r"\text{(B)}", "B"),
    ("B", r"\text{(B)}"),
    ("B", "(B)"),
    ("B", r"\textbf{(B)}\ 12"),
    ("12", r"\textbf{(B)}\ 12"),
    (r"\text{Evelyn}", "Evelyn"),
    ("odd", r"\text{Odd}"),
    ("No solution", r"\text{no solution}"),
    ("yes", "Yes"),
    (r"\mathbb{R}", "ℝ"),
    (r"\infty", "∞"),
    ("2516_8", "2516_{8}"),
    (r"\text{Monday}", "Monday"),
    ("6:30 p.m.", r"6:30\text{ p.m.}"),
    ("Alice, Bob", r"\text{Bob and Alice}"),
    (r"\frac{\pi}{3}", r"60^\circ"),
    ("1:2:3", "2:4:6"),
    ("75 cents", r"\$0.75"),
    ("5 m", "5m"),
    ("3.2 m/s", r"3.2\,\mathrm{m}/\mathrm{s}"),
    ("101", "m+n=101"),
    (r"(-\infty,0)\cup(0,\infty)", r"x\neq 0"),
    (r"\vec{a}+\vec{b}", r"\vec{b}+\vec{a}"),
    (r"f^{-1}(x)=\frac{x-1}{2}", r"\frac{x-1}{2}"),
    (r"\sum_{k=1}^{n}k^2", r"\sum_{k=1}^n k^{2}"),
    (r"\frac{x^2}{4}+\frac{y^2}{9}=1", "9x^2+4y^2=36"),
]

DIFFERENT = [
    ("42", r"6\times 7"),
    ("42", "84/2"),
    ("42", "40+2"),
    ("4", r"\sqrt{16}"),
    ("1024", "2^{10}"),
    ("10", r"\binom{5}{2}"),
    ("120", "5!"),
    ("3", r"\log_2 8"),
    ("1", r"\sin^2 x+\cos^2 x"),
    (r"\frac{\sqrt3}{2}", r"\sin 60^\circ"),
    (r"\frac{\pi}{4}", r"\arctan 1"),
    ("6", r"\int_0^3 2x\,dx - 3"),
    ("5", "5 or 6"),
    ("5", "5, 6"),
    ("5", r"\{5,6\}"),
    ("5", r"\pm 5"),
    ("5 cm", "5 km"),
    ("5 cm", "5 kg"),
    ("5 cm^2", "5 cm"),
    ("5 apples", "5 oranges"),
    ("2e-7", "1e-7"),
    ("0", "1e-12"),
    (r"\{1,2\}", r"\{1,2,3\}"),
    (r"\{1,2\}", r"\{1\}"),
    ("1/3", "0.333"),
    ("1/3", "0.33333"),
    ("2/3", "0.67"),
    ("0.33", "1/3"),
    (r"\pi", "3.14"),
    ("3.14", r"\pi"),
    (r"\sqrt2", "1.41421356"),
    (r"e^{\pi\sqrt{163}}", "262537412640768744"),
    ("1/2", "-1/2"),
    ("0.5", "0.5%"),
    ("0.5", "50"),
    ("5", "0.05"),
    ("|x|", "x"),
    ("x", "|x|"),
    ("x+1", "x-1"),
    ("x", "y"),
    ("x", "X"),
    ("x=5", "y=5"),
    ("x>5", r"x\ge 5"),
    ("x>5", "x<5"),
    ("(1,2)", "[1,2]"),
    ("(1,2)", "(2,1)"),
    ("(1,2)", "(1,2,3)"),
    ("[1,2)", "(1,2]"),
    ("y=2x+3", "y=2x-3"),
    ("x+y=5", "5"),
    ("10", "1010_2"),
    ("1010_2", "1010_3"),
    ("2516_8", "2516_9"),
    ("B", "A"),
    ("B", r"\text{(A)}\ B"),
    ("yes", "no"),
    ("odd", "not odd"),
    ("no solution", "solution"),
    ("5", "not 5"),
    ("5", "5 or more"),
    ("5", "less than 5"),
    ("5", "5x"),
    ("5", "x"),
    ("5", ""),
    ("5", "?"),
    ("5", "٥"),
    ("10", "1O"),
    ("x", "х"),  # Cyrillic
    ("5", "__import__('os').getpid()"),
    ("5", "[5 for _ in range(1)][0]"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&2\\4&3\end{pmatrix}"),
    (r"\begin{vmatrix}1&2\\3&4\end{vmatrix}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"),
    (r"\binom{5}{2}", r"\frac{5}{2}"),
    (r"\infty", r"-\infty"),
    ("3 hours", "3 minutes"),
    ("2", "2n"),
    ("5", "5m"),
    ("1", r"\frac{1}{n}"),
    ("1:2:3", "1:2:4"),
    ("$5", "5 euros"),
    ("1000000007", "10^9+7"),
    ("a=3, b=4", "a=4, b=3"),
]


@pytest.mark.parametrize(("gold", "answer"), EQUAL)
def test_equal_forms_are_paid(gold: str | float, answer: str) -> None:
    assert value(gold, rf"Therefore the result is \boxed{{{answer}}}.") == 1
    assert value(gold, f"Some work first.\n#### {answer}") == 1


@pytest.mark.parametrize(("gold", "answer"), DIFFERENT)
def test_other_values_and_unfinished_forms_are_not(gold: str, answer: str) -> None:
    assert value(gold, rf"Therefore the result is \boxed{{{answer}}}.") == 0
    assert value(gold, f"Answer: {answer}") == 0


@pytest.mark.parametrize(
    "text",
    [
        r"So the total is \boxed{42}.",
        r"$\boxed{42}$",
        r"$$\boxed{\text{42}}$$",
        r"\[ \boxed{42 \text{ apples}} \]",
        r"\fbox{42}",
        "Work.\n\n#### 42",
        "The answer is 42.",
        "The final answer is: 42",
        "the answer to this question is $42$.",
        "The answer is: $$42$$",
        "**Answer:** 42",
        "**Final Answer**\n\n42",
        "### Answer\n42",
        "Answer: **42**",
        "Answer: $42$",
        "First we add, then we halve.\nAnswer: 42\n",
        "<answer>42</answer>",
        "<think>perhaps 41? no.</think>42",
        "<think>\\boxed{41}</think>The answer is \\boxed{42}.",
        "42",
        "$42$",
        "x = 42",
        "She has 42 apples.",
        "There were 50 at first and 8 are gone.\nSo she has 42 apples left.",
        "We get 6 * 7 = 42",
        "Hence $x = 42$.",
        "Thus, the sum is $40 + 2 = 42$.",
        "I first thought \\boxed{41}." + " Then I went over each step of it again with care." * 6 + " So \\boxed{42}.",
        r"\boxed{42} and once more, \boxed{42}",
        r"\boxed{42} or equivalently $42.0$.",
        "La réponse est 42.",
        "Die Antwort lautet 42.",
        "La respuesta es 42.",
        "答案是 42。",
        "Ответ: 42",
        r"The answer is easy to check. \boxed{42}",
        r"\boxed{42}. The answer is clearly an integer.",
        "The answer is $x = 42$ because 40 + 2 fits.",
        "Answer: 42 (since 6 * 7 fits)",
        "The answer is that she has 42 apples.",
        "Answer: Let x be the price. Then 2x is 84.\nTherefore x = 42.",
        "So the total is $30 + $12 = $42.",
    ],
)
def test_where_the_final_answer_stands(text: str) -> None:
    assert value("42", text) == 1
    assert value("43", text) == 0


@pytest.mark.parametrize(
    "text",
    [
        r"\boxed{41} \boxed{42}",
        r"\boxed{42} \boxed{41}",
        r"\boxed{41}, \boxed{42}, \boxed{43}",
        r"The answer is \boxed{42} or \boxed{43}.",
        r"The answer is \boxed{42}, or maybe 43.",
        r"\boxed{42} or 43",
        r"\boxed{41 \text{ or } 42}",
        r"\boxed{41, 42}",
        "The answer is 42 or 43.",
        "The answer is 42. The answer is 43.",
        "The answer is either 41 or 42.",
        "Answer: 41, 42, 43",
        r"\boxed{42}. So the answer is 43.",
        "#### 42\n#### 43",
        "<think>The answer is \\boxed{42}.</think>",
        "<think>The answer is \\boxed{42}.</think> I am done.",
        "<think>The answer is \\boxed{42}.",
        "It may be 40, 41, 42 or 43.",
        "",
        "   ",
        "I do not know.",
        "The answer is not 42.",
        "So it is not 42.",
        "There are more than 42 of them.",
        "I believe the answer is 42, but it might be 43.",
    ],
)
def test_undecided_texts_are_not_paid(text: str) -> None:
    assert value("42", text) == 0


def test_several_boxes_may_make_up_one_list() -> None:
    assert value("3, 5", r"The roots are \boxed{3} and \boxed{5}.") == 1
    assert value("3, 5", r"The roots are \boxed{3} and \boxed{6}.") == 0
    assert value("3", r"The roots are \boxed{3} and \boxed{5}.") == 0


def test_a_gold_solution_may_be_given_whole() -> None:
    assert value(r"We add and get $\boxed{\frac{3}{4}}$.", r"\boxed{0.75}") == 1
    assert value("3 + 4 = 7 apples\n#### 7", "The answer is 7.") == 1
    assert value("$\\frac{3}{4}$", r"\boxed{0.75}") == 1


def test_tolerance_is_relative_to_the_gold() -> None:
    assert value("0.3333", r"\boxed{1/3}", tolerance=1e-3) == 1
    assert value("2e-7", r"\boxed{1e-7}", tolerance=1e-2) == 0
    assert value(r"\pi", r"\boxed{3.14}", tolerance=1e-2) == 1
    assert value("100", r"\boxed{103}", tolerance=0.02) == 0
    assert value("42", r"\boxed{6 \times 7}", tolerance=0.1) == 0


def test_unit_of_the_data_is_what_the_gold_is_measured_in() -> None:
    assert value("5", r"\boxed{5\text{ cm}}", unit="cm") == 1
    assert value("5", r"\boxed{5}", unit="cm") == 1
    assert value("5", r"\boxed{50\text{ mm}}", unit="cm") == 1
    assert value("5", r"\boxed{5\text{ km}}", unit="cm") == 0


def test_order_of_a_bare_list_counts_where_asked() -> None:
    assert value("1, 2, 3", r"\boxed{3, 1, 2}") == 1
    assert value("1, 2, 3", r"\boxed{3, 1, 2}", ordered=True) == 0
    assert value("1, 2, 3", r"\boxed{1, 2, 3}", ordered=True) == 1


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"answer": ""},
        {"answer": "   "},
        {"answer": None},
        {"answer": True},
        {"answer": ["1"]},
        {"answer": "$$"},
        {"answer": r"\frac{1}{2"},
        {"answer": "5" * 5000},
        {"answer": "5", "tolerance": -1},
        {"answer": "5", "tolerance": "much"},
        {"answer": "5", "unit": 3},
    ],
)
def test_tasks_that_cannot_be_judged_are_invalid(data: dict) -> None:
    assert score(Response(r"\boxed{5}"), data).status == "invalid"


RATIONALS = st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=1000)


@given(number=RATIONALS, other=RATIONALS)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_rational_numbers_equal_exactly_themselves(number: Fraction, other: Fraction) -> None:
    sign = "-" if number < 0 else ""
    latex = rf"{sign}\frac{{{abs(number.numerator)}}}{{{number.denominator}}}"
    whole = number.denominator == 1
    assert value(str(number), rf"\boxed{{{number}}}") == 1
    assert value(str(number), rf"\boxed{{{latex}}}") == (not whole)  # 6/1 is a task, not a number
    assert value(str(number), rf"\boxed{{{other}}}") == (number == other)


@given(a=st.integers(-99, 99), b=st.integers(1, 99), c=st.integers(1, 99))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_polynomials_equal_their_products(a: int, b: int, c: int) -> None:
    expanded = f"x^2 + {a + b}x + {a * b}".replace("+ -", "- ")
    assert value(expanded, rf"\boxed{{(x+{b})(x+{a})}}") == 1
    assert value(expanded, rf"\boxed{{(x+{b})(x+{a})+{c}}}") == 0
    assert value(expanded, rf"\boxed{{{expanded} = 0}}") == 0
