"""What sample/ promises: its counts, its labels, and that they tell the truth."""

import importlib.util
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pypdfium2
import pytest
import sympy
import yaml
from latex2sympy2_extended import latex2sympy
from sympy.core.function import AppliedUndef

SAMPLE = Path(__file__).parents[2] / "sample"
FIVE_PACKAGES = re.compile(r"\b(?:import|from) (?:sympy|fractions|cmath|scipy|statistics)\b")
BENCHMARKS = {
    "gsm8k": 40,
    "math": 40,
    "svamp": 30,
    "sat": 20,
    "ocw_courses": 20,
    "mmlu_math": 30,
    "olympiadbench": 20,
}
PDFS_WITH_TEXT = {
    "number-theory.pdf",
    "calculus-practice.pdf",
    "probability.pdf",
    "calculus-practice-copy.pdf",
    "probability-second-printing.pdf",
}
OTHER_PDFS = {"damaged.pdf", "encrypted.pdf", "scanned.pdf"}


def read_page(path: Path) -> tuple[dict[str, Any], str]:
    """Return the labels and the text of a page."""
    opening, labels, text = path.read_text("utf-8").split("---\n", 2)
    assert opening == ""
    return yaml.safe_load(labels), text


def read_questions(benchmark: str) -> list[dict[str, Any]]:
    """Return the questions of a benchmark."""
    lines = (SAMPLE / "benchmarks" / f"{benchmark}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def read_records(name: str) -> list[dict[str, str]]:
    """Return the records of a JSON Lines file of notebooks."""
    return [json.loads(line) for line in (SAMPLE / "notebooks" / name).read_text("utf-8").splitlines()]


def make_module() -> ModuleType:
    """Return sample/textbooks/make.py as a module."""
    spec = importlib.util.spec_from_file_location("make_textbooks", SAMPLE / "textbooks" / "make.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def chains(text: str) -> Iterator[list[str]]:
    """Yield the sides of each equation chain in the formulas of a text, alignments cut into rows."""
    for match in re.finditer(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\$([^$]+)\$", text, flags=re.DOTALL):
        formula = next(group for group in match.groups() if group)
        rows = [formula] if "matrix" in formula else re.split(r"\\\\|\\qquad|\\quad", formula)
        for row in rows:
            if not re.search(r"\\(?:approx|equiv|leq?|geq?|neq?|pm|in|dots|circ)\b|[<>]", row):
                whole = re.sub(r"_\{(\w)=", r"_{\1EQUALS", row.strip(" .,;\n"))  # the index of a sum is no side
                yield [side.replace("EQUALS", "=") for side in whole.split("=")]


def value(side: str) -> Any:
    """Return the number or matrix that one side of an equation stands for, None where it is neither."""
    if re.search(r"\\frac\{d\w*\}", side):  # the parser evaluates dx/dt, with the result 0
        return None
    try:
        if r"\bmod" in side:
            dividend, divisor = side.split(r"\bmod")
            return sympy.Mod(latex2sympy(dividend), latex2sympy(divisor))
        found = latex2sympy(side.strip(" .,;\n"))
        found = found.doit() if hasattr(found, "doit") else None
    except Exception:  # the parser raises whatever it likes on what it does not know
        return None
    if not isinstance(found, sympy.Expr | sympy.MatrixBase) or found.free_symbols or found.atoms(AppliedUndef):
        return None
    return found


def differ(left: Any, right: Any) -> bool:
    """Say whether two numbers, or two matrices of one shape, are not the same."""
    gap = left - right
    entries = gap if isinstance(gap, sympy.MatrixBase) else [gap]
    return any(abs(complex(sympy.N(entry))) > 1e-9 for entry in entries)


# Every document by folder and name, and those of pages/ alone.
DOCUMENTS = {
    f"{folder}/{path.stem}": read_page(path)
    for folder in ("pages", "lessons/education", "lessons/college", "web")
    for path in sorted((SAMPLE / folder).glob("*.md"))
}
PAGES = {slug: document for slug, document in DOCUMENTS.items() if slug.startswith("pages/")}
QUESTIONS = {row["id"]: row for benchmark in BENCHMARKS for row in read_questions(benchmark)}


def words(text: str) -> list[str]:
    """Return the words of a text without marks, quotes and TeX spacing, in lower case."""
    plain = re.sub(r"^> ?", "", text, flags=re.MULTILINE).replace(r"\,", " ").replace("**", "")
    return re.findall(r"[a-z0-9]+", plain.lower())


def test_every_document_has_valid_labels() -> None:
    known = {"title", "form", "topics", "wrong", "computations", "wrong_statement", "checkable", "related", "leaks"}
    for slug, (labels, text) in DOCUMENTS.items():
        assert re.fullmatch(r"[a-z0-9/-]+", slug), slug
        assert set(labels) <= known, slug
        assert isinstance(labels["title"], str) and isinstance(labels["form"], str), slug
        assert labels["topics"] and all(isinstance(topic, str) for topic in labels["topics"]), slug
        assert isinstance(labels["wrong"], bool) and isinstance(labels["computations"], int), slug
        assert labels.get("checkable", True) in (True, False), slug
        assert labels.get("related", True) in (True, False), slug
        assert len(text.split()) >= 90, slug


def test_there_are_enough_pages_of_each_kind() -> None:
    labels = [labels for labels, _ in PAGES.values()]
    assert len(PAGES) >= 150
    assert sum(row["wrong"] for row in labels) >= 12
    assert sum(row["computations"] == 0 for row in labels) >= 10
    assert sum(not row.get("checkable", True) for row in labels) >= 8
    assert sum(row["computations"] >= 2 and row.get("checkable", True) for row in labels) >= 120
    assert sum(len(text) > 5000 for _, text in PAGES.values()) >= 5
    assert len({row["form"] for row in labels}) >= 9


@pytest.mark.parametrize(
    ("folder", "count", "unrelated", "wrong"),
    [("lessons/education", 32, 5, 3), ("lessons/college", 32, 0, 2), ("web", 86, 30, 6)],
)
def test_the_other_folders_have_documents_of_each_kind(folder: str, count: int, unrelated: int, wrong: int) -> None:
    labels = [labels for slug, (labels, _) in DOCUMENTS.items() if slug.startswith(f"{folder}/")]
    assert len(labels) == count
    assert sum(not row.get("related", True) for row in labels) == unrelated
    assert sum(row["wrong"] for row in labels) == wrong


def test_lessons_for_college_students_have_the_dollar_signs_that_their_source_asks_for() -> None:
    params = yaml.safe_load((SAMPLE.parent / "params.yaml").read_text("utf-8"))
    least = params["annotate"]["sources"]["education_college_students"]["min_dollar_signs"]
    assert all(text.count("$") >= least for slug, (_, text) in DOCUMENTS.items() if "/education/" in slug)


def test_pages_cover_the_topics_of_the_corpus() -> None:
    seen = Counter(topic for labels, _ in PAGES.values() for topic in labels["topics"])
    wanted = (
        "arithmetic, fractions, sums, powers, roots, logarithms, modular arithmetic, derivatives, integrals, limits,"
        " matrices, equations, combinatorics, probability, geometry, units, finance, complex numbers, statistics,"
        " number theory, vectors, trigonometry"
    )
    assert [topic for topic in wanted.replace(", ", ",").split(",") if not seen[topic.strip()]] == []


def test_no_two_documents_share_a_title_or_their_text() -> None:
    assert len({labels["title"] for labels, _ in DOCUMENTS.values()}) == len(DOCUMENTS)
    assert len({" ".join(words(text)) for _, text in DOCUMENTS.values()}) == len(DOCUMENTS)


def test_a_wrong_document_names_the_statement_that_is_wrong() -> None:
    for slug, (labels, text) in DOCUMENTS.items():
        assert labels["wrong"] == ("wrong_statement" in labels), slug
        if labels["wrong"]:
            assert text.count(labels["wrong_statement"]) == 1, slug


def test_documents_without_computation_state_no_equation() -> None:
    for slug, (labels, text) in DOCUMENTS.items():
        if not labels.get("related", True):
            assert labels["computations"] == 0, slug  # its dollar signs are prices
        elif labels["computations"] == 0:
            assert "=" not in text and "$" not in text, slug


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_benchmark_questions_have_all_fields_and_an_answer_that_can_be_graded(benchmark: str) -> None:
    rows = read_questions(benchmark)
    assert len(rows) == BENCHMARKS[benchmark]
    assert len({row["id"] for row in rows}) == len({row["question"] for row in rows}) == len(rows)
    for row in rows:
        assert set(row) == {"id", "question", "options", "answer", "solution"}
        assert row["id"].startswith(f"{benchmark}/")
        assert row["question"] and row["answer"] and isinstance(row["solution"], str)
        if benchmark in ("sat", "mmlu_math"):
            assert len(set(row["options"])) == 4 and row["answer"] in set("ABCD")
        else:
            assert row["options"] == []
        if benchmark in ("gsm8k", "svamp"):
            assert re.fullmatch(r"\d+", row["answer"])
        if benchmark in ("gsm8k", "math", "ocw_courses", "olympiadbench"):
            assert row["solution"]
        if benchmark == "math":
            assert r"\boxed{" in row["solution"]


def test_most_questions_are_long_enough_for_13_grams_and_some_are_not() -> None:
    lengths = [len(row["question"].split()) for row in QUESTIONS.values() if row["id"].startswith(("gsm8k/", "math/"))]
    assert sum(length >= 13 for length in lengths) > len(lengths) / 2
    assert any(6 <= length < 13 for length in lengths)


def test_leaked_questions_stand_in_the_pages_that_name_them() -> None:
    leaks = [(slug, leak) for slug, (labels, _) in DOCUMENTS.items() for leak in labels.get("leaks", [])]
    assert len({leak for _, leak in leaks}) >= 12
    assert len({leak.split("/")[0] for _, leak in leaks}) == len(BENCHMARKS)
    for slug, leak in leaks:
        question, page = words(QUESTIONS[leak]["question"]), words(DOCUMENTS[slug][1])
        assert f" {' '.join(question)} " in f" {' '.join(page)} ", (slug, leak)


def test_no_question_leaks_without_a_label() -> None:
    questions = {name: f" {' '.join(words(row['question']))} " for name, row in QUESTIONS.items()}
    for slug, (labels, text) in DOCUMENTS.items():
        page = f" {' '.join(words(text))} "
        assert {name for name, question in questions.items() if question in page} == set(labels.get("leaks", [])), slug


def test_notebooks_are_notebooks_but_for_one() -> None:
    broken: list[str] = []
    with_packages: list[str] = []
    without: list[str] = []
    for path in sorted((SAMPLE / "notebooks").glob("*.ipynb")):
        try:
            notebook = json.loads(path.read_text("utf-8"))
        except json.JSONDecodeError:
            broken.append(path.name)
            continue
        assert notebook["nbformat"] == 4
        code = "".join("".join(cell["source"]) + "\n" for cell in notebook["cells"] if cell["cell_type"] == "code")
        (with_packages if FIVE_PACKAGES.search(code) else without).append(path.name)
    assert broken == ["cut-short.ipynb"]
    assert len(with_packages) >= 3 and without


def test_notebook_records_follow_their_layouts() -> None:
    scripts, structured = read_records("scripts.jsonl"), read_records("structured.jsonl")
    records = scripts + structured
    assert len({record["id"] for record in records}) == len(records) >= 7
    assert all("# In[1]:" in record["content"] for record in scripts)
    for record in structured:
        assert record["content"].startswith("<jupyter_start>")
        assert {"<jupyter_text>", "<jupyter_code>", "<jupyter_output>"} <= set(
            re.findall(r"<jupyter_\w+>", record["content"])
        )
    importing = [bool(FIVE_PACKAGES.search(record["content"])) for record in records]
    assert any(importing) and not all(importing)


def test_textbooks_render_to_the_same_bytes_and_to_the_committed_ones(tmp_path: Path) -> None:
    make = make_module()
    make.make(tmp_path / "one")
    make.make(tmp_path / "two")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert set(names) == PDFS_WITH_TEXT | OTHER_PDFS
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
        if name != "scanned.pdf":  # a rendered picture depends on the machine's fonts
            assert (tmp_path / "one" / name).read_bytes() == (SAMPLE / "textbooks" / name).read_bytes(), name


def test_textbooks_have_a_text_layer_with_running_heads_and_the_others_are_what_they_claim() -> None:
    folder = SAMPLE / "textbooks"
    assert sum(path.stat().st_size for path in folder.glob("*.pdf")) < 300_000
    for name in PDFS_WITH_TEXT:
        book = pypdfium2.PdfDocument(folder / name)
        texts = [page.get_textpage().get_text_range() for page in book]
        assert len(texts) >= 10
        assert all(text.split("\n")[0] == texts[1].split("\n")[0] for text in texts[1:]), name
        assert [text.split()[-1] for text in texts[1:]] == [str(number) for number in range(2, len(texts) + 1)], name
    assert (folder / "calculus-practice-copy.pdf").read_bytes() == (folder / "calculus-practice.pdf").read_bytes()
    for name in ("damaged.pdf", "encrypted.pdf"):
        with pytest.raises(pypdfium2.PdfiumError):
            pypdfium2.PdfDocument(folder / name)
    assert len(pypdfium2.PdfDocument(folder / "encrypted.pdf", password=make_module().PASSWORD)) >= 2
    scanned = pypdfium2.PdfDocument(folder / "scanned.pdf")
    assert [page.get_textpage().get_text_range() for page in scanned] == [""]


@pytest.mark.slow
def test_stated_results_are_right_but_for_the_labelled_ones() -> None:
    checked, wrong = 0, set()
    for slug, (_, text) in DOCUMENTS.items():
        for sides in chains(text):
            values = [value(side) for side in sides]
            for left, right, stated in zip(values, values[1:], sides[1:], strict=False):
                if left is not None and right is not None:
                    checked += 1
                    if differ(left, right):
                        wrong.add((slug, stated.strip()))
    labelled = {
        (slug, labels["wrong_statement"].split("=")[-1].strip())
        for slug, (labels, _) in DOCUMENTS.items()
        if labels["wrong"]
    }
    assert checked >= 800
    assert wrong == labelled
