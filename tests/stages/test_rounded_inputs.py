"""Approximate results of decimals that were rounded before are verified by intervals, exact claims never."""

from collections.abc import Iterator

import pytest
from test_labelled_statements import verdicts

from mathcode_pile.answers import Checker, agrees_as_rounded
from stages.translate.symbolic import translate_document


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    with Checker() as one:
        yield one


@pytest.mark.parametrize(
    "text",
    [
        r"$12.25 \cdot 0.577 \approx 7.08$",
        r"With rounded values $12.25 \cdot 0.577 = 7.08$.",
        r"The height is $15.25 \tan 31^\circ \approx 15.25 \cdot 0.6009 = 9.163$ m.",
        r"Here $\sqrt{3} \approx 1.732$. The side is $25.17 \cdot 1.732 = 43.60$ cm.",
        r"It is $\tan 31^\circ \approx 0.6009$, so $h = d \tan 31^\circ = 15.25 \cdot 0.6009 = 9.163$.",
        r"The ratio is $\frac{7.25}{1.732} \approx 4.185$.",
        r"Since $\ln 2 \approx 0.6931$, it takes $\frac{0.6931}{0.04125} = 16.81$ years.",
        r"We get $0.3470 \cdot 0.4410 \approx 15.31\%$.",
        r"The mass is $6.022 \cdot 10^{23} \cdot 1.994 \approx 1.201\cdot 10^{24}$.",
        r"The standard error is about $\sqrt{\frac{0.5217 \cdot 0.4783}{983}} = 0.015934$.",
        r"The product $45.2 \cdot 31.75 \approx 1436$ square feet.",
        r"This is $e^{0.4120} \approx 1.5099$.",
        r"The difference is $-2.504 \cdot 3.102 \approx -7.769$.",
    ],
)
def test_a_result_within_the_intervals_of_its_inputs_is_verified(text: str, checker: Checker) -> None:
    assert verdicts(text, checker)[-1] == "verified", translate_document(text)
    assert translate_document(text).computations[-1].relation == "≈"


@pytest.mark.parametrize(
    "text",
    [
        # False by far.
        r"$12.25 \cdot 0.577 \approx 7.80$",
        r"$12.25 \cdot 0.577 \approx 7.1$, or rather $12.25 \cdot 0.577 \approx 7.71$",
        r"Roughly, $\frac{7.25}{1.732} = 4.816$.",
        r"$0.3470 \cdot 0.4410 \approx 13.51\%$",
        r"$6.022 \cdot 10^{23} \cdot 1.994 \approx 1.201\cdot 10^{25}$",
        r"$-2.504 \cdot 3.102 \approx 7.769$",
        # Outside the intervals, though near.
        r"$12.25 \cdot 0.577 \approx 7.09$",
        r"$15.25 \cdot 0.6009 \approx 9.153$",
        # The intervals are wider than 1%.
        r"$2.4 \cdot 3.1 \approx 7.6$",
        r"$244 \cdot 0.99^{10} \approx 220.6$",
        r"$3.14 \cdot 2.5^2 \approx 19.7$",
        r"$0.05 \cdot 1234.5 \approx 62.1$",
        r"$8.124 - 8.103 \approx 0.022$",
        # Exact claims.
        r"The price is $3 \cdot 19.99 = 59.98$.",
        r"$12.25 \cdot 0.577 = 7.08$",
        r"$3.14 \cdot 25 = 78.54$",
        r"$12 \cdot 17 = 205$",
        r"$12 \cdot 17 \approx 205$",
        r"$\frac{1225}{100} \cdot \frac{577}{1000} = \frac{708}{100}$",
        r"Here $\sqrt{3} \approx 1.732$. Then $25 \cdot 1.732 = 43.31$.",
    ],
)
def test_what_is_false_wide_or_exact_is_not_verified_by_intervals(text: str, checker: Checker) -> None:
    found = translate_document(text).computations
    pairs = zip(found, verdicts(text, checker), strict=True)
    assert {one.result for one, verdict in pairs if verdict == "verified"} <= {"1.732", "7.1"}


@pytest.mark.parametrize(
    ("expression", "stated", "agrees"),
    [
        (r"12.25 \cdot 0.577", "7.08", True),
        (r"12.25 \cdot 0.577", "7.086", False),
        (r"\frac{5000}{1.05^{2.000}}", "4535", False),  # 1.05 alone is known to 1% only
        (r"\frac{5000}{1.0500^{2}}", "4535", True),
        (r"\sqrt{2.000} + \sin 30.00^\circ", "1.914", True),
        (r"\ln 20.00 - \ln 2.000", "2.303", True),
        (r"|2.500 - 7.500|", "5.000", True),
        (r"\frac{3.000}{0.00}", "3", False),
        (r"\sqrt{-2.000}", "1.414", False),
        (r"\log 0.5000", "-0.301", False),  # the base is not known
        (r"x \cdot 2.000", "2", False),
        (r"2^{100000.5}", "2", False),
        (r"\sum_{k=1}^{3} 2.000 k", "12.00", False),
        ("12 \\cdot 17", "204", False),
        ("(1.200, 3.400)", "1.2", False),
        ("nonsense \\frac{", "1", False),
        ("2.000 \\cdot 3.000", "seven", False),
    ],
)
def test_intervals_of_expressions(expression: str, stated: str, agrees: bool) -> None:
    assert agrees_as_rounded(expression, stated) is agrees


def test_the_program_must_print_a_possible_value_too(checker: Checker) -> None:
    pair = r"12.25 \cdot 0.577"
    assert checker.compare("7.08", "7.07", pair, "≈")[:2] == ("verified", "rounded_inputs")
    assert checker.compare("7.08", "7.12", pair, "≈").verdict == "contradicted"
    assert checker.compare("7.08", "7.07", pair, "=").verdict == "contradicted"


def test_later_steps_use_the_stated_value_of_a_result_that_agrees_within_intervals() -> None:
    found = translate_document(r"$\frac{7.250}{1.732} \approx 4.187$, and then $2 \cdot 4.187 = 8.374$.").computations
    assert [one.result for one in found] == ["4.187", "8.374"]
    assert "4.187" in found[1].code


@pytest.mark.parametrize(
    "text",
    [
        r"The mean is $\frac{1.25 + 1.4}{2} \approx 1.32$. Then $100 \cdot 1.32 = 132$ cm.",
        r"Here $\frac{0.7 + 0.55}{2} \approx 0.62$, and so $30 \cdot 0.62 = 18.6$.",
        r"The other is about 4.518, so $m \approx \frac{4.518 + 4.307}{2} \approx 4.412$. So $8 \cdot 4.412 = 35.296$.",
    ],
)
def test_a_value_halfway_that_the_page_rounds_to_the_even_digit_is_rounded_for_later_steps(
    text: str, checker: Checker
) -> None:
    assert verdicts(text, checker)[-1] == "verified", translate_document(text)


def test_a_value_halfway_that_the_page_rounds_up_contradicts_nothing(checker: Checker) -> None:
    text = r"The mean is $\frac{1.25 + 1.4}{2} \approx 1.33$. Then $100 \cdot 1.33 = 133$ cm."
    assert verdicts(text, checker) == ["uncheckable"]
    assert "round(" not in translate_document(text).computations[-1].code
