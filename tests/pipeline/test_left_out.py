"""A source that the profile leaves out is an empty component from fetch to the mixture, and the report names it."""

import json
from pathlib import Path

import pytest
from scripted import write_documents
from small_training import make_tokenizer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.removals import Removals
from mathcode_pile.core.shards import count_rows, list_shards
from mathcode_pile.llm import LlmParams
from stages.annotate.stage import AnnotateParams, AnnotateSource, annotate
from stages.classify.stage import classify
from stages.corpus.stage import CorpusParams, assemble
from stages.extract_textbooks.stage import ExtractTextbooksParams, extract_textbooks
from stages.fetch.stage import OriginsParams, fetch_source
from stages.filter_code.stage import filter_code
from stages.pack.mixture import ShareParams
from stages.pack.stage import PackParams, pack
from stages.report.stage import write_report
from stages.select.stage import SelectParams, SourceParams, select
from stages.tokenize.stage import TokenizeParams, tokenize
from stages.train_classifier.stage import ClassifyParams, train_classifier

NO_ORIGINS = parse_section("fetch.s", {"origins": []}, OriginsParams)
SCANS = ExtractTextbooksParams(
    min_characters_per_page=200,
    max_line_share=0.5,
    timeout_s=30,
    reader="ocr",
    ocr="owner/no-such-model",
    max_pages_lost_share=0.05,
)


def test_a_component_without_sources_is_empty_and_said_so_to_the_last_page(
    tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, metrics = tmp_path / "data", tmp_path / "metrics"
    report = fetch_source("textbooks", NO_ORIGINS, data / "fetch")
    assert (report.read, report.counts["left_out"]) == (0, 1)
    assert "the profile leaves out the source textbooks: fetch.textbooks.origins is empty" in capsys.readouterr().err
    write_metrics(metrics / "fetch" / "textbooks.json", report)
    assert extract_textbooks(data / "fetch", data / "read", SCANS).read == 0  # and no model for OCR is looked for
    source = SourceParams(component="textbooks", input="read", keep="all")
    select(data / "read", data / "clean" / "documents" / "textbooks", source, SelectParams(keep_types=[1]), Removals())
    write_documents(data / "clean" / "documents" / "web", [f"The sum of {n} and {n} is {2 * n}." for n in range(60)])
    (data / "clean" / "snippets").mkdir()
    sources = {"textbooks": {"origins": []}, "web": {"origins": [{"kind": "local", "path": "x"}]}}
    corpus = data / "corpus"
    components = ["textbooks", "web", "translated_code"]
    assemble(data / "clean", corpus, components, CorpusParams(title="T"), sources)
    card = (corpus / "README.md").read_text()
    assert "| textbooks | 0 | 0 |" in card and "config_name: textbooks" not in card and "**textbooks**" not in card
    assert json.loads((corpus / "manifest.json").read_text())["components"]["textbooks"]["documents"] == 0
    tokenizer = tmp_path / "tokenizer"
    make_tokenizer(tokenizer)
    for name in ("textbooks", "web"):
        params = TokenizeParams(held_out_share=0.1, seed=0)
        tokenize(corpus / name, tokenizer, data / "tokenize" / name, params)
    mixture = {name: ShareParams(weight=1) for name in ("textbooks", "web")}
    packing = PackParams(sequence_length=64, tokens=None, max_epochs=4, seed=0)
    packed = pack(data / "tokenize", data / "pack", packing, mixture)
    assert (packed["textbooks_tokens"], packed["textbooks_share"], packed["web_share"]) == (0, 0, 1)
    assert "pack: the component textbooks has no tokens" in capsys.readouterr().err
    named = {name: {"component": name, "input": f"fetch/{name}"} for name in sources}
    params = {"profile": "small", "sources": named, "components": dict.fromkeys(components), "classifiers": {}}
    write_report(metrics, data, tmp_path / "report", params)
    said = "The profile leaves out these sources: textbooks."
    assert said in (tmp_path / "report" / "index.html").read_text()
    assert "sources that the profile leaves out: textbooks" in (tmp_path / "report" / "summary.txt").read_text()


def test_stages_without_documents_need_no_model(tmp_path: Path, project: Path) -> None:
    fetch_source("web", NO_ORIGINS, tmp_path / "fetch")
    learning = {"learning_rate": 0.5, "epochs": 1, "word_ngrams": 2, "buckets": 100, "dimension": 4, "min_count": 1}
    learning |= {"loss": "one_vs_all", "max_documents_per_label": 9, "held_out_share": 0.1, "seed": 0}
    model, plots = tmp_path / "model", tmp_path / "plots"
    measured = train_classifier(
        write_documents(tmp_path / "more", ["text"]),
        tmp_path / "fetch",
        model,
        plots,
        ClassifyParams(**learning),
        [1],  # type: ignore[arg-type]
    )
    assert measured == {"trained_on_positives": 0, "trained_on_negatives": 0}
    assert (plots / "precision_recall.csv").read_text().count("\n") == 1
    assert classify(tmp_path / "fetch", model, tmp_path / "scored", "round1", 0.5).read == 0
    with pytest.raises(InputError, match="train_classifier writes none where a label has no documents"):
        classify(tmp_path / "more", model, tmp_path / "other", "round1", 0.5)
    entry = AnnotateSource(input="scored", sample=5)
    params = AnnotateParams(backend="rules", max_piece_characters=99, max_failed_share=0, sources={"web": entry})
    annotate(tmp_path / "scored", tmp_path / "typed", "web", params, LlmParams())
    select(
        tmp_path / "typed",
        tmp_path / "selected",
        SourceParams(component="web", input="annotate/web", keep="types"),
        SelectParams(keep_types=[1]),
        Removals(),
    )
    filter_code(tmp_path / "fetch", tmp_path / "code", ["sympy"], "notebook")
    for folder in ("selected", "code"):
        assert len(list_shards(tmp_path / folder)) == 1 and count_rows(tmp_path / folder) == 0
