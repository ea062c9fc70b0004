"""Leaks are found however they are written, everything else is kept, and both are counted."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from mathcode_pile.core.documents import DOCUMENT, QUESTION, VERIFIED
from mathcode_pile.core.shards import read_rows, write_shards
from stages.decontaminate.canonical_kernel import canonical
from stages.decontaminate.leak_report import _sample_documents
from stages.decontaminate.leaks import LeakFinder, cut_spans
from stages.decontaminate.quoted_questions import Question
from stages.decontaminate.recheck import reduce_words, shared_share
from stages.decontaminate.stage import DecontaminateParams, Names, decontaminate

PARAMS = DecontaminateParams(
    min_words=6,
    min_coverage=0.6,
    min_part=0.36,
    max_numbers_changed=0.25,
    remove="document",
    planted_documents=40,
    seed=0,
)
LONG = (
    "A baker sells 1,200 loaves in $3$ days; how many loaves does she sell in a week of 7 days if every day "
    "she sells as many as on the day before, and what is $\\frac{1}{2}\\,x + 5$ when $x = 80{,}000$?"
)
SHORT = "How many sides has a regular dodecagon?"
SOLUTION = (
    "She sells 1200/3=400 loaves on each of the days, and a week has seven of them, which makes 400 times 7 or 2800 "
    "loaves in all; half of eighty thousand and five more are forty thousand and five."
)
QUESTIONS = [
    Question("bench/0", "bench", LONG, (), SOLUTION),
    Question("bench/1", "bench", SHORT, (), ""),
    Question("choice/0", "choice", "Which of these is true?", ("It rains in May", "Seven is prime", "No"), ""),
    Question("choice/1", "choice", "Find the two.", (), ""),
]
FILLER = "Some other words which nobody has asked about stand here and go on for quite a while before they end. "


def find(text: str, params: DecontaminateParams = PARAMS) -> set[tuple[str, str, str]]:
    finder = LeakFinder(QUESTIONS, params)
    leaks = finder.find(pa.array([FILLER, text], pa.large_string()))
    assert all(leak.row == 1 for leak in leaks)
    return {(finder.questions[leak.question].id, leak.part, leak.rule) for leak in leaks}


@pytest.mark.parametrize(
    "text",
    [
        LONG,
        LONG.upper(),
        LONG.replace("1,200", "1200").replace(";", "").replace("?", "").replace("80{,}000", "80 000"),
        LONG.replace("$", "").replace("\\frac", "\\dfrac").replace("\\,", "~"),
        LONG.replace("$3$", "\\( 3 \\)").replace("x + 5", "\\left( x + 5 \\right)"),
        LONG.replace(" ", "\n> "),
        LONG.replace("how many", "how ma-\nny"),
        LONG.replace("'", "&#39;").replace(" ", "&nbsp;"),
        "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in LONG.replace("1,200", "1200").replace("{,}", "")),
        LONG.replace("e", "e\u0301"),
        LONG.replace("loaves", "lo\u00adaves"),
    ],
)
def test_a_question_written_in_another_way_is_found(text: str) -> None:
    assert find(FILLER * 30 + text + FILLER * 30) == {("bench/0", "question", "whole")}


def test_rules_name_what_they_found() -> None:
    assert find(LONG) == {("bench/0", "question", "identical")}
    assert find(LONG + " What is it?") == {("bench/0", "question", "whole")}
    words = LONG.split()
    assert find(FILLER + " ".join(words[: 2 * len(words) // 3]) + FILLER) == {("bench/0", "question", "part")}
    assert find(FILLER + " ".join(words[: len(words) // 2]) + FILLER) == {("bench/0", "question", "part")}
    assert find(FILLER + LONG.replace("1,200", "1,500") + FILLER) == {("bench/0", "question", "variant")}
    assert find(FILLER + SHORT + FILLER) == {("bench/1", "question", "whole")}
    assert find(FILLER + SOLUTION) == {("bench/0", "solution", "whole")}
    assert find("find the TWO") == {("choice/1", "question", "identical")}
    assert find("Find the two. And more.") == set()


def test_short_questions_count_word_for_word_only() -> None:
    assert find(FILLER + SHORT.replace("regular", "") + FILLER) == set()
    assert find(FILLER + "Some" + SHORT.lower() + FILLER) == set(), "begins inside a word"
    assert find(FILLER + SHORT.rstrip("?") + "al number" + FILLER) == set(), "ends inside a word"


def test_options_count_with_their_question() -> None:
    assert find(FILLER + "Which of these is true?" + FILLER) == set()
    for form in (
        "Which of these is true? A) It rains in May B) Seven is prime C) No",
        "Which of these is true?\nIt rains in May\nSeven is prime\nNo",
    ):
        assert {q for q, *_ in find(f"{FILLER} {form} {FILLER}")} == {"choice/0"}


@given(st.text(max_size=60), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_canonical_streams_hold_letters_and_digits_alone(text: str, repeat: int) -> None:
    form = canonical(text * repeat)
    assert len(form.starts) == len(form.raw)
    assert np.all(np.diff(form.starts) > 0) and np.all(np.diff(form.raw) >= 0)
    assert all(c.isalnum() or ord(c) >= 0x20000 for c in form.stream.decode())


def test_the_compiled_form_agrees_with_the_slow_one() -> None:
    for text in [
        LONG,
        SOLUTION,
        "Ｆｕｌｌ ﬁne x² é ½ 𝑥 &lt;b&gt; caf\u00e9 Stra\u00dfe \u0130",
        "\\begin{align*}a&=b\\\\ c\\end{align*} d",
        "2x^2 and πr², x₁ ½ of 1,200 or 1{,}200 but 2010,300; $\\alpha\\le\\varphi \\pmod{7}$ \\sqrt{2}",
        "<p>Is a<b and c>d?</p> <b>Yes</b> <img src='a.png'/> 3*5=<<3*5=15>>15 x <y> z",
        "A ![figure](https://a.b/c.png) [asy] draw((0,0)--(1,1)); [/asy] and \\includegraphics[width=2cm]{f.pdf} end",
        "caf\\u00e9 \\nHow many \\nu \\times \\text{cm} it\\u2019s",
    ]:
        assert canonical(text).stream.decode() == "".join(reduce_words(text))


def test_a_beginning_that_goes_on_otherwise_drops_nothing() -> None:
    words = canonical(LONG).words()
    assert (
        find(b" ".join(words[:10]).decode() + " and something else altogether that was never asked by anyone") == set()
    )


def test_block_bounds_hide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from stages.decontaminate import index

    monkeypatch.setattr(index, "BLOCK_BYTES", 64)
    finder = LeakFinder(QUESTIONS, PARAMS)
    texts = [FILLER * 3 + "x" * k + " " + LONG + " " + FILLER * 3 for k in range(0, 130, 7)] + ["z" * 5000 + " " + LONG]
    leaks = finder.find(pa.array(texts, pa.large_string()))
    assert [leak.row for leak in leaks if leak.question == 0] == list(range(len(texts)))


def test_cut_spans_takes_the_paragraphs_that_hold_the_leak_and_no_other() -> None:
    finder = LeakFinder(QUESTIONS, PARAMS)
    text = "First é paragraph.\n\n" + LONG.replace("; how", ";\n\nhow") + "\n\nLast paragraph."
    leaks = finder.find(pa.array([text], pa.large_string()))
    assert cut_spans(text, leaks) == "First é paragraph.\n\nLast paragraph."


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_every_leak_has_a_true_overlap(seed: int) -> None:
    rng = random.Random(seed)
    words = (LONG + " " + SOLUTION + " " + FILLER).split()
    start = rng.randrange(len(words))
    check_overlaps(" ".join(words[start : start + rng.randrange(5, 60)] + rng.sample(words, 10)))


def test_a_question_and_its_solution_leak_with_a_true_overlap() -> None:
    assert check_overlaps(f"{FILLER} {LONG} {SOLUTION} {FILLER}") == {"question", "solution"}


def check_overlaps(text: str) -> set[str]:
    """Check that the slow count confirms each leak found in a text; return the parts that leaked."""
    finder = LeakFinder(QUESTIONS, PARAMS)
    leaks = finder.find(pa.array([text], pa.large_string()))
    for leak in leaks:
        assert shared_share(finder.index.items[leak.item].text, text) >= PARAMS.min_part
    return {leak.part for leak in leaks}


def document(name: str, text: str) -> dict[str, Any]:
    return {"id": name, "text": text, "source": "s", "url": "", "license": "x", "metadata": "{}", "score": 0.5}


def snippet(name: str, position: int, title: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(VERIFIED.names, "")
    return row | {"document_id": name, "position": position, "chain": position, "anchor": 0, "title": title}


@pytest.fixture
def folders(project: Path) -> Path:
    """Documents and snippets of one component; one document and one snippet leak."""
    schema = DOCUMENT.append(pa.field("score", pa.float64()))
    texts = [FILLER * (i % 5 + 1) for i in range(20)]
    texts[3] = f"{FILLER}\n\n{LONG}\n\n{FILLER}"
    rows = [document(f"s/{i}", text) for i, text in enumerate(texts)]
    write_shards(project / "deduplicate" / "web", [pa.RecordBatch.from_pylist(rows, schema)], schema, 900)
    snippets = [snippet("s/3", 0, "clean"), snippet("s/4", 0, "clean"), snippet("s/5", 0, SHORT)]
    write_shards(project / "verify" / "web", [pa.RecordBatch.from_pylist(snippets, VERIFIED)], VERIFIED)
    for name in ("bench", "choice"):
        own = [q for q in QUESTIONS if q.benchmark == name]
        questions = [{**q._asdict(), "options": list(q.options), "answer": ""} for q in own]
        write_shards(project / "benchmarks" / name, [pa.RecordBatch.from_pylist(questions, QUESTION)], QUESTION)
    return project


def run(folders: Path, name: str, **changed: Any) -> tuple[dict[str, Any], Path]:
    out = folders / name
    params = PARAMS.model_copy(update=changed)
    names = Names(*(sorted(p.name for p in (folders / kind).iterdir()) for kind in ("deduplicate", "verify")))
    report, metrics = decontaminate(
        folders / "deduplicate", folders / "verify", folders / "benchmarks", out, params, names
    )
    return report.to_metrics() | metrics, out


def test_a_leaked_document_goes_and_its_snippets_with_it(folders: Path) -> None:
    metrics, out = run(folders, "out")
    assert [row["id"] for row in read_rows(out / "documents" / "web")] == [f"s/{i}" for i in range(20) if i != 3]
    assert next(read_rows(out / "documents" / "web"))["score"] == 0.5
    assert [row["document_id"] for row in read_rows(out / "snippets" / "web")] == ["s/4"]
    dropped = [(row["id"], row["reason"]) for row in read_rows(out / "snippets" / "web" / "dropped")]
    assert dropped == [("s/3#0", "leaked_document"), ("s/5#0", "leaked_question")]
    aside = next(read_rows(out / "contaminated" / "documents" / "web"))
    match = json.loads(aside["matches"])[0]
    assert (aside["id"], match["question_id"], match["rule"]) == ("s/3", "bench/0", "whole")
    assert match["benchmark_text"] in aside["text"] and LONG[:40] in match["document_text"]
    assert metrics["in"] == metrics["kept"] + metrics["dropped"] == 23
    assert metrics["bench_questions_found"] == 2 and metrics["bench_documents"] == 1
    assert metrics["recall_verbatim"] == metrics["recall_short"] == metrics["recall_html_entities"] == 1.0
    assert metrics["unexplained"] == 0 and metrics["precision"] == 1.0
    assert json.loads((out / "report.json").read_text())["benchmarks"]["bench"]["examples"]


def test_span_removal_keeps_the_rest_of_the_document(folders: Path) -> None:
    metrics, out = run(folders, "out", remove="span")
    texts = {row["id"]: row["text"] for row in read_rows(out / "documents" / "web")}
    assert len(texts) == 20 and LONG not in texts["s/3"] and texts["s/3"].count(FILLER.strip()) == 2
    assert metrics["cut"] == 1
    assert [row["document_id"] for row in read_rows(out / "snippets" / "web")] == ["s/4"]


def test_the_same_bytes_from_one_worker_and_from_two(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = []
    for workers in ("1", "2"):
        monkeypatch.setenv("MATHCODE_WORKERS", workers)
        monkeypatch.setenv("MATHCODE_SCRATCH", str(folders / f"scratch{workers}"))
        _, out = run(folders, f"out{workers}")
        contents.append({p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()})
    assert contents[0] == contents[1]


def test_the_sample_of_clean_text_has_the_ids_with_the_least_hashes(tmp_path: Path) -> None:
    texts = {f"{folder}/{n}": f"text {folder} {n}" for folder in "ab" for n in range(60)}
    base = {"source": "s", "url": "", "license": "", "metadata": "{}"}
    for folder in "ab":
        rows = [base | {"id": name, "text": text} for name, text in texts.items() if name.startswith(folder)]
        write_shards(tmp_path / folder, [pa.RecordBatch.from_pylist(rows, DOCUMENT)], DOCUMENT, shard_bytes=200)
    left_out = {"a/3", "b/7"}
    ranked = sorted(texts.keys() - left_out, key=lambda name: xxhash.xxh3_64_intdigest(name.encode(), 5))
    found = _sample_documents([tmp_path / "a", tmp_path / "b"], 20, 5, left_out)
    assert found == [texts[name] for name in ranked[:20]]
