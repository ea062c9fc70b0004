"""The published corpus: its records of translated code, their metadata, and the stage's metrics."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import run_module
from translated_pages import snippet

from mathcode_pile.core.documents import DOCUMENT, VERIFIED
from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.shards import read_rows, write_shards
from stages.corpus.stage import CorpusParams, assemble
from stages.corpus.translated import TranslatedParams

PAGES = {
    "web/1": "It is 1 + 1 = 2.\n\nNothing.",
    "web/2": "Nothing is computed here.",
    "web/3": "## Problem 1\n\nIt is 2 + 2 = 4, or 5 - 1.\n\n## Problem 2\n\nIt is 3 + 3 = 6.",
}
SNIPPETS = [
    snippet(PAGES["web/1"], "= 2", document_id="web/1"),
    snippet(PAGES["web/3"], "= 4", "print(2 + 2)", document_id="web/3", position=0, stated="4"),
    snippet(PAGES["web/3"], "= 6", "print(3 + 3)", document_id="web/3", position=1, stated="6"),
    snippet(PAGES["web/3"], "5 - 1", "print(5 - 1)", document_id="web/3", position=2, stated="4", translator="Qwen/x"),
]


def make_clean(folder: Path, snippets: list[dict[str, Any]] = SNIPPETS) -> Path:
    rows = [
        {"id": name, "text": text, "source": "web", "url": f"http://x/{name}", "license": "MIT", "metadata": "{}"}
        for name, text in PAGES.items()
    ]
    write_shards(folder / "documents" / "web", [pa.RecordBatch.from_pylist(rows, DOCUMENT)], DOCUMENT)
    write_shards(folder / "snippets" / "web", [pa.RecordBatch.from_pylist(snippets, VERIFIED)], VERIFIED)
    return folder


def assembled(
    folder: Path, components: list[str], snippets: list[dict[str, Any]] = SNIPPETS, **params: Any
) -> tuple[Any, dict[str, Any]]:
    """Assemble the corpus in folder/out; return the report and the figures."""
    translated = TranslatedParams(**params)
    corpus = CorpusParams(title="t", translated=translated)
    return assemble(make_clean(folder / "clean", snippets), folder / "out", components, corpus, {})


def test_a_record_says_its_page_its_positions_and_its_translators(project: Path) -> None:
    report, figures = assembled(project, ["web", "translated_code"])
    first, second = read_rows(project / "out" / "translated_code")
    assert (first["source"], first["url"], first["license"]) == ("web", "http://x/web/1", "MIT")
    assert json.loads(first["metadata"]) == {
        "document_id": "web/1",
        "positions": [0],
        "translators": {"symbolic": [0]},
    }
    assert json.loads(second["metadata"])["translators"] == {"symbolic": [1], "Qwen/x": [2]}
    assert second["text"].startswith(PAGES["web/3"].partition("\n\n## Problem 2")[0] + "\n\n```python\nprint(5 - 1)\n")
    programs = {"in": 4, "kept": 3, "dropped": 1, "reasons": "same_result 1"}
    assert report.to_metrics()["translated_code"] == programs | {"web": programs} and report.counts["snippets"] == 3
    assert report.read == report.kept == 5
    assert figures["translated_code_programs"] == 3
    assert figures["translated_code_translators"] == "Qwen/x 1, symbolic 2"


@pytest.mark.parametrize(("whose", "positions"), [("none", 5), ("symbolic", 2), ("all", 1)])
def test_retyped_programs_are_left_out_and_counted(project: Path, whose: str, positions: int) -> None:
    loop = snippet(PAGES["web/3"], "= 6", "print(sum(range(4)))", document_id="web/3", position=3, stated="6")
    report, figures = assembled(project, ["web", "translated_code"], [*SNIPPETS, loop], leave_out_retyped=whose)
    programs = report.part("translated_code")
    assert programs.read == 5 == programs.kept + programs.dropped.total()
    assert report.counts["snippets"] == figures["translated_code_programs"] == programs.kept
    assert programs.dropped["retyped"] == 5 - positions


def test_both_forms_are_components_of_their_own(project: Path) -> None:
    forms = {"translated_code": "page", "translated_steps": "steps"}
    _, figures = assembled(project, ["web", *forms], form=forms)
    pages = list(read_rows(project / "out" / "translated_code"))
    steps = list(read_rows(project / "out" / "translated_steps"))
    assert [len(pages), len(steps)] == [2, 3] and len({row["id"] for row in pages + steps}) == 5
    assert [row["text"].partition("\n")[0] for row in steps] == ["It is 1 + 1 = 2.", "## Problem 1", "## Problem 2"]
    origins = [json.loads(row["metadata"])["document_id"] for row in steps]
    assert origins == ["web/1", "web/3", "web/3"]
    assert figures["translated_code_programs"] == figures["translated_steps_programs"] == 3
    manifest = json.loads((project / "out" / "manifest.json").read_text())
    assert manifest["components"]["translated_steps"]["documents"] == 3


def test_a_form_of_an_unknown_component_is_named(project: Path) -> None:
    with pytest.raises(ParamsError, match=r"^params: corpus.translated.form: components has no 'translated_code'$"):
        assembled(project, ["web"])


@pytest.mark.parametrize("form", ["page", "steps"])
def test_an_anchor_beyond_the_text_stops_the_stage_and_names_the_snippet(project: Path, form: str) -> None:
    with pytest.raises(InputError, match=r"^snippet web/3#0: anchor 1000: its page has \d+ characters$"):
        assembled(project, ["web", "translated_code"], [SNIPPETS[0], SNIPPETS[1] | {"anchor": 1000}], form=form)


@pytest.mark.parametrize("snippets", [[SNIPPETS[0] | {"document_id": "web/9"}], SNIPPETS[::-1]])
def test_a_snippet_without_its_page_is_named(project: Path, snippets: list[dict[str, Any]]) -> None:
    with pytest.raises(
        InputError, match=r"^snippet web/[19]#0: its document is not in .*part-00000.parquet, or not in"
    ):
        assembled(project, ["web", "translated_code"], snippets)


@pytest.mark.parametrize("form", ["page", "steps"])
def test_the_same_input_gives_the_same_bytes(project: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = []
    for number, seed in enumerate(("1", "2")):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        folder = project / str(number)
        make_clean(folder / "clean")
        params = Path("params.yaml").read_text()
        Path("params.yaml").write_text(
            params.replace("form: page", f"form: {form}")
            .replace("  synthetic: {}", "  web: {}")
            .replace("leave_out_retyped: symbolic", "leave_out_retyped: none")
        )
        done = run_module(
            "stages.corpus",
            folder / "clean",
            folder / "out",
            "--selected",
            folder,
            "--metrics",
            folder / "metrics.json",
        )
        assert done.returncode == 0, done.stderr
        contents.append({p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()})
    assert contents[0] == contents[1]
    assert json.loads(contents[0][Path("metrics.json")])["translated_code_programs"] == 3
