"""`make why`: a document or snippet is found by id, address or text, and traced through the stages."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import run_module

from mathcode_pile.core.documents import DOCUMENT, DROPPED, VERIFIED, document_id
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.params import load
from mathcode_pile.core.shards import ShardWriter, shard_name
from mathcode_pile.llm import LlmParams
from mathcode_pile.llm.settings import ServerParams
from stages.translate.symbolic import translate_document
from stages.translate.translators import TranslateParams
from tools import untranslated
from tools.lookup import find, is_id, title_of
from tools.untranslated import find_formulas, say_untranslated
from tools.why import explain, trace

PAGE, OTHER, MADE = document_id("s", "1"), document_id("s", "2"), document_id("translated", "1")
URL = "https://example.org/sums.html"


def document(identity: str, text: str, url: str = "", **metadata: Any) -> dict[str, Any]:
    columns = {"id": identity, "text": text, "source": "s", "url": url, "license": "MIT"}
    return columns | {"metadata": json.dumps(metadata)}


def write(folder: Path, schema: pa.Schema, *rows: dict[str, Any]) -> None:
    with ShardWriter(folder / shard_name(0), schema) as writer:
        writer.write_rows(rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A page with a verified and a contradicted snippet, and a page that select dropped."""
    page = document(PAGE, "# Sums\n\nSo 1 + 1 = 2,\nand   1 + 2 = 4.", URL)
    other = document(OTHER, "Cars and trains.", "https://example.org/cars.html")
    for place in ("fetch/s", "annotate/s"):
        write(tmp_path / place, DOCUMENT, page, other)
    typed = pa.schema([*DOCUMENT, pa.field("types", pa.list_(pa.int8())), pa.field("score_round1", pa.float32())])
    write(tmp_path / "select/s", typed, page | {"types": [1, 5, 1], "score_round1": 0.75})
    write(tmp_path / "select/s/dropped", DROPPED, {"id": OTHER, "reason": "type_not_kept", "detail": "5"})
    blank = dict.fromkeys(VERIFIED.names, "") | {"document_id": PAGE, "chain": 0, "anchor": 0, "outcome": "ok"}
    blank |= {"relation": "=", "translator": "symbolic", "method": "numeric"}
    right = blank | {"position": 0, "verdict": "verified", "expression": "1 + 1", "result": "2"}
    right |= {"code": "print(1 + 1)", "stdout": "2\n"}
    wrong = right | {"position": 1, "expression": "1 + 2", "result": "4", "code": "print(1 + 2)", "stdout": "3\n"}
    twin = right | {"position": 2, "anchor": 1, "code": "a = 1\nprint(a + a)"}
    write(tmp_path / "verify/web", VERIFIED, right, twin)
    write(tmp_path / "decontaminate/snippets/web", VERIFIED, right, twin)
    write(tmp_path / "verify/web/rejected", VERIFIED, wrong | {"verdict": "contradicted"})
    drop = {"id": f"{PAGE}#1", "reason": "contradicted", "detail": "numeric: stated 4, printed 3"}
    write(tmp_path / "verify/web/dropped", DROPPED, drop)
    write(tmp_path / "corpus/web", DOCUMENT, page)
    write(tmp_path / "corpus/translated", DOCUMENT, document(MADE, "So ...", URL, document_id=PAGE, positions=[0]))
    (tmp_path / "corpus/manifest.json").write_text("{}", encoding="utf-8")
    return tmp_path


def test_a_page_is_described_traced_and_its_snippets_are_shown(data: Path) -> None:
    lines = [line.rstrip() for line in trace(data, PAGE)]
    assert lines[:8] == [
        PAGE,
        "  title     Sums",
        f"  url       {URL}",
        "  source    s",
        "  license   MIT",
        "  types     1 (problem and solution) 2 times, 5 (software)",
        "  score     0.7500 by round1",
        "",
    ]
    stages = [line.split(maxsplit=1) for line in lines[8 : lines.index("", 8)]]
    assert stages[:3] == [[f"{stage}/s", "passed on"] for stage in ("fetch", "annotate", "select")]
    assert stages[3] == ["verify/web", "2 snippets (verified 2)"]
    assert stages[4][1].startswith(f"{PAGE}#1 dropped: contradicted (numeric: stated 4, printed 3) The output differs")
    assert [name for name, _ in stages[5:]] == ["decontaminate/snippets/web", "corpus/web"]
    assert "snippet #0: verified by numeric, written by symbolic" in lines
    wrong = lines.index("snippet #1: contradicted by numeric, written by symbolic")
    assert lines[wrong + 1 : wrong + 4] == ["  1 + 2 = 4", "  | print(1 + 2)", '  printed "3"']
    assert lines[-1] == f"It is in the corpus: corpus/web, {MADE}."


def test_a_snippet_and_a_dropped_page_end_where_they_were_dropped(data: Path) -> None:
    lines = trace(data, f"{PAGE}#1")
    assert lines[-1] == "It ended in verify: contradicted." and not any("snippet #0" in line for line in lines)
    assert trace(data, f"{PAGE}#0")[-1] == f"It is in the corpus: {MADE}."
    assert trace(data, f"{PAGE}#2")[-1].startswith("It ended in corpus: same_result")
    assert trace(data, OTHER)[-1] == "It ended in select: type_not_kept."


def test_a_page_without_translated_code_is_in_the_corpus_nevertheless(data: Path) -> None:
    plain = document_id("s", "3")
    write(data / "fetch/s", DOCUMENT, document(plain, "No sums."))
    drop = {"id": plain, "reason": "no_computation", "detail": ""}
    write(data / "translate/web/dropped", DROPPED, drop)
    assert trace(data, plain)[-1] == "It has no translated code: no_computation. No later stage has read it yet."
    write(data / "corpus/web", DOCUMENT, document(plain, "No sums."))
    assert trace(data, plain)[-1] == "It is in the corpus: corpus/web; it has no translated code: no_computation."


def test_a_document_of_translated_code_leads_to_its_page_and_back(data: Path) -> None:
    lines = explain(data, MADE)
    assert lines[0] == f"{MADE} was made from the page {PAGE}:" and lines[2] == PAGE
    assert MADE in lines[-1]


def test_a_page_s_untranslated_formulas_are_listed_by_reason(data: Path) -> None:
    text = "It is not true that $2 + 2 \\cdot 3 = 12$. First $8 - 2 = 6$, then $8 - 2 = 6$ again, and $x = 5 + y$."
    write(data / "deduplicate/filtered_openwebmath", DOCUMENT, document(PAGE, text))
    lines = trace(data, PAGE)
    start = next(number for number, line in enumerate(lines) if line.startswith("not translated (found by reading"))
    listed = [line.strip() for line in lines[start:-2]]
    assert "denied 1: The sentence says that the equation is false, or that its numbers are in another base." in listed
    assert listed[listed.index(next(one for one in listed if one.startswith("denied"))) + 1] == r"2 + 2 \cdot 3 = 12"
    assert "8 - 2 = 6" in listed[listed.index(next(one for one in listed if one.startswith("too_small"))) + 1]
    # The other translator is a model, which is not asked: only its recorded replies are read.
    assert any(line.startswith("not_recorded 1: The model's replies were recorded before") for line in listed)
    assert not any(line.startswith("not translated") for line in trace(data, f"{PAGE}#0"))


def test_a_model_that_would_be_asked_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    params = load("translate", TranslateParams)
    asked = params.translators[1].model_copy(update={"backend": "openai"})
    shipped = params.model_copy(update={"translators": (asked,)})
    llm = load("llm", LlmParams)
    server = ServerParams(base_urls=("http://127.0.0.1:9/v1",))
    served = {"coder": llm.models["coder"].model_copy(update={"openai": server})}
    sections = {"translate": shipped, "llm": llm.model_copy(update={"models": served})}
    monkeypatch.setattr(untranslated, "load", lambda name, _: sections[name])
    assert list(say_untranslated("$1 + 1 = 2$"))[1:] == [
        f"  {served['coder'].id}: not read again; metrics/translate counts its reasons over all pages"
    ]


def test_formulas_are_found_by_what_is_counted_without_them() -> None:
    text = "Let $f(x) = a(x + 1)$. Then $f(1) = 4$, $f(2) = 4$, and 2 + 3 * 4 = 14."
    reasons = translate_document(text).reasons
    found = find_formulas(text, reasons)
    assert found and {reason: len(formulas) for reason, formulas in found.items()} == dict(reasons)
    assert "f(1) = 4" in [formula for formulas in found.values() for formula in formulas]
    assert find_formulas("No sums.", Counter()) == {}


@pytest.mark.parametrize("wanted", [PAGE, URL, "sums.html", "and 1 + 2 = 4", "2, and"])
def test_a_page_is_found_by_id_by_address_or_by_a_piece_of_its_text(data: Path, wanted: str) -> None:
    assert explain(data, wanted) == trace(data, PAGE)


def test_several_pages_with_a_text_are_listed(data: Path) -> None:
    lines = explain(data, "an")
    assert len(lines) == 3 and lines[0].startswith("2 documents or more")
    assert {line.split()[0] for line in lines[1:]} == {PAGE, OTHER}


def test_what_is_nowhere_is_one_line(data: Path) -> None:
    with pytest.raises(PipelineError, match=r"^s/0000000000000000: no shard in .* has it$"):
        explain(data, "s/0000000000000000")
    with pytest.raises(PipelineError, match=r"^'moon': no id, and no fetched document"):
        explain(data, "moon")
    assert find(data, "moon") == []


@pytest.mark.parametrize("wanted", ["", "a/0#x"])
def test_what_means_nothing_ends_in_a_line_with_an_example(tmp_path: Path, wanted: str) -> None:
    said = run_module("tools", "why", wanted, folder=tmp_path)
    assert said.returncode == 1 and said.stderr.startswith("error: ") and said.stderr.count("\n") == 1
    assert "make why ID=openwebmath/" in said.stderr


def test_ids_and_titles() -> None:
    assert is_id(PAGE) and is_id(f"{PAGE}#12") and not is_id("s/12") and not is_id(f"{PAGE}#")
    assert title_of("\n\n## A *title*\ntext") == "A title" and title_of("**No. 1.** $a*b*c$") == "No. 1. $a*b*c$"
    assert len(title_of("word " * 100)) == 100
