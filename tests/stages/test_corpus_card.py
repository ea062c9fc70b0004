"""What goes with the corpus's shards: the card and its examples, the version, the manifest and its check."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import run_module
from test_corpus import PAGES, make_clean

from mathcode_pile.core.documents import DOCUMENT, DROPPED
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.removals import Removal, Removals, hash_text
from mathcode_pile.core.shards import read_rows, write_shards
from stages.corpus.card import (
    NOTHING_YET,
    Published,
    Register,
    count_taken_down,
    hash_content,
    read_published,
    write_card,
)
from stages.corpus.stage import CorpusParams, assemble
from stages.corpus.verify_corpus import check_corpus

COMPONENTS = ["web", "books", "translated_code"]  # no document is of books


def _assemble(folder: Path, register: Register = NOTHING_YET) -> Any:
    report, _ = assemble(
        make_clean(folder / "clean"), folder / "corpus", COMPONENTS, CorpusParams(title="t"), {}, register
    )
    return report


def _taken(kind: str, value: str) -> Register:
    return Register(Removals([Removal(kind, value, "2025-12-31", "copyright")]))


@pytest.fixture
def corpus(project: Path) -> Path:
    _assemble(project)
    return project / "corpus"


def test_the_example_lines_of_the_card_run(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = re.search(r"```python\n(.*?)```", (corpus / "README.md").read_text(), re.DOTALL)
    assert example
    (corpus.parent / "example.py").write_text(
        example[1] + "print(len(everything), len(component), [row['id'] for row in stream] == list(component['id']))\n"
    )
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done = subprocess.run([sys.executable, "example.py"], cwd=corpus.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "5 2 True\n"


def test_each_component_is_a_configuration_and_all_is_the_default(corpus: Path) -> None:
    from datasets import get_dataset_config_names, get_dataset_default_config_name

    assert get_dataset_config_names(str(corpus)) == ["all", "web", "translated_code"]
    assert get_dataset_default_config_name(str(corpus)) == "all"


def test_a_corpus_has_a_version_only_while_it_is_what_was_published(corpus: Path) -> None:
    entries = json.loads((corpus / "manifest.json").read_text())["components"]
    published = Published(version="v1.0", content=hash_content(entries))
    versions = []
    for components in (entries, entries | {"web": entries["web"] | {"documents": 4}}):
        write_card(corpus, components, "t", {}, {}, Register(published=published))
        versions.append(json.loads((corpus / "manifest.json").read_text())["version"])
    assert versions == ["v1.0", "unpublished, after v1.0"]
    assert "Version: unpublished, after v1.0." in (corpus / "README.md").read_text()


def test_what_is_written_at_publication_is_what_the_stage_writes(project: Path) -> None:
    _assemble(project)
    entries = json.loads((project / "corpus" / "manifest.json").read_text())["components"]
    register = Register(published=Published(version="v1.0", content=hash_content(entries)))
    before = (project / "corpus" / "README.md").stat().st_ino
    (project / "link").hardlink_to(project / "corpus" / "README.md")
    write_card(project / "corpus", entries, "t", {"translated_code": "page"}, {}, register)
    written = {path.name: path.read_bytes() for path in (project / "corpus").glob("*.*")}
    assert (project / "link").stat().st_ino == before and "unpublished" in (project / "link").read_text()
    shutil.rmtree(project / "corpus")
    _assemble(project, register)
    assert written == {path.name: path.read_bytes() for path in (project / "corpus").glob("*.*")}
    assert set(written) == {"README.md", "manifest.json", "verify_corpus.py"}


def test_published_json_is_checked(tmp_path: Path) -> None:
    for content, said in (("{}", "must be a JSON object"), (None, "no such file")):
        if content:
            (tmp_path / "published.json").write_text(content)
        else:
            (tmp_path / "published.json").unlink()
        with pytest.raises(InputError, match=said):
            read_published(tmp_path / "published.json")


def test_a_whole_corpus_is_found_whole_by_the_lone_file_too(corpus: Path, tmp_path: Path) -> None:
    # -I: nothing of this environment, not even the folder of the program, can be imported; -S: no packages.
    command = [sys.executable, "-I", "-S", str(corpus / "verify_corpus.py"), "."]
    done = subprocess.run(command, cwd=corpus, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    sha256 = hashlib.sha256((corpus / "manifest.json").read_bytes()).hexdigest()
    assert "version unpublished, 4 files" in done.stdout and sha256 in done.stdout
    assert run_module("tools", "verify-corpus", corpus).stdout.endswith("Every file is whole.\n")


def _flip(corpus: Path) -> None:
    shard = corpus / "web" / "part-00000.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)


DAMAGES = {
    "is damaged: its SHA-256 is not the manifest's": _flip,
    "is missing": lambda corpus: (corpus / "translated_code" / "part-00000.parquet").unlink(),
    "bytes, the manifest says": lambda corpus: (corpus / "README.md").write_text("x"),
    "part-00001.parquet is not in the manifest": lambda corpus: shutil.copy(
        corpus / "web" / "part-00000.parquet", corpus / "web" / "part-00001.parquet"
    ),
    "is damaged, or not the manifest": lambda corpus: (corpus / "manifest.json").write_text('{"version": 1}'),
    "cannot be read": lambda corpus: (corpus / "manifest.json").unlink(),
}


@pytest.mark.parametrize("said", DAMAGES)
def test_a_damaged_corpus_is_noticed(corpus: Path, said: str) -> None:
    DAMAGES[said](corpus)
    faults, _ = check_corpus(corpus)
    assert len(faults) == 1 and said in faults[0]
    done = run_module("tools", "verify-corpus", corpus)
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("kind", "value"), [("id", "web/3"), ("url", "https://x/web/3"), ("text", hash_text(PAGES["web/3"]))]
)
def test_a_page_that_was_taken_down_after_select_leaves_no_trace(project: Path, kind: str, value: str) -> None:
    report = _assemble(project, _taken(kind, value))
    rows = [row for name in ("web", "translated_code") for row in read_rows(project / "corpus" / name)]
    assert [row["url"] for row in rows] == ["http://x/web/1", "http://x/web/2", "http://x/web/1"]
    assert report.dropped == {"taken_down": 2} and report.counts["snippets"] == 1
    programs = report.part("translated_code")
    assert (programs.read, programs.kept, programs.dropped["taken_down"]) == (4, 1, 3)
    dropped = [(row["id"][:4], row["detail"]) for row in read_rows(project / "corpus" / "translated_code" / "dropped")]
    assert dropped == [("tran", f"web/3: {kind} {value}")]


def test_a_document_of_translated_code_can_be_taken_down_alone(project: Path) -> None:
    _assemble(project)
    [first, second] = read_rows(project / "corpus" / "translated_code")
    shutil.rmtree(project / "corpus")
    report = _assemble(project, _taken("id", first["id"]))
    assert list(read_rows(project / "corpus" / "translated_code")) == [second]
    assert report.dropped == {"taken_down": 1} and report.counts["snippets"] == 2


def test_the_card_counts_what_was_taken_down_and_why(project: Path) -> None:
    lines = [Removal("domain", "a.org", "2025-12-31", "copyright"), Removal("id", "web/1", "2025-12-31", "private")]
    dropped = [("web/1", "taken_down", "id web/1"), ("web/2", "taken_down", "domain a.org")]
    dropped += [("web/4", "unrelated", ""), ("web/5", "taken_down", "domain a.org")]
    rows = [dict(zip(DROPPED.names, row, strict=True)) for row in dropped]
    write_shards(project / "select" / "web" / "dropped", [pa.RecordBatch.from_pylist(rows, DROPPED)], DROPPED)
    counts = count_taken_down(project / "select", Removals(lines))
    assert counts == {"copyright": 2, "private": 1}
    _assemble(project, Register(Removals(lines), counts))
    card = (project / "corpus" / "README.md").read_text()
    assert "## Taken down" in card and "| copyright | 2 |\n| private | 1 |\n" in card
    assert json.loads((project / "corpus" / "manifest.json").read_text())["taken_down"] == counts


def test_without_removals_the_card_says_nothing_of_them(corpus: Path) -> None:
    assert "aken down" not in (corpus / "README.md").read_text()
    assert pa.schema(DOCUMENT).names == list(next(read_rows(corpus / "web")))
