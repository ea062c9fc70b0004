"""Translated code in the form `page`: the page's own text with each program behind its paragraph."""

import re
from pathlib import Path

import pytest
from translated_pages import snippet, snippets

from mathcode_pile.core.errors import InputError
from stages.corpus.programs import render_program
from stages.corpus.translated import translate_page

SAMPLE = Path(__file__).resolve().parents[2] / "sample" / "pages"


def written(text: str, *ends: str, context: int = 10_000) -> str:
    """Return the only document of a page; <0>, <1> and on stand for the programs."""
    rows = snippets(text, *ends)
    (document,) = translate_page(text, rows, "page", context)
    found = document.text
    for number, row in enumerate(rows):
        found = found.replace(render_program(row), f"<{number}>")
    return found


def test_a_program_and_its_output_follow_the_paragraph() -> None:
    text = "First, $1 + 1 = 2$. So it\nis two.\n\nThe end."
    (document,) = translate_page(text, [snippet(text, "= 2$")], "page", 100)
    program = "```python\nprint(1 + 1)\n```\n\n```output\n2\n```"
    assert document.text == f"First, $1 + 1 = 2$. So it\nis two.\n\n{program}\n\nThe end.\n"


BLOCKS = {  # a page with a program behind a block, and what of the block the computation ends with
    "what one says in a thread": ("owl: $1 + 1 = 2$.\n\n<0>\n\nredfox: And more.\n\nowl: Yes.", "= 2$"),
    "a list": ("We add:\n\n- $1 + 1 = 2$\n- $3$\n\n<0>\n\nDone.", "= 2$"),
    "a list with empty lines": ("1. $1 + 1 = 2$\n\n2. Next\n\n   and more.\n\n<0>\n\nDone.", "= 2$"),
    "a numbered problem of several lines": ("1) Add.\n   $1 + 1 = 2$\n\n<0>\n\n2) Add more.\n   $4$\n\nDone.", "= 2$"),
    "the last of several": ("1) Add.\n   $3$\n\n2) Add more.\n   $1 + 1 = 2$\n\n<0>\n\n3) No.\n   Yes.", "= 2$"),
    "a long numbered item of one line": (
        "1. Add one and one in your head, and write $1 + 1 = 2$.\n\n<0>\n\n"
        "(b) Then add two and one, and write below what the next number is.\n\nDone.",
        "= 2$",
    ),
    "short numbered items": ("1. $1 + 1 = 2$\n2. $3$\n\n3. $4$\n4. $5$\n\n<0>\n\nDone.", "= 2$"),
    "a table": ("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\n<0>\n\nDone.", "| 1 | 2"),
    "a fence": ("```text\n1 + 1 = 2\n\nmore\n```\n\n<0>\n\nDone.", "= 2"),
    "a long fence": ("~~~~\n1 + 1 = 2\n\n~~~\n\n~~~~\n\n<0>\n\nDone.", "= 2"),
    "indented code": ("So:\n\n    x = 1 + 1 = 2\n\n    y = 2\n\n<0>\n\nDone.", "= 1 + 1 = 2"),
    "a quote": ("> $1 + 1 = 2$\n>\n> more\n\n> and on\n\n<0>\n\nDone.", "= 2$"),
    "dollars": ("Then\n\n$$\n1 + 1\n\n= 2\n$$\n\n<0>\n\nDone.", "= 2"),
    "brackets": ("Then\n\n\\[\n1 + 1\n\n= 2.\n\\]\n\n<0>\n\nDone.", "= 2"),
    "an environment": ("\\begin{align*}\n1 + 1 &= 2 \\\\\n\n3 &= 3\n\\end{align*}\n\n<0>\n\nDone.", "&= 2"),
    "an HTML table": ("<table>\n<tr><td>1 + 1 = 2\n\n</table>\n\n<0>\n\nDone.", "= 2"),
    "nested HTML": ("<ul><li>= 2\n\n<ul>x</ul>\n\n</ul>\n\n<0>\n\nDone.", "= 2"),
    "a drawing": ("[asy]\nx = 2;\n\ny\n[/asy]\n\n<0>\n\nDone.", "= 2"),
    "a sentence that goes on": ("Now\n\n$$1 + 1 = 2$$\n\nwhich is even.\n\n<0>\n\nDone.", "= 2"),
    "a colon": ("It is $1 + 1 = 2$, so:\n\n$$x = 2.$$\n\n<0>\n\nDone.", "1 = 2$"),
    "the end": ("It is $1 + 1 = 2$\n\n<0>", "= 2$"),
    "the end with a line break": ("It is $1 + 1 = 2$.\n\n<0>\n", "= 2$"),
    "white space at the end": ("It is $1 + 1 = 2$.\n\n<0> \n\n\n", "2$. \n\n"),
    "white space at the start": ("\n\n It is two.\n\n<0>\n\nDone.", "two"),
    "the empty line before": ("One.\n\nTwo.\n\n<0>\n\nThree.", "One.\n"),
    "an open fence": ("```\n1 + 1 = 2\n\n<0>\n\nDone.", "= 2"),
    "an open formula": ("$$1 + 1 = 2\n\n<0>\n\nDone.", "= 2"),
    "prices": ("It costs $2 + $1 = $3.\n\n<0>\n\nNot $5.", "= $3"),
    "a line that begins with a minus sign": ("Then $1 - 2\n- 3 = -4$.\n\n<0>\n\n- a list", "-4$"),
    "wide empty lines": ("One.\n\n<0>\n \t\n\nTwo.", "One"),
}


@pytest.mark.parametrize("block", BLOCKS)
def test_a_program_stands_behind_the_whole_block(block: str) -> None:
    expected, end = BLOCKS[block]
    found = written(expected.replace("\n\n<0>", ""), end)
    assert found == (expected if expected.endswith("\n") else expected + "\n")


def test_where_there_are_no_empty_lines_a_line_that_ends_a_sentence_is_a_paragraph() -> None:
    text = "One is 1 + 1 = 2.\nIt is even\nand prime.\nDone."
    assert written(text, "= 2", "and") == "One is 1 + 1 = 2.\n\n<0>\n\nIt is even\nand prime.\n\n<1>\n\nDone.\n"


def test_programs_of_one_paragraph_follow_each_other_in_the_order_of_the_text() -> None:
    text = "It is 1 + 1 = 2, then 2 + 2 = 4.\n\nAnd 3 + 3 = 6."
    expected = "It is 1 + 1 = 2, then 2 + 2 = 4.\n\n<2>\n\n<0>\n\nAnd 3 + 3 = 6.\n\n<1>\n"
    assert written(text, "= 4", "= 6", "1 = 2") == expected


def test_a_page_with_windows_line_ends_keeps_them() -> None:
    text = "It is $1 + 1 = 2$.\r\n\r\n- a\r\n\r\n- 3 = 3\r\n\r\nDone.\r\n"
    (document,) = translate_page(text, snippets(text, "= 2$", "= 3"), "page", 1000)
    first, second = ("\r\n\r\n" + render_program(row).replace("\n", "\r\n") for row in snippets(text, "= 2$", "= 3"))
    assert document.text == f"It is $1 + 1 = 2$.{first}\r\n\r\n- a\r\n\r\n- 3 = 3{second}\r\n\r\nDone.\r\n"


@pytest.mark.parametrize("anchor", [-1, 6, 10_000])
def test_an_anchor_beyond_the_text_is_an_error_that_names_the_snippet(anchor: int) -> None:
    row = snippet("Short", "Short", position=3) | {"anchor": anchor}
    with pytest.raises(InputError, match=rf"^snippet s/1#3: anchor {anchor}: its page has 5 characters$"):
        translate_page("Short", [row], "page", 100)


def test_a_fence_is_longer_than_any_inside_it() -> None:
    row = snippet("x", "x", 'print("""\n```\n""")') | {"stdout": "````\n"}
    assert render_program(row) == '`````python\nprint("""\n```\n""")\n`````\n\n`````output\n````\n`````'


@pytest.mark.parametrize(
    ("one", "other", "written"),
    [
        ("0.75", "3/4", 1),
        ("13 rounds", "13", 1),
        ("(24*sqrt(3)) square units", "(24*sqrt(3))", 1),
        ("S = 5", "5", 1),
        ("0.75", "4/3", 2),
        ("13 rounds", "14", 2),
        ("2*x", "2", 2),
    ],
)
def test_of_two_translators_with_one_value_a_model_is_written(one: str, other: str, written: int) -> None:
    text = "We add and get $4$."
    rows = [
        snippet(text, "4$", "print(2 + 2)", position=0, stated=other),
        snippet(text, "4$", "print(sum([2, 2]))", position=1, stated=one, translator="Qwen/x"),
    ]
    (document,) = translate_page(text, rows, "page", 100)
    assert len(document.snippets) == written and document.snippets[-1]["translator"] == "Qwen/x"


@pytest.mark.parametrize("result", ["stated", "result"])
def test_a_result_that_both_translators_verified_has_the_models_program(result: str) -> None:
    text = "It is 1 + 1 = 2, and 2 + 2 = 4.\n\nAgain 1 + 1 is two."
    rows = [
        snippet(text, "1 = 2", "print(1 + 1)"),
        snippet(text, "= 4", "print(2 + 2)", position=1, stated="4", result="4"),
        snippet(text, "and", "print(sum([1, 1]))", position=2, translator="a-model"),
        snippet(text, "two", "print(3 - 1)", position=3),
    ]
    if result == "result":
        rows = [row | {"stated": ""} for row in rows]
    (document,) = translate_page(text, rows, "page", 1000)
    assert [row["position"] for row in document.snippets] == [2, 1, 3]
    assert "print(1 + 1)" not in document.text


def test_two_ways_of_one_translator_to_a_result_stay_and_the_same_program_is_written_once() -> None:
    text = "It is 1 + 1 = 2 or 4 / 2 = 2, that is 1 + 1."
    rows = [
        snippet(text, "1 = 2"),
        snippet(text, "/ 2 = 2", "print(4 // 2)", position=1),
        snippet(text, "is 1 + 1.", position=2),
    ]
    (document,) = translate_page(text, rows, "page", 1000)
    assert [row["position"] for row in document.snippets] == [0, 1]


def test_of_a_long_page_the_parts_around_its_programs_are_written() -> None:
    paragraphs = [f"Paragraph {number:04} is here." for number in range(1000)]
    paragraphs[500] += " It is 1 + 1 = 2."
    paragraphs[503] += " It is 2 + 2 = 4."
    paragraphs[900] += " It is 3 + 3 = 6."
    text = "\n\n".join(paragraphs)
    rows = snippets(text, "= 2.", "= 4.", "= 6.")
    first, second = translate_page(text, rows, "page", 60)
    assert re.findall(r"Paragraph (\d+)", first.text) == [f"{n:04}" for n in range(498, 506)]
    assert re.findall(r"Paragraph (\d+)", second.text) == [f"{n:04}" for n in range(898, 903)]
    assert [[row["position"] for row in part.snippets] for part in (first, second)] == [[0, 1], [2]]
    (whole,) = translate_page(text, rows, "page", 100_000)
    assert whole.text.startswith(paragraphs[0]) and whole.text.endswith(paragraphs[-1] + "\n")
    (alone,) = translate_page(text, rows[2:], "page", 0)
    assert alone.text == f"{paragraphs[900]}\n\n{render_program(rows[2])}\n"


def test_a_program_stands_behind_its_item_of_a_tight_list() -> None:
    items = [
        f"{n}. *Case {n}.* We choose {n} of seven people for the committee, in any order, so {n} + 7 = {n + 7} ways."
        for n in (1, 2, 3)
    ]
    text = "All were exam questions.\n\n" + "\n".join(items) + "\n\nThat is all.\n"
    rows = snippets(text, "= 9 ways.", "= 8 ways.")
    (document,) = translate_page(text, rows, "page", 2000)
    first, second = (render_program(rows[n]) for n in (1, 0))
    expected = f"{items[0]}\n\n{first}\n{items[1]}\n\n{second}\n{items[2]}\n\nThat is all.\n"
    assert document.text == f"All were exam questions.\n\n{expected}"


def test_without_its_programs_a_page_of_the_sample_is_itself_byte_for_byte() -> None:
    for path in sorted(SAMPLE.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        rows = [
            snippet("x", "x", f"print({anchor})", position=number, stated=str(number)) | {"anchor": anchor}
            for number, anchor in enumerate(range(0, len(text), 97))
        ]
        (document,) = translate_page(text, rows, "page", len(text))
        rest = document.text
        for row in document.snippets:
            before, found, rest = rest.partition("\n\n" + render_program(row))
            assert found, path.name
            start, text = text[: len(before)], text[len(before) :]
            assert start == before, path.name
        assert rest in (text, text + "\n"), path.name
