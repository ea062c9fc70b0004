"""Shards are whole or absent, and their bytes depend on their rows alone."""

from pathlib import Path

import pyarrow as pa
import pytest

from mathcode_pile.core import shards
from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.shards import LazyShard, ShardWriter, list_shards, read_batches, read_rows, write_shards


def make_batch(rows: int, start: int = 0, size: int = 100) -> pa.RecordBatch:
    base = {"source": "s", "url": "", "license": "MIT", "metadata": "{}"}
    return pa.RecordBatch.from_pylist(
        [base | {"id": str(n), "text": "x" * size} for n in range(start, start + rows)], DOCUMENT
    )


def test_bytes_do_not_depend_on_how_rows_were_batched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROW_GROUP_BYTES", 1000)
    whole = make_batch(57)
    for name, step in [("a", 57), ("b", 1), ("c", 10)]:
        with ShardWriter(tmp_path / name, DOCUMENT) as writer:
            for start in range(0, 57, step):
                writer.write(whole.slice(start, step))
    contents = [(tmp_path / name).read_bytes() for name in "abc"]
    assert contents[0] == contents[1] == contents[2]
    assert max(batch.num_rows for batch in read_batches(tmp_path / "a")) < 20


def test_a_shard_ends_at_its_size_whatever_the_batches(tmp_path: Path) -> None:
    for name, step in [("a", 50), ("b", 7)]:
        assert (
            write_shards(tmp_path / name, (make_batch(50).slice(s, step) for s in range(0, 50, step)), DOCUMENT, 1000)
            == 50
        )
    first, second = ([p.read_bytes() for p in list_shards(tmp_path / name)] for name in "ab")
    assert first == second and len(first) > 3
    assert [row["id"] for row in read_rows(tmp_path / "a")] == [str(n) for n in range(50)]


def test_an_interrupted_shard_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), ShardWriter(tmp_path / "part-00000.parquet", DOCUMENT) as writer:
        writer.write(make_batch(5))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_no_rows_is_an_empty_folder_and_a_missing_one_an_error(tmp_path: Path) -> None:
    assert write_shards(tmp_path / "a", iter(()), DOCUMENT) == 0
    assert list_shards(tmp_path / "a") == []
    with pytest.raises(InputError, match="b: no such folder"):
        list_shards(tmp_path / "b")


def test_broken_parquet_and_a_missing_column_are_named(tmp_path: Path) -> None:
    path = tmp_path / "part-00000.parquet"
    with ShardWriter(path, DOCUMENT) as writer:
        writer.write(make_batch(5))
    with pytest.raises(InputError, match="part-00000.parquet: no column 'score'"):
        list(read_batches(path, ["score"]))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="part-00000.parquet: not a readable Parquet file"):
        list(read_batches(path))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"text": None}, "part-00000.parquet: row 7: column 'text' is missing or null"),
        ({"text": 3}, "part-00000.parquet: .*'int' object"),
        ({"text": "\ud800"}, "part-00000.parquet: .*surrogates not allowed"),
    ],
)
def test_a_wrong_row_is_one_line_that_names_the_shard(tmp_path: Path, wrong: dict[str, object], message: str) -> None:
    good = make_batch(1).to_pylist()[0]
    with (
        pytest.raises(InputError, match=message) as error,
        ShardWriter(tmp_path / "part-00000.parquet", DOCUMENT) as writer,
    ):
        writer.write(make_batch(5))
        writer.write_rows([good, good | wrong])
    assert "\n" not in str(error.value) and list(tmp_path.iterdir()) == []


def test_a_lazy_shard_is_there_only_with_rows(tmp_path: Path) -> None:
    rows = make_batch(3).to_pylist()
    for name, written in (("none", []), ("some", rows)):
        with LazyShard(tmp_path / name / "part-00000.parquet", DOCUMENT) as shard:
            shard.write_rows([])
            shard.write_rows(written)
    assert not (tmp_path / "none").exists()
    assert list(read_rows(tmp_path / "some")) == rows
