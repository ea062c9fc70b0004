"""A model's computation is placed behind the paragraph that it belongs to."""

import pytest

from stages.translate.anchors import numbers_in, read_paragraphs
from stages.translate.computation import Computation

TEXT = """A bed is 3 m across and 12 cm deep.

Its edge is $3\\pi$ m, about 9.42 m, so 48 stones.

The soil fills 848 litres. With bags of 40 litres, that is $\\frac{848}{40} = 21.2$, hence 22 bags.

   \t
A pump of 1,200 litres an hour needs 42 minutes."""


def paragraph_of(conditions: str, expression: str, result: str, text: str = TEXT) -> str:
    end = read_paragraphs(text).find(Computation("", conditions, expression, result, ""))
    return text[:end].rpartition("\n\n")[2].strip()[:12]


@pytest.mark.parametrize(
    ("conditions", "expression", "result", "paragraph"),
    [
        ("A bed is 3 m across.", "3\\pi", "9.42 metres", "Its edge is "),
        ("848 litres in bags of 40 litres", "\\frac{848}{40}", "22", "The soil fil"),
        ("A pump of 1200 litres an hour", "848 / 1200", "42", "A pump of 1,"),
        ("", "", "x^2", "A bed is 3 m"),  # nothing tells
    ],
)
def test_the_paragraph_with_the_result_and_most_of_the_numbers(
    conditions: str, expression: str, result: str, paragraph: str
) -> None:
    assert paragraph_of(conditions, expression, result) == paragraph


def test_of_equally_good_paragraphs_the_first_is_taken() -> None:
    assert paragraph_of("", "2 + 3", "5", "First: 2 + 3 = 5.\n\nAgain: 2 + 3 = 5.") == "First: 2 + 3"


def test_the_paragraph_that_states_the_result_goes_before_one_with_its_numbers() -> None:
    text = (
        "So $\\frac{1 - x^2}{2}$ and 1, 2, e.\n\nIt is $$\\int_0^1 y e^{y^2} dy = \\tfrac{e - 1}{2}.$$\n\nNot $= 1$, 2."
    )
    assert paragraph_of("e, 1, 2", "\\int_0^1 y", "\\frac{e-1}{2}", text) == "It is $$\\int"
    assert paragraph_of("2 + 3", "", "5", "2 + 3 is 5.\n\nThen $x = 5.5$ or $= 57$ or $= 5^2$.") == "2 + 3 is 5."


def test_a_result_is_stated_in_words_too() -> None:
    text = "Twelve steps.\n\nSo 927 ways.\n\nOthers: 572 ways of 12 steps, and 927 - 572 = 355."
    assert paragraph_of("12 steps, ways", "", "927", text) == "So 927 ways."


def test_a_text_of_one_paragraph_and_an_empty_one() -> None:
    assert read_paragraphs("3 = 3").ends == [5]
    assert read_paragraphs("").find(Computation("", "", "", "1", "")) == 0
    assert read_paragraphs("a\n\n").ends == [1, 3]


def test_groups_of_digits_are_one_number() -> None:
    assert numbers_in("1,200 and 1{,}200 and 12,5 and 3.14") == {"1200", "12", "5", "3.14"}


def test_a_numbered_item_is_a_place_of_its_own_and_has_the_words_of_its_paragraph() -> None:
    text = "A club has 7 women and 5 men.\n\n1. At least one man: $495 - 35 = 460$.\n2. No man: $\\binom{7}{4} = 35$."
    paragraphs = read_paragraphs(text)
    end = paragraphs.find(Computation("", "No man", "\\binom{7}{4}", "35", ""))
    assert end == len(text)
    first = paragraphs.find(Computation("", "at least one man", "495 - 35", "460", ""))
    assert text[:first].endswith("= 460$.")
    assert {"least", "man", "binom"} <= paragraphs.words(end) == paragraphs.words(first)


SERIES = """*Example.* Of four seeds three: $4 \\cdot \\frac{27}{64} \\cdot \\frac{1}{4} = \\frac{27}{64}$.

*Mean.* On average $4 \\cdot \\frac{3}{4} = 3$ seeds germinate.

*Variance.* Here $4 \\cdot \\frac{3}{4} \\cdot \\frac{1}{4} = \\frac{3}{4}$, and twelve seeds would have 9."""


@pytest.mark.parametrize(
    ("conditions", "expression", "result", "paragraph"),
    [
        ("four seeds, p = 3/4", "np", "4 \\cdot \\frac{3}{4} = 3", "*Mean.* On a"),
        ("four seeds, p = 3/4", "np(1-p)", "4 \\cdot \\frac{3}{4} \\cdot \\frac{1}{4} = \\frac{3}{4}", "*Variance.* "),
        ("the mean of the seeds", "np", "3 seeds", "*Mean.* On a"),
    ],
)
def test_the_last_value_of_a_result_and_rare_words_tell_the_paragraph(
    conditions: str, expression: str, result: str, paragraph: str
) -> None:
    assert paragraph_of(conditions, expression, result, SERIES) == paragraph


@pytest.mark.parametrize(
    ("result", "is_stated"),
    [
        ("9", True),
        ("12 seeds", True),
        ("\\frac{27}{64}", True),
        ("5", False),
        ("e^{-3} \\approx 0.05", True),
        ("no solution", True),
        ("1 / (27 * 4)", False),
        ("4 \\cdot \\frac{3}{4}", True),
    ],
)
def test_a_result_is_stated_if_the_text_has_its_numbers_in_digits_or_words(result: str, is_stated: bool) -> None:
    paragraphs = read_paragraphs(SERIES + " And $e^{-3}$.")
    assert paragraphs.states(Computation("", "", "", result, "")) is is_stated


@pytest.mark.parametrize(
    ("result", "text", "is_stated"),
    [
        ("\\frac{3}{4}", "So $p = \\tfrac34$ is left.", True),
        ("\\frac{3}{4}", "So 3/4 is left.", True),
        ("\\frac34", "It is ¾, from 3 and 4.", True),
        ("3/4", "It is 0.75, from 3 of 4.", True),
        ("\\frac{3}{4}", "Three quarters of them, 4 in all, so 3.", True),
        ("\\frac{3}{4}", "There are 3 of 4.", False),
        # Each part of a result counts, and x alone says nothing.
        ("x = 4 or x = \\frac{1}{2}", "So $x = 1$, $x = 4$ or 2.", False),
        ("x = 4 or x = 5", "So $x = 4$ or 5.", True),
        ("x = 4 and y = 7", "So $x = 4$.", False),
        ("e^{-3} \\approx 0.05", "That is 0.05.", True),
        ("1,200", "There are 1,200 or 1200.", True),
        ("1{,}200 \\text{ or }1\\,300", "There are 1200 to 1,300.", True),
        ("(3, 4)", "It is 3.", False),
        # 6 and pi somewhere in a text do not state the root of 6.
        ("\\pi \\sqrt{6}", "From $x^2 - 6y^2 = 6$ follows the area $7 \\pi$.", False),
        ("\\frac{\\sqrt{2}}{4}", "It is $\\frac{\\sqrt2}4$.", True),
        ("\\sqrt{24}", "It is $\\sqrt24$, from 24.", False),
        ("2\\sqrt{17}", "It is 2√17.", True),
        ("5*sqrt(5)/2", "It is $\\frac{5\\sqrt{5}}{2}$.", True),
        ("\\sqrt{6}", "The square root of 6.", True),
        ("15π", "The area is $15\\pi$.", True),
        ("15\\pi", "The area is 15.", False),
    ],
)
def test_the_text_must_have_each_part_fraction_and_root_of_a_result(result: str, text: str, is_stated: bool) -> None:
    assert read_paragraphs(text).states(Computation("", "", "", result, "")) is is_stated
