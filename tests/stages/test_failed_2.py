"""A record on which a stage's own code raises is dropped as `failed`; the other records come out as they always do."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import fasttext
import pyarrow as pa
import pytest
from fpdf import FPDF
from small_training import make_tokenizer

from mathcode_pile.classifier.scorer import MODEL_FILE, Scorer
from mathcode_pile.core import engine
from mathcode_pile.core.documents import DOCUMENT, FILE, QUESTION, VERIFIED, record_ids
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.removals import Removals
from mathcode_pile.core.shards import list_shards, read_batches, read_rows, write_shards
from mathcode_pile.sources import formats
from stages.classify.stage import classify
from stages.corpus import stage as corpus
from stages.corpus import translated
from stages.decontaminate.leaks import LeakFinder
from stages.decontaminate.rules import DecontaminateParams
from stages.decontaminate.stage import Names, decontaminate
from stages.deduplicate import signatures
from stages.deduplicate.stage import deduplicate
from stages.extract_textbooks import stage as extract_textbooks
from stages.fetch.stage import OriginsParams, fetch_source
from stages.fetch_benchmarks import stage as fetch_benchmarks
from stages.filter_code import stage as filter_code
from stages.select import stage as select
from stages.tokenize.stage import TokenizeParams, tokenize
from stages.tokenize.text_tokenizer import TextTokenizer

BAD = "Spoilt"
DETAIL = r"ZeroDivisionError: on purpose \(test_failed_2\.py:\d+\)$"


def make_text(number: int) -> str:
    rng = random.Random(number)
    words = " ".join(f"w{rng.randrange(5000)}" for _ in range(30))
    return f"import sympy  # {BAD if number % 4 == 1 else 'Good'} {number} {words}"


TEXTS = [make_text(number) for number in range(40)]
DOCUMENTS = [
    {"id": f"s/{n}", "text": text, "source": "s", "url": "", "license": "x", "metadata": "{}", "score_c": 0.5}
    for n, text in enumerate(TEXTS)
]
SNIPPETS = [
    dict.fromkeys(VERIFIED.names, "") | {"document_id": f"s/{n}", "position": 0, "chain": 0, "anchor": 0, "title": text}
    for n, text in enumerate(TEXTS)
]
CLEAN = [row | {"text": f"A page, numbered {n}."} for n, row in enumerate(DOCUMENTS)]


def write(folder: Path, rows: list[dict[str, Any]], schema: pa.Schema = DOCUMENT) -> Path:
    """Write rows to two shards, so that workers are forked."""
    half = sum(len(str(row.get("text", row.get("title")))) for row in rows) // 2
    write_shards(folder, [pa.RecordBatch.from_pylist(rows, schema)], schema, half)
    return folder


def write_lines(folder: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    folder.mkdir(parents=True)
    (folder / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return {"kind": "local", "path": str(folder), "format": "jsonl", "license": "MIT"}


def run_fetch(folder: Path, out: Path) -> Path:
    params = parse_section("fetch.s", {"origins": [write_lines(folder, DOCUMENTS)]}, OriginsParams)
    fetch_source("s", params, out)
    return out


def run_fetch_benchmarks(folder: Path, out: Path) -> Path:
    origin = write_lines(folder, [{"question": text} for text in TEXTS])
    params = parse_section("x", {"benchmarks": {"b": {"origins": [origin]}}}, fetch_benchmarks.FetchBenchmarksParams)
    fetch_benchmarks.fetch_benchmarks(params, out)
    return out / "b"


def run_extract_textbooks(folder: Path, out: Path) -> Path:
    rows = []
    for row in DOCUMENTS:
        pdf = FPDF()
        pdf.set_font("Helvetica")
        pdf.add_page()
        pdf.multi_cell(0, 6, row["text"])
        rows.append({**row, "content": bytes(pdf.output())})
    params = extract_textbooks.ExtractTextbooksParams(
        reader="text", min_characters_per_page=20, max_line_share=0.5, timeout_s=30, ocr="none", max_pages_lost_share=0
    )
    extract_textbooks.extract_textbooks(write(folder, rows, FILE), out, params)
    return out


def run_classify(folder: Path, out: Path) -> Path:
    write(folder / "in", DOCUMENTS)
    lines = [f"__label__{'positive' if n % 2 else 'negative'} {text}" for n, text in enumerate(TEXTS)]
    (folder / "lines.txt").write_text("\n".join(lines) + "\n")
    model = fasttext.train_supervised(str(folder / "lines.txt"), dim=4, bucket=100, thread=1, verbose=0, loss="ova")
    model.save_model(str(folder / MODEL_FILE))
    classify(folder / "in", folder, out, "c", 0.0)
    return out


def run_filter_code(folder: Path, out: Path) -> Path:
    filter_code.filter_code(write(folder, DOCUMENTS), out, ["sympy"], "python")
    return out


def run_select(folder: Path, out: Path) -> Path:
    raw = write(folder, DOCUMENTS, DOCUMENT.append(pa.field("score_c", pa.float32())))
    source = select.SourceParams(component="web", input="classify/c", keep="score", threshold=0.5)
    select.select(raw, out, source, select.SelectParams(keep_types=[1]), Removals())
    return out


def run_deduplicate(folder: Path, out: Path) -> Path:
    params = signatures.DeduplicateParams(
        ngram=5, bands=20, rows_per_band=6, min_similarity=0.8, max_numbers_changed=0.1, seed=1, priority=["web"]
    )
    write(folder / "s", DOCUMENTS)
    deduplicate(folder, out, {"s": "web"}, params)
    return out / "web"


def run_decontaminate(folder: Path, out: Path, documents: list[dict[str, Any]]) -> Path:
    write(folder / "documents" / "web", documents)
    write(folder / "snippets" / "web", SNIPPETS, VERIFIED)
    question = {"id": "b/0", "benchmark": "b", "question": "How many sides has a regular dodecagon?", "options": []}
    write(folder / "benchmarks" / "b", [question | {"answer": "", "solution": ""}], QUESTION)
    params = DecontaminateParams(
        min_words=6, min_coverage=0.6, min_part=0.36, max_numbers_changed=0.25, remove="document",
        planted_documents=40, seed=0,
    )  # fmt: skip
    places = folder / "documents", folder / "snippets", folder / "benchmarks"
    decontaminate(*places, out, params, Names(["web"], ["web"]))
    return out


def run_documents(folder: Path, out: Path) -> Path:
    return run_decontaminate(folder, out, DOCUMENTS) / "documents" / "web"


def run_snippets(folder: Path, out: Path) -> Path:
    return run_decontaminate(folder, out, CLEAN) / "snippets" / "web"


def run_corpus(folder: Path, out: Path) -> Path:
    write_shards(folder / "documents" / "web", [pa.RecordBatch.from_pylist(DOCUMENTS, DOCUMENT)], DOCUMENT)
    write_shards(folder / "snippets" / "web", [pa.RecordBatch.from_pylist(SNIPPETS, VERIFIED)], VERIFIED)
    params = corpus.CorpusParams(title="t")
    corpus.assemble(folder, out, ["web", translated.COMPONENT], params, {})
    return out / translated.COMPONENT


def run_tokenize(folder: Path, out: Path) -> Path:
    make_tokenizer(folder / "tokenizer")
    params = TokenizeParams(held_out_share=0, seed=0)
    tokenize(write(folder / "in", DOCUMENTS), folder / "tokenizer", out, params)
    return out


class Case(NamedTuple):
    """A stage, and its innermost function, which is to raise where an argument has the word BAD."""

    stage: str
    run: Callable[[Path, Path], Path]
    """Returns the folder of the kept records; its folder `dropped` has the others."""
    owner: Any
    function: str


CASES = {
    "fetch": Case("fetch", run_fetch, formats, "_find_fault"),
    "fetch_benchmarks": Case("fetch_benchmarks", run_fetch_benchmarks, fetch_benchmarks, "_to_question"),
    "extract_textbooks": Case("extract_textbooks", run_extract_textbooks, extract_textbooks, "join_pages"),
    "classify": Case("classify", run_classify, Scorer, "score"),
    "filter_code": Case("filter_code", run_filter_code, filter_code, "imported_packages"),
    "select": Case("select", run_select, select, "judge"),
    "deduplicate": Case("deduplicate", run_deduplicate, signatures, "sign_texts"),
    "decontaminate, documents": Case("decontaminate", run_documents, LeakFinder, "find"),
    "decontaminate, snippets": Case("decontaminate", run_snippets, LeakFinder, "find"),
    "corpus": Case("corpus", run_corpus, translated, "translate_page"),
    "tokenize": Case("tokenize", run_tokenize, TextTokenizer, "encode"),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


@pytest.fixture(autouse=True)
def _two_workers(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_WORKERS", "2")


def spoil(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the case's function raise for records with the word BAD, and forget what was computed before."""
    work = getattr(case.owner, case.function)

    def raise_on_bad(*args: Any, **more: Any) -> Any:
        lists = (arg.to_pylist() if isinstance(arg, pa.Array | pa.RecordBatch) else arg for arg in args)
        if any(BAD in str(arg) for arg in lists):
            raise ZeroDivisionError("on purpose")
        return work(*args, **more)

    monkeypatch.setattr(case.owner, case.function, raise_on_bad)
    monkeypatch.setenv("MATHCODE_SCRATCH", "scratch of the spoilt")


def read_by_id(folder: Path) -> dict[str, dict[str, Any]]:
    batches = (batch for shard in list_shards(folder) for batch in read_batches(shard))
    return {name: row for batch in batches for name, row in zip(record_ids(batch), batch.to_pylist(), strict=True)}


@every_case
def test_ten_of_forty_records_fail_and_the_others_come_out_unharmed(
    case: Case, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_by_id(case.run(project / "in", project / "whole"))
    assert len(whole) == 40
    spoil(case, monkeypatch)
    out = case.run(project / "in again", project / "out")
    dropped = read_by_id(out / "dropped")
    bad = [name for number, name in enumerate(whole) if number % 4 == 1]
    assert list(dropped) == bad
    assert all(row["reason"] == "failed" and re.search(DETAIL, row["detail"]) for row in dropped.values())
    assert list(read_by_id(out).items()) == [(name, row) for name, row in whole.items() if name not in dropped]


@every_case
def test_over_the_limit_the_stage_stops_and_names_the_first(
    case: Case, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MIN_FAILED", 5)
    spoil(case, monkeypatch)
    limit = r"more than engine\.max_failed_share \(0\.001\) allows"
    message = rf"^{case.stage}: its own code failed on \d+ of \d+ records, {limit}; the first: .*{DETAIL}"
    with pytest.raises(PipelineError, match=message):
        case.run(project / "in", project / "out")


def test_the_snippets_of_a_failed_document_go_with_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_failed_2.SNIPPETS", [row | {"title": "A sum"} for row in SNIPPETS])
    spoil(CASES["decontaminate, documents"], monkeypatch)
    out = run_decontaminate(project / "in", project / "out", DOCUMENTS)
    failed = [row["id"] for row in read_rows(out / "documents" / "web" / "dropped")]
    dropped = [(row["id"], row["reason"]) for row in read_rows(out / "snippets" / "web" / "dropped")]
    assert dropped == [(f"{name}#0", "failed_document") for name in failed] != []
