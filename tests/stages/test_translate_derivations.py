"""Programs of the symbolic translator that derive: well-known formulas, equations, and names only where they belong."""

import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.translate.symbolic import translate_document
from stages.translate.symbolic.latex_reader import read_tokens
from stages.translate.symbolic.latex_tokens import tokens_of
from stages.translate.symbolic.textbook_formulas import find_textbook


def last_program(text: str) -> str:
    """Return the code of a text's last computation, the lines between imports and print, with `;` between them."""
    code = translate_document(text)[0][-1].code
    lines = [line for line in code.splitlines() if line and not line.startswith(("from", "print"))]
    return "; ".join(lines)


def output(text: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(translate_document(text)[0][-1].code, {})  # noqa: S102 - the code under test, written a moment ago
    return printed.getvalue().strip()


FORMULAS = {  # a text, and the program
    r"The discriminant is $(-9)^2 - 4 \cdot 2 \cdot 7 = 25$.": "b = -9; a = 2; c = 7; discriminant = b**2 - 4 * a * c",
    r"Altogether $\frac{11 \cdot 12 \cdot 23}{6} = 506$.": "n = 11; total = sum(k**2 for k in range(1, n + 1))",
    r"The sum is $\frac{40 \cdot 41}{2} = 820$.": "n = 40; total = sum(k for k in range(1, n + 1))",
    r"The series has the sum $\frac{45}{1 - \frac{1}{4}} = 60$.": (
        "first_term = 45; ratio = Fraction(1, 4); quotient = first_term / (1 - ratio)"
    ),
    r"There are $9 \cdot 8 \cdot 7 = 504$ orders.": "n = 9; orders = Fraction(factorial(n), factorial(n - 3))",
    r"By hand $\frac{9 \cdot 8}{2!} = 36$.": "n = 9; ways = comb(n, 2)",
    r"So $\frac{9!}{4! \cdot 3! \cdot 2!} = 1260$.": (
        "n = 9; a = 4; b = 3; c = 2; quotient = Fraction(factorial(n), factorial(a) * factorial(b) * factorial(c))"
    ),
    r"So $\binom{5}{2} \cdot 0.3^2 \cdot 0.7^3 = 0.3087$.": (
        'n = 5; k = 2; p = Fraction("0.3"); product = comb(n, k) * p**k * (1 - p) ** (n - k)'
    ),
    r"At least once: $1 - 0.8^3 = 0.488$.": 'q = Fraction("0.8"); n = 3; difference = 1 - q**n',
    r"After 3 years it is $900 \cdot 1.1^3 = 1197.9$.": (
        'years = 3; start = 900; multiplier = Fraction("1.1"); product = start * multiplier**years'
    ),
    r"It is $\log_9 243 = \frac{5}{2}$.": "base = 9; number = 243; logarithm = log(number, base)",
    r"It takes $\frac{\ln 3}{\ln 1.2} \approx 6.03$ weeks.": "base = 1.2; number = 3; weeks = log(number, base)",
    r"The area of the triangle is $\frac{14 \cdot 9}{2} = 63$.": (
        "base = 14; height = 9; area = Fraction(base * height, 2)"
    ),
    r"A cone: $\frac{1}{3}\pi \cdot 5^2 \cdot 6 = 50\pi$.": (
        "radius = 5; height = 6; product = Rational(1, 3) * pi * radius**2 * height"
    ),
    r"The mean is 40 and the deviation 6; it is $\frac{55 - 40}{6} = 2.5$.": (
        "x = 55; mean = 40; deviation = 6; quotient = Fraction(x - mean, deviation)"
    ),
    r"The distance is $\sqrt{(9 - 4)^2 + (13 - 1)^2} = 13$.": (
        "x_2 = 9; x_1 = 4; y_2 = 13; y_1 = 1; distance = sqrt((x_2 - x_1) ** 2 + (y_2 - y_1) ** 2)"
    ),
    r"The determinant is $7 \cdot 5 - 3 \cdot 8 = 11$.": (
        "matrix = Matrix([[7, 3], [8, 5]]); determinant = matrix.det()"
    ),
    r"The formula gives $\frac{5 \cdot (3^4 - 1)}{3 - 1} = 200$.": (
        'k = symbols("k"); first_term = 5; ratio = 3; n = 4; total = summation(first_term * ratio**k, (k, 0, n - 1))'
    ),
    r"With letters first: $\int_2^5 x^2\,dx = 39$.": (
        'x = symbols("x"); lower = 2; upper = 5; integral = integrate(x**2, (x, lower, upper))'
    ),
    r"So $\lim_{x \to 4} \frac{x^2 - 16}{x - 4} = 8$.": (
        'x = symbols("x"); point = 4; limit_value = limit((x**2 - 16) / (x - 4), x, point, "+-")'
    ),
    r"So $\int_2^\infty \frac{1}{x^2}\,dx = \frac{1}{2}$.": (
        'x = symbols("x"); lower = 2; integral = integrate(1 / x**2, (x, lower, oo))'
    ),
    r"The inverse: $7 \cdot 9 \bmod 31 = 1$.": "a = 7; b = 9; modulus = 31; remainder = (a * b) % modulus",
    r"At 3: $1 \cdot 3^3 - 5 \cdot 3^2 + 2 \cdot 3 + 9 = -3$.": ("x = 3; total = 1 * x**3 - 5 * x**2 + 2 * x + 9"),
}


@pytest.mark.parametrize("text", FORMULAS)
def test_the_numbers_of_a_well_known_formula_have_its_names(text: str) -> None:
    assert last_program(text) == FORMULAS[text]


@pytest.mark.parametrize(
    "text",
    [
        r"We get $9^2 - 4 \cdot 2 \cdot 7 = 25$.",  # nobody speaks of a discriminant
        r"So $\frac{11 \cdot 12 \cdot 24}{6} = 528$.",  # 24 is not 2 n + 1
        r"The volume is $\frac{1 \cdot 2 \cdot 3}{6} = 1$.",  # of a tetrahedron
        r"The fence is $\frac{6 \cdot 7}{2} = 21$ m.",
        r"So $4 \cdot 3 \cdot 2 = 24$ divisors.",
        r"So $10 \cdot 0.3^2 \cdot 0.6^3 = 0.1944$.",  # 0.3 and 0.6 do not add up to one
        r"So $10 \cdot 0.2 \cdot 0.8^7 \approx 0.419$.",  # 7 is not 9
        r"We have $1 - 3^4 = -80$.",
        r"Each of four: $12 \cdot \left(\frac{1}{12}\right)^4 = \frac{1}{1728}$.",
        r"The rectangle and half of it: $\frac{14 \cdot 9}{2} = 63$.",
        r"The mean is 41; half of the range is $\frac{55 - 40}{2} = 7.5$.",
        r"The balance is $7 \cdot 5 - 3 \cdot 8 = 11$.",
    ],
)
def test_another_computation_of_the_same_form_is_left_as_it_is(text: str) -> None:
    program = last_program(text)
    assert not any(f"{name} = " in program for name in ("a", "b", "n", "q", "p", "base", "mean", "start", "matrix"))
    assert "sum(" not in program and "factorial" not in program


def test_a_letter_that_the_page_uses_otherwise_is_no_name() -> None:
    assert "n = 9" not in last_program(r"Let $n = 4$ be their number. By hand $\frac{9 \cdot 8}{2!} = 36$.")


def test_the_page_goes_before_the_formula() -> None:
    text = r"A sum of 700 euros grows by 4\% a year. After 5 years it is $700 \cdot 1.04^5 \approx 851.66$."
    assert "* (1 + rate) ** years" in last_program(text)
    text = r"We have $r = 9$ cm. A cone has $\frac{1}{3} \pi \cdot 9^2 \cdot 12 = 324\pi$."
    assert "r**2" in last_program(text)


@given(st.tuples(*[st.integers(2, 30)] * 3))
@settings(max_examples=60, deadline=None)
def test_a_formula_with_other_numbers_prints_its_own_value(numbers: tuple[int, int, int]) -> None:
    """Whatever form a sum or quotient seems to have, the program has the value of what the page writes."""
    a, b, c = numbers
    for latex, value in (
        (rf"\frac{{{a} \cdot {b} \cdot {c}}}{{6}}", a * b * c / 6),
        (rf"{a} \cdot {b} - {c} \cdot {a}", a * b - c * a),
        (rf"{a}^2 - 4 \cdot {b} \cdot {c}", a**2 - 4 * b * c),
        (rf"\frac{{{a} - {b}}}{{{c}}}", (a - b) / c),
        (rf"\frac{{{a} \cdot {b}}}{{2}}", a * b / 2),
    ):
        text = f"With a mean {b}, area, sum, determinant, terms and discriminant, ${latex} = 7.777$."
        assert float(output(text)) == pytest.approx(value, abs=6e-4)


def test_a_logarithm_is_printed_as_a_number() -> None:
    assert output(r"It is $\log_4 128 = \frac{7}{2}$.") == "7/2"


def test_a_huge_number_is_no_formula() -> None:
    node = read_tokens(tokens_of(r"\frac{9000!}{4! \cdot 3!}"))
    assert find_textbook(node, "", "") is None


# Equations.


@pytest.mark.parametrize(
    ("text", "program", "printed"),
    [
        (
            r"Solve $x^2 - 9x + 14 = 0$. The discriminant is 25, so $x_1 = \frac{9 + 5}{2} = 7$.",
            'x = symbols("x"); equation = Eq(x**2 - 9 * x + 14, 0); solutions = solve(equation, x)',
            "7",
        ),
        (
            r"Solve $x^2 - 9x + 14 = 0$. The discriminant is 25, so $x_2 = \frac{9 - 5}{2} = 2$.",
            'x = symbols("x"); equation = Eq(x**2 - 9 * x + 14, 0); solutions = solve(equation, x)',
            "2",
        ),
        (
            r"A ride costs $4t + 11 = 39$ francs. Take 11 away: $39 - 11 = 28$. So $t = \frac{28}{4} = 7$.",
            't = symbols("t"); equation = Eq(4 * t + 11, 39); solutions = solve(equation, t)',
            "7",
        ),
        (
            r"Where does $y = x^2 - 9x + 14$ meet the axis? At $x_1 = \frac{9 + 5}{2} = 7$.",
            'x = symbols("x"); equation = Eq(x**2 - 9 * x + 14, 0); solutions = solve(equation, x)',
            "7",
        ),
    ],
)
def test_a_root_comes_from_its_equation(text: str, program: str, printed: str) -> None:
    assert (last_program(text), output(text)) == (program, printed)


@pytest.mark.parametrize(
    "text",
    [
        r"Solve $x^2 - 9x + 14 = 0$. So $x_1 = \frac{9 + 7}{2} = 8$.",  # no root
        r"Solve $x^2 - 9x + 14 = 0$. So $x_1 = \frac{9 + 5}{2} = 8$.",  # not even computed right
        r"Solve $x^2 - 9x + 14 = 0$. So $y_1 = \frac{9 + 5}{2} = 7$.",  # another letter
        r"Solve $x^2 - 9x + 14 = 0$. Then $3x - 9 = 3$, hence we take $x = \frac{16 + 5}{3} = 7$.",  # a later equation
        "Solve $x^2 - 9x + 14 = 0$.\n\n## Problem 2\n\n" + r"Let $x = \frac{9 + 5}{2} = 7$.",
        r"Where does $y = x^2 - 9x + 14$ turn? At $x = \frac{9 + 5}{2} = 7$.",  # no x_1
        r"Solve $x^3 - 343 = 0$. So $x = \frac{9 + 5}{2} = 7$.",
    ],
)
def test_what_is_no_root_of_the_last_equation_is_computed_as_it_stands(text: str) -> None:
    assert "Fraction(" in last_program(text) and "solve" not in last_program(text)


def test_a_check_puts_the_solution_into_the_equation() -> None:
    text = r"Solve $6x + 11 = 53$. We get $x = 7$. Check: $6 \cdot 7 + 11 = 53$."
    assert last_program(text) == "x = 7; total = 6 * x + 11"
    assert "x" not in last_program(text.replace("We get $x = 7$.", "Nobody knows."))


# Names.


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Coins of 1, 5 and 10 cents, so the cheapest costs 5 euros. In all $1 + 3 + 5 = 9$ ways.", "price"),
        ("Three letters and 8 boys write. The sum is $1 + 1 + 2 + 3 + 5 + 8 + 13 = 33$.", "boys"),
        (r"LEVEL has 5 letters in 6 orders. Now $8 \cdot 7 \cdot 6 \cdot 5 = 1680$.", "letters"),
        (r"We kept 3 receipts. So $3 + 2 \cdot 4 + 2 \cdot 7 = 25$.", "receipts"),
        (r"Put in $7$, then $\frac{7 + 8}{4 - 9} = -3$.", "amount"),
        (r"A radius of 2 cm. The mean is $\frac{5^2 + 3^2}{2} = 17$.", "radius"),
        (r"The 6 touches the line, so $4 \cdot 1 - 6 = -2$.", "touches"),
        (r"It goes $80 \cdot \frac{3}{4} = 60$ km. Then $\frac{7}{4} \cdot 60 = 105$ minutes pass.", "distance"),
        (r"Barley has 30\% and costs 8. So $0.70 \cdot 40 + 2 = 30$.", "rate"),
    ],
)
def test_a_word_is_no_name_where_the_number_is_another_one(text: str, missing: str) -> None:
    assert missing not in last_program(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (r"A shirt costs 40 euros, with 30\% off $40 \cdot 0.70 + 2 = 30$.", "rate"),
        ("A hall has 12 rows and 9 empty seats, so $12 \\cdot 14 - 9 = 159$.", "rows"),
        (r"The tank holds 30 cm³ and weighs 4 kg. So $30 \cdot 5 - 4 = 146$.", "volume"),
    ],
)
def test_a_word_stays_a_name_where_it_belongs(text: str, named: str) -> None:
    assert f"{named} = " in last_program(text)
