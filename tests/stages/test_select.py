"""Selection: which documents are kept, which are dropped, and that each drop has its reason."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.removals import Removals
from mathcode_pile.core.shards import ShardWriter, read_rows
from stages.select.stage import SelectParams, SourceParams, select

PARAMS = SelectParams(keep_types=[1, 2])


@pytest.fixture(autouse=True)
def _own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("MATHCODE_WORKERS", "1")


def _write(folder: Path, column: pa.Field, values: list[Any], texts: list[str] | None = None) -> Path:
    texts = texts or ["text"] * len(values)
    rows = [
        {"id": f"s/{i}", "text": text, "source": "s", "url": "", "license": "", "metadata": "{}", column.name: value}
        for i, (value, text) in enumerate(zip(values, texts, strict=True))
    ]
    with ShardWriter(folder / "part-00000.parquet", DOCUMENT.append(column)) as shard:
        shard.write_rows(rows)
    return folder


def _source(keep: str, **more: Any) -> SourceParams:
    return SourceParams(component="web", input="classify/round1", keep=keep, **more)  # type: ignore[arg-type]


def _ids(folder: Path) -> list[str]:
    return [row["id"] for row in read_rows(folder, ["id"])]


def _reasons(folder: Path) -> list[tuple[str, str, str]]:
    return [(row["id"], row["reason"], row["detail"]) for row in read_rows(folder / "dropped")]


def test_a_document_stays_if_one_of_its_pieces_has_a_kept_type(tmp_path: Path) -> None:
    types = pa.field("types", pa.list_(pa.int8()), nullable=False)
    raw = _write(tmp_path / "in", types, [[5, 1], [5], [], [2, 2], [0, 7]])
    report = select(raw, tmp_path / "out", _source("types"), PARAMS, Removals())
    assert _ids(tmp_path / "out") == ["s/0", "s/3"]
    assert _reasons(tmp_path / "out") == [
        ("s/1", "type_not_kept", "types: 5"),
        ("s/2", "type_not_kept", "no type"),
        ("s/4", "type_not_kept", "types: 0, 7"),
    ]
    assert (report.read, report.kept, dict(report.dropped)) == (5, 2, {"type_not_kept": 3})


def test_related_are_documents_with_a_piece_about_mathematics(tmp_path: Path) -> None:
    types = pa.field("types", pa.list_(pa.int8()), nullable=False)
    raw = _write(tmp_path / "in", types, [[3], [4, 2], [4], [7, 0]])
    select(raw, tmp_path / "out", _source("related"), PARAMS, Removals())
    assert _ids(tmp_path / "out") == ["s/0", "s/1"]
    assert _reasons(tmp_path / "out") == [("s/2", "unrelated", "types: 4"), ("s/3", "unrelated", "types: 7, 0")]


def test_a_score_is_kept_with_the_document_and_compared_with_the_threshold(tmp_path: Path) -> None:
    score = pa.field("score_round1", pa.float32(), nullable=False)
    raw = _write(tmp_path / "in", score, [0.25, 0.5, 0.75])
    select(raw, tmp_path / "out", _source("score", threshold=0.5), PARAMS, Removals())
    rows = list(read_rows(tmp_path / "out"))
    assert [(row["id"], row["score_round1"], row["component"]) for row in rows] == [
        ("s/1", 0.5, "web"),
        ("s/2", 0.75, "web"),
    ]
    assert _reasons(tmp_path / "out") == [("s/0", "below_threshold", "score: 0.250000")]


def test_a_shard_with_gaps_loses_no_document_uncounted(tmp_path: Path) -> None:
    """A shard as another library writes it: `string` columns, null texts, types and scores."""
    kinds = {"types": pa.list_(pa.int8()), "score_round1": pa.float32()}
    values = {"types": [[1], None, [1], []], "score_round1": [0.9, None, 0.9, 0]}
    reasons = {"types": "type_not_kept", "score_round1": "below_threshold"}
    for column, kind in kinds.items():
        table = {"id": [f"s/{n}" for n in range(4)], "text": ["text", "text", None, "text"], "source": ["s"] * 4}
        table |= {"url": [None] * 4, "license": ["MIT"] * 4, "metadata": ["", None, "{}", '{"a": 1}']}
        folder = tmp_path / column
        folder.mkdir()
        pq.write_table(pa.table(table | {column: pa.array(values[column], kind)}), folder / "part-00000.parquet")
        keep = column.partition("_")[0]
        report = select(
            folder,
            tmp_path / f"out_{column}",
            _source(keep, **{"threshold": 0.5} if keep == "score" else {}),
            PARAMS,
            Removals(),
        )
        assert (report.read, report.kept) == (4, 1)
        assert dict(report.dropped) == {reasons[column]: 2, "empty_text": 1}
        (kept,) = read_rows(tmp_path / f"out_{column}", ["text", "url", "metadata"])
        assert kept == {"text": "text", "url": "", "metadata": "{}"}


def test_a_missing_score_is_one_line_naming_the_column(tmp_path: Path) -> None:
    raw = _write(tmp_path / "in", pa.field("score_books", pa.float32(), nullable=False), [0.5])
    with pytest.raises(InputError, match="no column 'score_round1'"):
        select(raw, tmp_path / "out", _source("score", threshold=0.5), PARAMS, Removals())


@pytest.mark.parametrize(("keep", "more"), [("score", {}), ("all", {"threshold": 0.5})])
def test_a_threshold_goes_with_scores_alone(keep: str, more: dict[str, float]) -> None:
    values = {"component": "web", "input": "classify/round1", "keep": keep} | more
    with pytest.raises(ParamsError, match=r"sources\.x: threshold goes with keep: score, got [^{]*$"):
        parse_section("sources.x", values, SourceParams)


def test_a_type_out_of_range_is_named() -> None:
    with pytest.raises(ParamsError, match=r"select\.keep_types\.1: .* got 8"):
        parse_section("select", {"keep_types": [1, 8]}, SelectParams)
