"""The rules agree with labelled pages, and no text takes them long."""

import time

import pytest

from bench.annotate import KEPT, compare_types, load_pages, to_table
from stages.annotate.rules import PieceType, type_piece


def test_rules_agree_with_labels_on_pages_that_they_were_not_developed_on() -> None:
    for half in ("report", "check"):
        pages = load_pages(half)  # type: ignore[arg-type]
        agreement = compare_types(pages, [int(type_piece(page.text)) for page in pages])
        assert agreement.keep_or_drop >= 0.95, to_table(agreement)
        assert agreement.type >= 0.88, to_table(agreement)


def test_the_labelled_pages_are_many_and_all_different() -> None:
    pages = load_pages()
    assert len({page.kind for page in pages}) == len({page.text for page in pages}) == len(pages) >= 200
    for half in ("develop", "report", "check"):
        assert {page.type for page in load_pages(half)} == set(range(1, 8))  # type: ignore[arg-type]
    words = [len(page.text.split()) for page in pages]
    assert min(words) >= 55 and max(words) <= 330


def test_a_missing_answer_drops_a_page() -> None:
    pages = [page for page in load_pages("report") if page.type in KEPT]
    assert compare_types(pages, [0] * len(pages)).keep_or_drop == 0


@pytest.mark.parametrize(
    "text",
    [
        "Set the variable to the root of the tree. A point in time is a set of values; the order matters.",
        "Each time the degree goes up by one, the number of tiles is a multiple of four. The parts are equal.",
    ],
)
def test_everyday_words_alone_are_no_mathematics(text: str) -> None:
    assert type_piece(text * 3) not in KEPT


def test_everyday_words_beside_formulas_are_mathematics() -> None:
    text = (
        "The degree of a product is the sum of the degrees: if $f$ has degree $m$ and $g$ has $n$, $fg$ has $m + n$. "
    )
    assert type_piece(text * 3) == PieceType.CONCEPT_OR_THEORY


def test_an_exercise_is_kept_only_with_its_solution() -> None:
    exercise = "Find the smallest positive integer $n$ for which $n^2 + n + 41$ is not prime."
    solution = "For $n = 40$ we get $40 \\cdot 40 + 40 + 41 = 1681$, which is $41^2$. Smaller numbers all give primes."
    assert type_piece(exercise) == PieceType.PROBLEM_WITHOUT_SOLUTION
    assert type_piece(f"{exercise}\n\n{solution}") == PieceType.PROBLEM_AND_SOLUTION


def test_a_word_problem_needs_no_mathematical_word() -> None:
    question = "A baker sells 12 rolls an hour. How many rolls does she sell in a day of 8 hours?"
    assert type_piece(f"{question} She sells 12 x 8 = 96 rolls.") == PieceType.PROBLEM_AND_SOLUTION
    assert type_piece(question) not in KEPT


def test_a_page_of_a_reference_is_kept_only_if_it_defines_something() -> None:
    parameters = "\n\nParameters\n----------\nx : array_like\n    The input.\n\nReturns\n-------\ny : ndarray\n"
    definition = (
        "The gamma function is the integral :math:`\\int_0^\\infty t^{x-1} e^{-t} dt`; it satisfies `G(x+1) = x G(x)`."
    )
    assert type_piece(f"Gamma function.\n\n{definition}{parameters}") == PieceType.CONCEPT_OR_THEORY
    assert type_piece(f"Apply the linear map to X.{parameters}") == PieceType.SOFTWARE


def test_a_list_of_tasks_is_posed_by_the_request_before_it() -> None:
    items = [
        "If $a < b$ then $a^2 < b^2$.",
        "The sum of two primes is even.",
        "Every set of reals has a least element.",
    ]
    items += ["If $f$ is injective, so is $f^2$.", "The union of two groups is a group."]
    listed = "\n".join(f"({'abcde'[place]}) {item}" for place, item in enumerate(items))
    assert type_piece(f"Prove or give a counterexample.\n\n{listed}") == PieceType.PROBLEM_WITHOUT_SOLUTION
    steps = ["Subtract 5, which gives $3x = 12$.", "Divide by 3, so $x = 4$.", "Check: $3 \\cdot 4 + 5 = 17$."]
    steps += ["Hence the solution is $x = 4$.", "It is unique, because each step can be reversed."]
    worked = "\n".join(f"{place}. {step}" for place, step in enumerate(steps, 1))
    assert type_piece(f"Solve $3x + 5 = 17$.\n\n{worked}") == PieceType.PROBLEM_AND_SOLUTION


def test_statistics_of_a_study_are_no_mathematics() -> None:
    study = (
        "The groups differed, t(58) = 2.71, p = .009, and so did the sessions, F(1, 58) = 4.90, p < .05. "
        "Those who practised (M = 7.4, SD = 1.2) were faster than those who did not (M = 8.9, SD = 1.6), r = -.31."
    )
    assert type_piece(study) not in KEPT
    lesson = (
        "The mean of a sample is $M = 7.4$ and its standard deviation $s = 1.2$. The standard error is the deviation "
        "divided by the root of the size, $1.2 / \\sqrt{36} = 0.2$, because the variances of independent summands add."
    )
    assert type_piece(lesson) in KEPT


@pytest.mark.parametrize("unit", ["-", "1.", "a ", "problem ", "1) ", "(", "$", "x=", "\n", "`", "[asy]", "1 + ", "**"])
def test_no_text_takes_long(unit: str) -> None:
    started = time.process_time()
    type_piece((unit * 5000)[:5000])
    assert (
        time.process_time() - started < 5
    )  # less than 0.4 s where this was written; a pattern that explodes takes hours
