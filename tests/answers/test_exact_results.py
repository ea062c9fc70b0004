"""A decimal that a page computes exactly is verified by this value alone, not by another one that rounds to it."""

from collections.abc import Iterator

import pytest

from mathcode_pile.answers import Checker


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with Checker() as one:
        yield one


@pytest.mark.parametrize(
    ("expression", "stated", "printed"),
    [
        (r"T_2 = \frac{3 + 3.2}{2} = 3.1", "3.1", "3.141592653589793"),
        (r"\frac{3 + 3.2}{2}", "3.1", "3.141592653589793"),
        (r"\frac{1}{2} \cdot (1 + 0.4)", "0.7", "0.6931471805599453"),
        (r"M = \frac{2.3 + 2.5 + 2.7}{3}", "2.5", "2.4625"),
        (r"6 \cdot 0.45 \approx 2.7", "2.7", "2.718281828459045"),
    ],
)
def test_a_rounded_value_of_another_method_verifies_nothing(
    expression: str, stated: str, printed: str, checker: Checker
) -> None:
    for relation in ("=", "≈"):
        assert checker.compare(stated, printed, expression, relation)[:2] == ("uncheckable", "another_value")
    assert checker.compare(stated, printed).verdict == "verified"


@pytest.mark.parametrize(
    ("expression", "stated", "printed"),
    [
        # The value itself, a float's error included.
        (r"\frac{3 + 3.2}{2}", "3.1", "3.1"),
        (r"0.1 + 0.2", "0.3", "0.30000000000000004"),
        (r"\frac{3 + 3.2}{2}", "3.10", "3.1"),
        # The stated value is rounded.
        (r"\frac{10}{3}", "3.3", "3.3333333333333335"),
        (r"\frac{1}{3} + 0.5", "0.83", "0.8333333333333333"),
        # Decimals that may have been rounded before.
        (r"10 \cdot 3.14", "31.4", "31.41592653589793"),
        (r"10 \pi \approx 10 \cdot 3.14", "31.4", "31.41592653589793"),
        (r"10 \pi \approx 10 \cdot 3.14", "31.4", "31.42"),
        # Nothing to compute, letters, and what cannot be read.
        (r"e \approx 2.7", "2.7", "2.718281828459045"),
        (r"\pi = 3.1", "3.1", "3.141592653589793"),
        (r"2 x + 0.1", "3.1", "3.141592653589793"),
        (r"\frac{", "3.1", "3.141592653589793"),
        (r"\frac{6.2}{0}", "3.1", "3.141592653589793"),
        ("", "3.1", "3.141592653589793"),
    ],
)
def test_the_value_and_its_roundings_stay_verified(
    expression: str, stated: str, printed: str, checker: Checker
) -> None:
    assert checker.compare(stated, printed, expression).verdict == "verified"
