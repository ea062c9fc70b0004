"""The figures on translated code: each fault is found, and what only resembles it is not."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import run_module
from translated_pages import snippet, snippets

from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.program_output import has_float_noise
from mathcode_pile.core.shards import write_shards
from stages.corpus.program_quality import is_trivial, names_given_quantity
from stages.corpus.quality import Quality, find_repeated, find_unbalanced, measure_document, read_programs
from stages.corpus.translated import translate_page

NAMED = "radius = 3\nprint(radius * radius * 4)"


def document(before: str, code: str = NAMED, output: str = "36", after: str = "") -> str:
    return f"{before}\n\n```python\n{code}\n```\n\n```output\n{output}\n```\n{after}"


def faults(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for figure, excerpt in measure_document(text, "{}").faults:
        found.setdefault(figure, []).append(excerpt)
    return found


@pytest.mark.parametrize(
    "code",
    [
        "print(5 * 5)",
        "print(8 - -2)",
        "print('2340')",
        "from fractions import Fraction\nprint(Fraction(2340, 15))",
        "from sympy import sqrt\nprint(sqrt(343))",
        "x = 4\nprint(round(float(x), 2))",
        "total = 4\ntotal += 1\nprint(total)",
    ],
)
def test_a_program_with_one_operation_is_trivial(code: str) -> None:
    assert is_trivial(code)


@pytest.mark.parametrize(
    "code",
    [
        "print(5 * 5 + 1)",
        "from fractions import Fraction\nprint(Fraction(1, 2) * 4)",
        "print(sum([1, 2, 3]))",
        "for i in range(3):\n    print(i)",
        "print([x for x in (1, 2)])",
        "from math import comb\nprint(comb(10, 3))",
        "from sympy import Matrix\nprint(Matrix([[1]]) * Matrix([[2]]))",
        "print(int('1011', 2))",
        "import sympy\nx = sympy.symbols('x')\nprint(sympy.diff(x, x))",
        "a program that Python does not read",
    ],
)
def test_a_program_that_works_is_not_trivial(code: str) -> None:
    assert not is_trivial(code)


@pytest.mark.parametrize(
    ("code", "conditions"),
    [
        ("r = 3", "a radius of $r = 3$ cm"),
        ("price = 1250.5", "it costs 1,250.50 euros"),
        ("price = 1250", "it costs $1{,}250$ euros"),
        ("rate = 0.05", "interest of 5\\% a year"),
        ("rate = Fraction('0.05')", "interest of 0.05"),
        ("p = Fraction(3, 4)", "with probability $\\frac{3}{4}$"),
        ("p = 3 / 4", "with probability 3/4"),
        ("ages = [3, 5, 8]", "children of 3, 5 and 8 years"),
        ("a, b = 7, 1000", "an apple for 7"),
        ("A = Matrix([[5, -2], [Rational(1, 2), 0]])", "$\\begin{pmatrix} 5 & -2 \\\\ \\frac12 & 0 \\end{pmatrix}$"),
        ("prices = {'apple': 3, 'pear': 2}", "an apple for 3, a pear for 2"),
        ("depth: float = -12.5", "12.5 metres below"),
        ("from sympy import *\nx = symbols('x')\nrows = Integer(4)", "four rows of chairs"),
    ],
)
def test_a_name_for_a_number_of_the_text_is_found(code: str, conditions: str) -> None:
    assert names_given_quantity(code, conditions)


@pytest.mark.parametrize(
    ("code", "conditions"),
    [
        ("print(3 * 4)", "3 rows of 4"),
        ("r = 3", "a radius of 13 and 3.5"),
        ("x = symbols('x')", "x is 3"),
        ("total = 3 * 4", "3 rows of 4"),
        ("ages = [3, 5, 9]", "children of 3, 5 and 8 years"),
        ("is_even = True", "1 is odd"),
        ("a program that Python does not read", "3"),
        ("", "3"),
    ],
)
def test_other_names_are_not_given_quantities(code: str, conditions: str) -> None:
    assert not names_given_quantity(code, conditions)


@pytest.mark.parametrize(
    "output", ["9.280000000000001", "x = 0.30000000000000004\n", "4.150000000000006", "5.999999999999999"]
)
def test_float_noise_is_found(output: str) -> None:
    assert has_float_noise(output) and "float_noise" in faults(document("It is 3.", output=output))


@pytest.mark.parametrize("output", ["9.28", "100.53096491487338", "1000000000000000", "0.0000001", "0.999", "1/3"])
def test_other_numbers_are_no_noise(output: str) -> None:
    assert not has_float_noise(output)


@pytest.mark.parametrize(
    "code",
    ["x = 0x" + "f" * 9000, "x = '1e99999999'", "x = " + "/".join("1" * 2000), "x = " + "-" * 90 + "1", "x = 1e400"],
)
def test_hostile_programs_and_outputs_are_measured(code: str) -> None:
    for output in ("0." + "0" * 65_000, "1" * 65_000, "." * 65_000, "0.9" * 20_000):
        assert measure_document(document("It is 3.", code, output), "{}").programs == 1


def test_a_repeated_sentence_is_found_wherever_the_lines_break() -> None:
    sentence = "The area is $3 \\cdot 4 = 12$ square metres."
    text = document(sentence, after="\n" + document(sentence.replace("area is", "area\nis")))
    assert faults(text)["repeated_sentences"] == [sentence]


@pytest.mark.parametrize(
    "text",
    [
        "Take your time with this, and draw a figure. And again: Take your time with this, and draw a figure.",
        "pinecone42: Great, and how about this one?\n\npinecone42: Great, and how about this one?",
        "$1 + 1 = 2$.\n\n$1 + 1 = 2$.",
        "```\nfor number in 1, 2, 3, 4, 5: print(number)\n```\n\n```\nfor number in 1, 2, 3, 4, 5: print(number)\n```",
    ],
)
def test_what_people_say_twice_is_not_repeated(text: str) -> None:
    assert find_repeated(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "9}$ and $10x - x = 9$, so $x = 1$.",
        "It is $\\frac{1}{2$ of it.",
        "We have $$x = 3.\n\nDone.",
        "Then \\[x = 3 and on.",
        "Then x = 3\\) and on.",
        "\\begin{align*} x &= 3",
        "It is $\\left( x + 1 )$ of it.",
        "= 720$ orders, times two: $2 \\cdot 6! = 1440$.",
        "volumes I and II of one novel, $6! = 720$ orders, times two: $2 \\cdot 6!",
    ],
)
def test_a_cut_formula_is_unbalanced(text: str) -> None:
    assert find_unbalanced(text) and "unbalanced_formulas" in faults(document(text))


@pytest.mark.parametrize(
    "text",
    [
        "It is $\\frac{1}{2}$ of $\\{1, 2\\}$ and \\$5.",
        "It costs $5.",
        "It costs $5, not $6, as 5 = $<<2+3=5>>5.",
        "We have\n\\[ x = \\begin{cases} 1 \\\\[2pt] 2 \\end{cases} \\]",
        "\\begin{align*}\nx &= 3\n\n\\end{align*}",
        "Write `$x` for the name.",
        "```\necho $HOME {\n```",
        '[asy] label("$x$", (0,0)); draw((0, {) [/asy]',
        "$\\left.\\frac{1}{x}\\right|_1^2$ and $\\leftarrow$",
    ],
)
def test_whole_formulas_prices_and_code_are_balanced(text: str) -> None:
    assert find_unbalanced(text) == []


@pytest.mark.parametrize("word", ["approximately", "about", "roughly", "to the nearest cent", "rounded to two places"])
def test_equals_for_approximately_is_found(word: str) -> None:
    text = document(
        f"The rest is not. The price is {word} 126.63.\n\n$$68.08 \\cdot 1.86 = 126.63$$", output="126.6288"
    )
    assert faults(text)["equals_for_approximately"] == ["68.08 \\cdot 1.86 = 126.63"]


@pytest.mark.parametrize(
    "before",
    [
        "The price is about 126.63.\n\n$$68.08 \\cdot 1.86 \\approx 126.63$$",
        "The price is 126.63.\n\n$$68.08 \\cdot 1.86 = 126.63$$",
        "Think about it. The price is exact.\n\n$$68.08 \\cdot 1.86 = 126.63$$",
        "The price is about 126.63.",
        "$$68.08 \\cdot 1.86 = 126.63$$",
        "The price is about this.\n\n$$68.08 \\cdot 1.86 = 126.6288$$",
    ],
)
def test_other_formulas_may_say_equals(before: str) -> None:
    assert "equals_for_approximately" not in faults(document(before, output="126.6288"))


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("form", ["page", "steps"])
def test_every_program_that_is_written_is_read_again(newline: str, form: Any) -> None:
    text = newline.join(["It is 1 + 1 = 2.", "", "```python", "page = 1", "```", "", "- and 2 + 2 = 4."])
    fenced = snippet(text, "= 2.", "print('''\n```\n''')", stdout="```\n", stated="x", position=7)
    rows = [*snippets(text, "= 2.", "= 4."), fenced]
    (found,) = translate_page(text, rows, form, 1000)
    programs, prose = read_programs(found.text)
    assert [program.code.strip() for program in programs] == [
        row["code"].replace("\n", newline if form == "page" else "\n") for row in found.snippets
    ]
    assert len(programs) == 3 and programs[0].before.strip() == "It is 1 + 1 = 2."
    assert "print(" not in prose and "page = 1" in prose


def test_the_figures_count_documents_programs_and_translators() -> None:
    quality = Quality()
    metadata = json.dumps({"translators": {"symbolic": [0], "Qwen/x": [1]}})
    quality.add("t/1", measure_document(document("A radius of 3 cm.", after=document("\nNone.", "print(1)")), metadata))
    quality.add(
        "t/2", measure_document(document("It is here.", "print(2 * 2)"), json.dumps({"translators": {"symbolic": [0]}}))
    )
    assert quality.documents == 2 and quality.examples["trivial"] == ["t/1: print(1)", "t/2: print(2 * 2)"]
    assert quality.to_metrics() == {
        "programs": 3,
        "translators": "Qwen/x 1, symbolic 2",
        "trivial_share": 0.6667,
        "given_share": 0.3333,
        "repeated_sentences": 0,
        "unbalanced_formulas": 0,
        "equals_for_approximately": 0,
        "float_noise": 0,
    }
    assert Quality().to_metrics()["given_share"] == 0.0


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus with a generated and a written page, and the translated documents of both."""
    generated = json.dumps({"kind": "problems", "problems": ["a"], "has_wrong_result": False})
    components = {
        "web": [("web/1", "A page.", generated), ("web/2", "Another.", json.dumps({"topics": []}))],
        "translated_code": [
            (f"translated_code/{n}", document(f"A radius of {n} cm."), json.dumps({"document_id": f"web/{n}"}))
            for n in (1, 2)
        ],
    }
    for name, rows in components.items():
        filled = [
            {"id": i, "text": text, "source": "web", "url": "", "license": "MIT", "metadata": metadata}
            for i, text, metadata in rows
        ]
        write_shards(tmp_path / name, [pa.RecordBatch.from_pylist(filled, DOCUMENT)], DOCUMENT)
    return tmp_path


def test_the_tool_prints_the_figures_with_examples_and_the_share_of_generated_pages(corpus: Path) -> None:
    said = run_module("bench.quality", "--corpus", corpus)
    assert said.returncode == 0, said.stderr
    assert "given_share: 0.0 (aim: at least 0.6)" in said.stdout
    assert "without_given, for example:\n  translated_code/1: radius = 3" in said.stdout
    assert "  translated_code: 1 of 2 (50%) translated_code/1\n  web: 1 of 2 (50%) web/1\n" in said.stdout


def test_make_bench_compares_the_figures_with_their_aims(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import quality as bench

    monkeypatch.setattr(bench, "CORPUS", corpus)
    rows = {row.what: (row.ours, row.other, row.against, row.note) for row in bench.compare()}
    assert rows["translated code: given_share"][:3] == (0.0, 0.6, "the aim: at least")
    assert rows["generated pages: web"] == (0.5, 0.25, "the aim: at most", "1 of 2 documents")
    monkeypatch.setattr(bench, "CORPUS", corpus / "missing")
    assert bench.compare() == []


def test_the_tool_prints_the_same_sample_for_the_same_seed(corpus: Path) -> None:
    first, again, other = (
        run_module("bench.quality", "--corpus", corpus, "--sample", "1", "--seed", s).stdout for s in "113"
    )
    assert first == again and first.count("=====") == 1 and "A radius of" in first and "----- output\n36" in first
    everything = run_module("bench.quality", "--corpus", corpus, "--sample", "60").stdout
    assert everything.count("=====") == 2 and other.count("=====") == 1
