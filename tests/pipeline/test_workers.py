"""Stages that work shard by shard write the same bytes from one, two and four workers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from scripted import write_documents
from test_extract_textbooks import LONG, PARAMS, make_pdf

from mathcode_pile.core.documents import FILE
from mathcode_pile.core.removals import Removals
from mathcode_pile.core.scratch import hash_folder
from mathcode_pile.core.shards import ShardWriter, shard_name
from stages.extract_textbooks.stage import extract_textbooks
from stages.filter_code.stage import filter_code
from stages.select.stage import SelectParams, SourceParams, select


def code(tmp_path: Path, out: Path) -> None:
    texts = [f"import {'sympy' if n % 3 else 'os'}\nx = {n}" for n in range(60)]
    filter_code(write_documents(tmp_path / "code", texts, shards=6), out, ["sympy"], "python")


def selected(tmp_path: Path, out: Path) -> None:
    source = SourceParams(component="synthetic", input="fetch/s", keep="all")
    texts = [" " if n % 5 == 0 else "text" for n in range(60)]
    select(write_documents(tmp_path / "texts", texts, shards=6), out, source, SelectParams(keep_types=[1]), Removals())


def books(tmp_path: Path, out: Path) -> None:
    fields = {"source": "t", "url": "", "license": "MIT", "metadata": "{}"}
    if not (tmp_path / "books").is_dir():
        for shard in range(4):
            with ShardWriter(tmp_path / "books" / shard_name(shard), FILE) as writer:
                contents = [make_pdf([f"{shard} {LONG}"]), b"no book", make_pdf([""])]
                writer.write_rows([fields | {"id": f"{shard}/{n}", "content": c} for n, c in enumerate(contents)])
    extract_textbooks(tmp_path / "books", out, PARAMS)


@pytest.mark.parametrize("stage", [code, selected, books])
def test_any_number_of_workers_writes_the_same_bytes(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch, stage: Callable[[Path, Path], None]
) -> None:
    hashes = set()
    for workers in ("1", "2", "4"):
        monkeypatch.setenv("MATHCODE_WORKERS", workers)
        monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / f"scratch{workers}"))
        stage(tmp_path, tmp_path / f"out{workers}")
        hashes.add(hash_folder(tmp_path / f"out{workers}"))
    assert len(hashes) == 1
