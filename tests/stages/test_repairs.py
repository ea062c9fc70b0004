"""What models forget in programs is mended, and nothing else is touched."""

import subprocess
import sys

import pytest

from stages.translate.computation import Computation
from stages.translate.replies import rename_result, repair_all


def repaired(*codes: str) -> list[tuple[str, str]]:
    """The programs of one reply, repaired, each with what was done."""
    computations = repair_all([Computation("", "", "1", "1", code) for code in codes])
    return [(computation.code, computation.repairs) for computation in computations]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("code", "done", "printed"),
    [
        ("print(Fraction(1, 3) + Fraction(1, 6))", "import", "1/2"),
        ("print(comb(5, 2) * factorial(3))", "import", "60"),
        ("print(math.gcd(12, 18))", "import", "6"),
        ("print(np.arange(4).sum())", "import", "6"),
        ('x = symbols("x")\nprint(integrate(x**2, (x, 0, 3)))', "import", "9"),
        ("print(sum(len(c) for c in combinations(range(4), 2)))", "import", "12"),
        ("from sympy import Sum\nprint(Sum(k, (k, 1, 10)).doit())", "symbol", "55"),
        ("print(solve(Eq(x + 2, 5), x))", "import symbol", "[3]"),
        ("total = 3\ntotal + 4", "print", "7"),
        ("total = 3\ntotal  # that is it", "print", "3"),
        ("a = 6; b = 7; a * b", "print", "42"),
        ('naïve = "é"\nlen(naïve)', "print", "1"),
        ("base = 3\narea = base * 4", "print", "12"),
        ("def area(r):\n    return r * r\narea(5)", "print", "25"),
        ("comb(6, 3)", "import print", "20"),
    ],
)
def test_a_repair_makes_the_program_run(code: str, done: str, printed: str) -> None:
    ((mended, repairs),) = repaired(code)
    assert repairs == done
    assert run(mended) == printed


def test_an_import_joins_the_programs_own_line_about_the_module() -> None:
    ((mended, _),) = repaired('from sympy import symbols\n\nx = symbols("x")\nprint(solve(x - 2, x), comb(4, 2))')
    assert mended.startswith("from math import comb\nfrom sympy import symbols, solve\n")
    assert run(mended) == "[2] 6"


def test_a_name_that_an_earlier_program_defines_is_defined_but_nothing_printed_twice() -> None:
    first = "speed = 90\nmetres = speed * 1000\nprint(metres)"
    (_, none), (mended, repairs) = repaired(first, "print(metres / 3600)")
    assert (none, repairs) == ("", "earlier exact")
    assert run(mended) == "25"


def test_the_last_program_that_defines_the_name_is_taken() -> None:
    mended = repaired("n = 2\nprint(n)", "n = 5\nprint(n)", "print(n * 10)")[2][0]
    assert run(mended) == "50"


@pytest.mark.parametrize(
    "code",
    [
        "print(1 + 1)",
        "x = (",
        "print(nobody_knows)",
        "from sympy import *\nprint(sqrt(4) + unknown)",
        "'''only a text'''",
        "for i in range(3):\n    print(i)",
        "def print_it():\n    print(3)\nprint_it()",
        "sqrt = 3\nprint(sqrt)",
        "try:\n    print(1)\nexcept ValueError as error:\n    print(error)",
        "print([comb for comb in (1, 2)])",
        "",
        "\0",
        "(" * 3000 + ")" * 3000,
    ],
)
def test_what_needs_no_repair_or_can_have_none_stays_as_it_is(code: str) -> None:
    assert repaired(code) == [(code, "")]


def test_of_an_earlier_program_only_what_defines_the_names_is_taken_and_imports_come_first() -> None:
    first = "from sympy import symbols, integrate\n\nx = symbols('x')\narea = integrate(x, (x, 0, 2))\nprint(area)"
    second = "from sympy import diff\n\nslope = diff(x**3, x)\nprint(slope.subs(x, 2))"
    (_, (code, done)) = repaired(first, second)
    assert done == "earlier unused" and run(code) == "12"
    assert code == (
        "from sympy import symbols, diff\n\nx = symbols('x')\nslope = diff(x**3, x)\nprint(slope.subs(x, 2))"
    )


def polished(code: str, result: str) -> tuple[str, str]:
    """A program after the repairs, with what was done; result: as the text states it."""
    (computation,) = repair_all([Computation("", "", "1", result, code)])
    return computation.code, computation.repairs


@pytest.mark.parametrize(
    ("code", "result", "mended"),
    [
        (
            "p = 3/4\nprint(1 - p**2)",
            "\\frac{7}{16}",
            "from fractions import Fraction\n\np = Fraction(3, 4)\nprint(1 - p**2)",
        ),
        ("print((3 / 4)**2)", "9/16", "from fractions import Fraction\n\nprint(Fraction(3, 4)**2)"),
        (
            "n = 5\nprint((n - 2) * 180 / n)",
            "108",
            "from fractions import Fraction\n\nn = 5\nprint(Fraction((n - 2) * 180, n))",
        ),
        ("print(20 * 0.05)", "1 ml", 'from fractions import Fraction\n\nprint(20 * Fraction("0.05"))'),
        (
            "from sympy import integrate, symbols\n\nx = symbols('x')\nprint(integrate(x**(1/2), (x, 0, 4)))",
            "\\frac{16}{3}",
            "from sympy import integrate, symbols, Rational\n\nx = symbols('x')\n"
            "print(integrate(x**Rational(1, 2), (x, 0, 4)))",
        ),
        (
            "from sympy import pi\n\nr = 5\nprint((pi * r**2).evalf())",
            "25\\pi",
            "from sympy import pi\n\nr = 5\nprint(pi * r**2)",
        ),
        (
            "from fractions import Fraction\n\nb = 12\nprint(float(Fraction(b * 7, 2)))",
            "42 square metres",
            "from fractions import Fraction\n\nb = 12\nprint(Fraction(b * 7, 2))",
        ),
        ("n = 3\nprint(5 / 2**n)", "5/8", "from fractions import Fraction\n\nn = 3\nprint(Fraction(5, 2**n))"),
        (
            "a = [1, 2, 4]\nprint(sum(a) / len(a))",
            "\\frac{7}{3}",
            "from fractions import Fraction\n\na = [1, 2, 4]\nprint(Fraction(sum(a), len(a)))",
        ),
        (
            "price = 8.4\nprint(price * 2 - 3.6)",
            "13.2",
            'from fractions import Fraction\n\nprice = Fraction("8.4")\nprint(float(price * 2 - Fraction("3.6")))',
        ),
    ],
)
def test_an_exact_result_is_computed_with_exact_numbers(code: str, result: str, mended: str) -> None:
    assert polished(code, result) == (mended, "exact")
    run(mended)


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("print(400 / 314)", "1.27"),  # rounded in the text
        ("from math import log\n\nprint(log(4) / log(3) / 2)", "0.63"),
        ("from math import sqrt\n\nprint(sqrt(3 / 4))", "\\frac{\\sqrt{3}}{2}"),
        ("import numpy as np\n\nprint(np.array([3/4, 1/4]))", "3/4 and 1/4"),
        ("def half(n):\n    return n / 2\n\nprint(half(3))", "3/2"),
        ("n = 3\nn = n / 2\nprint(n / 2)", "3/4"),
        ("n = -3\nprint(5 / 2**n)", "40"),
        ("print(round(7 / 2))", "4"),
        ("print(7 // 2)", "3"),
    ],
)
def test_a_program_whose_numbers_cannot_be_exact_keeps_them(code: str, result: str) -> None:
    assert polished(code, result) == (code, "")


@pytest.mark.parametrize(
    ("code", "mended"),
    [
        (
            "from sympy import diff, sin, symbols\n\nx = symbols('x')\nprint(x)",
            "from sympy import symbols\n\nx = symbols('x')\nprint(x)",
        ),
        ("import math\n\nprint(2)", "print(2)"),
        ("letters = 8\ns_count = 3\nprint(letters - 1)", "letters = 8\nprint(letters - 1)"),
    ],
)
def test_what_nothing_uses_is_taken_out(code: str, mended: str) -> None:
    assert polished(code, "1") == (mended, "unused")


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("from sympy import sqrt\n\nprint((sqrt(6) + sqrt(2))**2)", "4*sqrt(3) + 8"),
        ("from sympy import I\n\nresult = (1 + I)**8\nprint(result)", "16"),
        ("from sympy import sqrt\n\nx1, x2 = -2 + sqrt(11), -2 - sqrt(11)\nprint(x1 * x2)", "-7"),
    ],
)
def test_a_product_of_sums_of_roots_is_worked_out(code: str, printed: str) -> None:
    mended, done = polished(code, "1")
    assert done == "expand" and run(mended) == printed


@pytest.mark.parametrize(
    "code",
    [
        "from sympy import sqrt, symbols\n\nx = symbols('x')\nprint((x + sqrt(2))**2)",
        "from sympy import sqrt\n\nprint(sqrt(12) + sqrt(27))",
        "print((1 + 2)**2)",
    ],
)
def test_an_expression_with_unknowns_or_without_such_a_product_is_printed_as_it_is(code: str) -> None:
    assert polished(code, "1") == (code, "")


def test_an_import_of_several_lines_stays_one() -> None:
    first = "from sympy import (\n    symbols,\n    integrate,\n)\n\nx = symbols('x')\nprint(integrate(x, (x, 0, 2)))"
    (_, (code, _)) = repaired(first, "from sympy import diff\n\nprint(diff(x**3, x).subs(x, 2))")
    assert run(code) == "12"


SQUARES = "sum_of_squares = sum(k for k in range(3, 7))\nprint(sum_of_squares)"


@pytest.mark.parametrize(
    ("code", "words", "mended"),
    [
        (SQUARES, {"the", "letter", "dummy"}, "result = sum(k for k in range(3, 7))\nprint(result)"),
        ("speed_downhill = 9\nprint(speed_downhill)", {"speed", "trip"}, "result = 9\nprint(result)"),
        ("é, speed_down = 1, 9\nprint(speed_down)", set(), "é, result = 1, 9\nprint(result)"),
    ],
)
def test_a_result_whose_name_is_not_said_has_a_neutral_one(code: str, words: set[str], mended: str) -> None:
    assert rename_result(code, words) == mended


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (SQUARES, {"add", "the", "squares"}),
        (SQUARES, {"square", "it"}),
        ("at_least_one_man = 3\nprint(at_least_one_man)", {"least", "man", "1"}),  # as words are kept
        ("total = 3\nprint(total)", set()),  # says what was done
        ("x = 3\nprint(x)", set()),
        ("result = 2\nspeed = result * 3\nprint(speed)", set()),  # the neutral name is taken
        ("speed = 2\nspeed = speed * 3\nprint(speed)", set()),
        ("speed = 2\nprint(speed, 3)", set()),
        ("def f(speed):\n    return speed\n\nspeed = f(3)\nprint(speed)", set()),
        ("speed = (", set()),
    ],
)
def test_any_other_name_stays(code: str, words: set[str]) -> None:
    assert rename_result(code, words) == code


def test_a_symbol_is_defined_behind_the_imports() -> None:
    ((mended, repairs),) = repaired("from sympy import integrate\n\nlower = 2\nprint(integrate(x, (x, lower, 4)))")
    assert mended.startswith('from sympy import symbols, integrate\n\nx = symbols("x")\nlower = 2\n')
    assert repairs == "symbol" and run(mended) == "6"


@pytest.mark.parametrize(
    ("comment", "stays"),
    [
        ("# The profit with flour at 0.40 euros", False),
        ("# The profit of 29 trays", True),
        ("# Step 2", True),
        ("# Multiply", True),
    ],
)
def test_a_comment_on_a_number_that_the_program_does_not_have_goes(comment: str, stays: bool) -> None:
    ((mended, _),) = repaired(f"trays = 29\n{comment}\nprint(5 * trays)")
    assert (comment in mended) is stays
    ((quoted, _),) = repaired(f'text = """\n{comment}\n"""\nprint(len(text))')
    assert comment in quoted
