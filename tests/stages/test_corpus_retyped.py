"""Programs that only type the page's arithmetic again are told from those that derive, and may be left out."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.corpus.retyped import is_retyped

# 60 random programs of the sample, before any was left out for this, labelled by a person who did not know the rule.
LABELLED = Path(__file__).parents[1] / "data" / "retyped_programs.jsonl"


@pytest.mark.parametrize(
    "code",
    [
        "print(14 * 3 - 20)",
        "product = 14 * 3\ndifference = product - 20\nprint(difference)",
        "from fractions import Fraction\n\nquotient = Fraction(54, 6)\ntotal = 5 * quotient + 6\nprint(total)",
        "height = 12\nfrom fractions import Fraction\narea = Fraction(14 * height * 17, 2)\nprint(area)",
        "terms = [4, 7, 3, 8]\ntotal = sum(terms)\nprint(total)",
        "from sympy import sqrt, simplify\nroot = sqrt(5**2 + (20 - 12) ** 2)\nprint(simplify(root))",
        "from math import factorial\nfrom fractions import Fraction\nprint(Fraction(factorial(9), factorial(4)))",
        "x = 3\nprint(round(14.5 * 17.25, 2))",
    ],
)
def test_arithmetic_of_bare_numbers_is_retyped(code: str) -> None:
    assert is_retyped(code)


@pytest.mark.parametrize(
    "code",
    [
        "price = 250\nrate = 0.2\nprint(price * (1 + rate))",
        "radius = 14\nfrom math import pi\nvolume = 4 / 3 * pi * radius**3\nprint(round(volume, 2))",
        "a, b = 7, 24\nprint((a**2 + b**2) ** 0.5)",
        "from math import comb\nn = 9\nk = 4\nprint(comb(n, k))",
        "print(sum(k**2 for k in range(1, 12)))",
        "print(pow(7, 128, 13))",
        "print(int('1011', 2))",
        "from math import gcd\nprint(gcd(84, 36))",
        "from sympy import Eq, solve, symbols\nx = symbols('x')\nprint(solve(Eq(3 * x + 5, 20), x))",
        "from sympy import Matrix\nprint(Matrix([[1, 2], [3, 4]]).det())",
        "values = [24, 28, 31]\nmean = sum(values) / len(values)\nprint(mean)",
        "total = 0\nfor k in range(9):\n    total += k\nprint(total)",
        "code that Python does not read",
    ],
)
def test_a_program_that_derives_or_names_is_not_retyped(code: str) -> None:
    assert not is_retyped(code)


def test_programs_that_people_read_are_judged_as_they_did() -> None:
    rows = [json.loads(line) for line in LABELLED.open(encoding="utf-8")]
    derives, arithmetic = (
        [is_retyped(row["code"]) for row in rows if row["label"] == label] for label in ("derives", "arithmetic")
    )
    assert len(rows) == 60 and len(derives) >= 20 and len(arithmetic) >= 20
    assert sum(derives) <= 1  # false alarms
    assert sum(arithmetic) >= 0.9 * len(arithmetic)


@given(st.text(st.sampled_from("ab1 =+*()[]\n,.\"'round")))
def test_any_text_gets_an_answer(code: str) -> None:
    assert is_retyped(code) in (True, False)
