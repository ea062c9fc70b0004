"""The report's examples: snippets by what became of them, statements that are probably wrong, dropped documents."""

import json
from pathlib import Path
from typing import Any

from conftest import ROOT

from mathcode_pile.core.documents import DOCUMENT, DROPPED, SNIPPET, VERIFIED
from mathcode_pile.core.params import read_yaml
from mathcode_pile.core.shards import ShardWriter, shard_name
from stages.report.excerpts import collect_dropped, find_documents
from stages.report.gallery import cut_around, fill_gallery, weigh_contradictions
from stages.report.stage import write_report

BLANK = dict.fromkeys(VERIFIED.names, "") | {"position": 0, "chain": 0, "anchor": 0, "outcome": "ok", "relation": "="}
TEXT = "We add.\nSo $1 + 1 = 3$ here, and that is all there is.\nThe end."


def snippet(document: str, verdict: str, translator: str = "symbolic", **more: Any) -> dict[str, Any]:
    return BLANK | {"document_id": document, "verdict": verdict, "translator": translator} | more


def write_rows(folder: Path, rows: list[dict[str, Any]], schema: Any = VERIFIED) -> None:
    with ShardWriter(folder / shard_name(0), schema) as shard:
        shard.write_rows(rows)


def page(identity: str, text: str = TEXT) -> dict[str, str]:
    return {"id": identity, "text": text, "source": "s", "url": f"https://{identity}", "license": "", "metadata": "{}"}


def contradicted(document: str, printed: str, translator: str, relation: str = "=") -> dict[str, Any]:
    return snippet(document, "contradicted", translator, stated="3", printed=printed, relation=relation)


def test_the_best_evidence_comes_first_and_a_model_alone_convinces_nobody() -> None:
    rows = [
        contradicted("a", "2.1", "symbolic", "≈"),
        contradicted("b", "2", "symbolic"),
        contradicted("c", "7", "a model"),
        contradicted("d", "2", "a model"),
        contradicted("d", "2", "symbolic") | {"position": 1},
        contradicted("e", "2", "symbolic"),
        contradicted("e", "9", "a model"),
        contradicted("f", "2", "a model"),
        contradicted("f", "2", "another model") | {"position": 1},
    ]
    wrong, doubtful = weigh_contradictions(rows)
    assert [one.id for one in wrong] == ["d#1", "f#0", "b#0", "e#0", "a#0"]
    assert [one.agreeing for one in wrong[:2]] == [("a model", "symbolic"), ("a model", "another model")]
    assert [one.id for one in doubtful] == ["c#0"]


def test_a_run_s_snippets_are_shown_by_what_became_of_them(tmp_path: Path) -> None:
    place = TEXT.index("3$")
    verified = [snippet(f"s/{n}", "verified", name) for name in ("symbolic", "a model") for n in range(5)]
    failed = snippet("s/3", "uncheckable", outcome="exception", error="ValueError: no")
    unclean = snippet("s/4", "verified", stdout="0.30000000000000004")
    wrong = contradicted("s/1", "2", "symbolic") | {"anchor": place, "code": "print(1 + 1 < 3)", "expression": "1+1"}
    write_rows(tmp_path / "decontaminate" / "snippets" / "web", verified)
    write_rows(tmp_path / "verify" / "web" / "rejected", [failed, wrong, unclean])
    write_rows(tmp_path / "deduplicate" / "web", [page(f"s/{n}") for n in range(5)], DOCUMENT)
    restated = {key: value for key, value in wrong.items() if key in SNIPPET.names} | {"code": "print(3)"}
    write_rows(tmp_path / "translate" / "web" / "restated", [restated], SNIPPET)
    gallery = fill_gallery(tmp_path)
    assert [one.snippet["translator"] for one in gallery.verified] == ["symbolic"] * 3 + ["a model"] * 3
    assert [(one.url, one.around) for one in gallery.wrong] == [("https://s/1", TEXT.rpartition("\n")[0])]
    assert [(one.id, one.fate) for one in gallery.failed] == [("s/3#0", "exception"), ("s/4#0", "unclean_output")]
    assert [(one.id, one.fate, one.url) for one in gallery.restated] == [("s/1#0", "restated", "https://s/1")]
    counts = {"in": 1, "kept": 1, "dropped": 0, "skipped": "restated 1"}
    (tmp_path / "metrics" / "translate").mkdir(parents=True)
    (tmp_path / "metrics" / "translate" / "translated_code.json").write_text(json.dumps(counts | {"symbolic": counts}))
    write_report(tmp_path / "metrics", tmp_path, tmp_path / "out", read_yaml(ROOT / "params.yaml"))
    shown = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "Probably wrong in the source" in shown and '<a href="https://s/1"' in shown
    assert '<span class="formula">1+1</span>' in shown and "ValueError: no" in shown and "&lt;" in shown
    card = shown.partition('id="restated"')[2].partition("</section>")[0]
    assert '<span class="badge lost">restated</span>' in card and "its output" not in card and "<dt>" not in card
    assert "s/1#0,https://s/1,symbolic,1+1,=,3,2," in (tmp_path / "out" / "probably_wrong.csv").read_text()


def test_the_text_around_a_statement_ends_at_a_line_and_not_within_a_formula() -> None:
    assert cut_around(TEXT, TEXT.index("3$")).startswith("We add.\nSo $1") and "The end" not in cut_around(TEXT, 20)
    long = "x" * 400 + "\nSo $1 + 1 = 3$ " + "and so on " * 14 + "$" + "y" * 300 + "$"
    shown = cut_around(long, long.index("3$"))
    assert shown.startswith("xxx") is False or len(shown) < 800
    assert shown.count("$") == 2 and shown.endswith("and so on")


def test_dropped_documents_are_shown_for_each_reason_with_their_beginning(tmp_path: Path) -> None:
    write_rows(tmp_path / "fetch" / "s", [page(f"s/{n}", f"Text {n}. " + "word " * 200) for n in range(5)], DOCUMENT)
    drops = [{"id": f"s/{n}", "reason": "dull", "detail": f"score {n}"} for n in range(4)]
    drops += [{"id": "s/4#0", "reason": "dull", "detail": ""}, {"id": "gone/1", "reason": "odd", "detail": ""}]
    write_rows(tmp_path / "select" / "s" / "dropped", drops, DROPPED)
    shown = collect_dropped(tmp_path, ("classify", "select"))
    assert [(one.stage, one.reason, one.id, one.detail) for one in shown] == [
        ("select", "dull", "s/0", "score 0"),
        ("select", "dull", "s/1", "score 1"),
        ("select", "odd", "gone/1", ""),
    ]
    assert shown[0].text.startswith("Text 0.") and shown[0].text.endswith("word …") and shown[2].text == ""


def test_a_dropped_page_is_shown_as_it_was_meant_and_a_dropped_program_as_a_program(tmp_path: Path) -> None:
    write_rows(tmp_path / "fetch" / "openwebmath", [page("openwebmath/1", "# Sums\n\n* **so** it is")], DOCUMENT)
    write_rows(tmp_path / "fetch" / "code_python", [page("code_python/1", "# Sums\nx = 2**3")], DOCUMENT)
    drops = [{"id": f"{source}/1", "reason": "dull", "detail": ""} for source in ("openwebmath", "code_python")]
    write_rows(tmp_path / "select" / "all" / "dropped", drops, DROPPED)
    write_report(tmp_path / "metrics", tmp_path, tmp_path / "out", read_yaml(ROOT / "params.yaml"))
    shown = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "<strong>Sums</strong>\n\n• <strong>so</strong> it is</blockquote>" in shown
    assert '<code><span class="c1"># Sums</span>\n<span class="n">x</span>' in shown


def test_documents_are_found_by_id_and_what_is_not_there_is_left_out(tmp_path: Path) -> None:
    write_rows(tmp_path / "a", [page("s/1"), page("s/2")], DOCUMENT)
    write_rows(tmp_path / "a" / "dropped", [{"id": "s/3", "reason": "x", "detail": ""}], DROPPED)
    assert set(find_documents(tmp_path, {"s/2", "s/3"})) == {"s/2"}
    assert find_documents(tmp_path / "none", {"s/2"}) == {} == find_documents(tmp_path, set())
