"""What a program printed is fit to be read, or it is not."""

import pytest

from mathcode_pile.core.program_output import is_unclean, is_unfinished


@pytest.mark.parametrize(
    "output",
    [
        "(1 + I)**8",
        "(sqrt(2) + sqrt(6))**2",
        "(-2 + sqrt(11))*(-sqrt(11) - 2)",
        "0.405/log(10) + 4.76",
        "2.5*sqrt(2)\n",
    ],
)
def test_a_number_that_is_not_worked_out_is_unclean(output: str) -> None:
    assert is_unfinished(output) and is_unclean(output, "16")


@pytest.mark.parametrize(
    "output",
    [
        "16", "8 + 4*sqrt(3)", "3*sqrt(3)/2", "-1/2 + E/2", "36*pi", "(x - 2)*(x + 2)*(x + 3)", "(x + 1)**2",
        "[1/2, 4]", "0.75", "Area: 3", "", "2 - 2*log(2)", "9*exp(-3)/2", "Matrix([[1, 2]])", "(" * 4000,
    ],
)  # fmt: skip
def test_a_value_in_its_last_form_or_with_unknowns_is_finished(output: str) -> None:
    assert not is_unfinished(output)
