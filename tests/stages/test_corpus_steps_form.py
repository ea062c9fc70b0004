"""Translated code in the form `steps`: for each computation what is needed to understand it, then its program."""

from typing import Any

import pytest
from translated_pages import snippet, snippets

from stages.corpus.programs import render_program
from stages.corpus.translated import translate_page


def written(text: str, rows: list[dict[str, Any]], context: int = 10_000) -> list[str]:
    """Return the documents of a page; <0>, <1> and on stand for the programs."""
    texts = []
    for document in translate_page(text, rows, "steps", context):
        found = document.text
        for number, row in enumerate(rows):
            found = found.replace(render_program(row), f"<{number}>")
        texts.append(found)
    return texts


def test_a_step_has_the_sentences_before_it_and_no_sentence_twice() -> None:
    text = (
        "A pond has $r = 3$. Its area is $9 \\pi$. So is another. With $h = 2$ it holds $18 \\pi$, all in all.\n\nDone."
    )
    rows = snippets(text, "$9 \\pi$", "$h = 2$", "$18 \\pi$")
    assert written(text, rows) == [
        "A pond has $r = 3$. Its area is $9 \\pi$.\n\n<0>\n\n"
        "So is another. With $h = 2$ it holds $18 \\pi$, all in all.\n\n<1>\n\n<2>\n"
    ]


def test_the_question_before_a_solution_is_part_of_its_first_step() -> None:
    text = "Four rows of 12 chairs are set up.\nHow many chairs?\n\n4 * 12 = 48 chairs. They are red."
    assert written(text, snippets(text, "48")) == [text.removesuffix(" They are red.") + "\n\n<0>\n"]


def test_problems_of_a_page_are_documents_of_their_own() -> None:
    text = "# Review\n\n## Problem 1\n\nIt is 1 + 1 = 2.\n\n**Q:** What is 2 + 2? It is 4.\n\nExercise 3. No number.\n"
    text += "\n4. And 3 + 3 = 6.\n\n**5. What is 4 + 4?** It is 8.\n\nNo number either: 9."
    assert written(text, snippets(text, "= 2", "It is 4", "= 6", "is 8", ": 9")) == [
        "## Problem 1\n\nIt is 1 + 1 = 2.\n\n<0>\n",
        "**Q:** What is 2 + 2? It is 4.\n\n<1>\n",
        "4. And 3 + 3 = 6.\n\n<2>\n",
        "**5. What is 4 + 4?** It is 8.\n\n<3>\n\nNo number either: 9.\n\n<4>\n",
    ]


@pytest.mark.parametrize(
    "formula",
    [
        "$x = 1.$ is less",
        "$f(x) = 5! + 3$ is less",
        "\\(x.\nY\\) or $$a.\nB$$",
        "\\begin{align}x. \\\\ Y = 2.\nZ\\end{align} or \\[x!\n\nY\\]",
        "$(e\n+ 2)x = 3$",
    ],
)
def test_no_step_is_cut_inside_a_formula(formula: str) -> None:
    text = f"We see that {formula} than two, 1 + 1 = 2. Next."
    for place in range(text.index("1 + 1")):
        for context in (0, 10_000):
            row = snippet(text, "1 + 1") | {"anchor": place}
            (found,) = written(text, [row], context)
            step = found.removesuffix("\n\n<0>\n")
            start = text.index(step)
            for bound in (start, start + len(step)):
                inside = text.index(formula) < bound < text.index(" than two")
                assert not inside or text[bound - 1 : bound + 1] in ("$ ", "\\]"), (place, context, step)


def test_a_long_way_to_a_computation_is_cut_at_a_sentence() -> None:
    text = "".join(f"Sentence {number} says nothing. " for number in range(100)) + "But 1 + 1 = 2."
    (found,) = written(text, snippets(text, "= 2"), 70)
    assert found == "Sentence 98 says nothing. Sentence 99 says nothing. But 1 + 1 = 2.\n\n<0>\n"
    (found,) = written(text, snippets(text, "= 2"), 0)
    assert found == "But 1 + 1 = 2.\n\n<0>\n"


def test_a_step_in_a_list_ends_with_its_item() -> None:
    text = "We count:\n\n- Red: 1 + 1 = 2.\n  Not three.\n- Blue: 2 + 2 = 4.\n- None.\n\nDone."
    assert written(text, snippets(text, "1 = 2", "= 4")) == [
        "We count:\n\n- Red: 1 + 1 = 2.\n  Not three.\n\n<0>\n\n- Blue: 2 + 2 = 4.\n\n<1>\n"
    ]


def test_a_step_in_a_table_has_the_whole_table() -> None:
    text = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\nDone."
    assert written(text, snippets(text, "| 1 | 2", "| 3 | 4")) == [text.removesuffix("\n\nDone.") + "\n\n<0>\n\n<1>\n"]


def test_a_page_of_empty_lines_has_a_program_alone() -> None:
    row = snippet("\n\n", "\n\n")
    assert written("\n\n", [row]) == ["<0>\n"]
    (page,) = translate_page("\n\n", [row], "page", 10)
    assert page.text == f"\n\n{render_program(row)}\n\n"


def model_snippet(text: str, end: str, **other: Any) -> dict[str, Any]:
    return snippet(text, end, translator="a-model", expression="3 \\cdot 4", result="12", stated="12", **other)


def test_a_models_step_has_its_own_conditions_and_the_formula() -> None:
    text = "Three rows of 4 have 12."
    row = model_snippet(text, "12", title="Chairs", conditions="There are 3 rows of 4 chairs.\n")
    assert written(text, [row]) == [
        "**Chairs**\n\nThere are 3 rows of 4 chairs.\n\n$$3 \\cdot 4 = 12$$\n\n<0>\n",
    ]


def test_an_approximate_result_is_not_called_equal() -> None:
    text = "It has about 12."
    row = model_snippet(text, "12", conditions="There are 3 rows.", relation="≈")
    assert "$$3 \\cdot 4 \\approx 12$$" in written(text, [row])[0]


@pytest.mark.parametrize("conditions", ["As $ 3\\cdot4 = \\boxed{12} $.", "We know $\\left.3 \\cdot 4\\right. = 12$."])
def test_a_formula_that_the_conditions_have_is_not_written_again(conditions: str) -> None:
    text = "It has 12."
    assert written(text, [model_snippet(text, "12", conditions=conditions)]) == [f"{conditions}\n\n<0>\n"]


def test_a_models_conditions_are_not_repeated() -> None:
    text = "It has 12, that is 6 times 2."
    rows = [
        model_snippet(text, "12", conditions="There are rows."),
        model_snippet(text, "2.", conditions="There are rows.", position=1, code="print(6 * 2)")
        | {"expression": "6 x 2"},
    ]
    assert written(text, rows) == ["There are rows.\n\n$$3 \\cdot 4 = 12$$\n\n<0>\n\n$$6 x 2 = 12$$\n\n<1>\n"]


def test_a_models_step_without_conditions_has_the_pages_sentences() -> None:
    text = "Three rows of 4 have 12. Done."
    assert written(text, [model_snippet(text, "12")]) == ["Three rows of 4 have 12.\n\n<0>\n"]
