"""The books of a stage: read = kept + dropped, each drop with a name, a record that fails costs itself alone."""

from pathlib import Path

import pyarrow as pa
import pytest

from mathcode_pile.core.documents import DROPPED, record_ids
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import CoreReason, DropReason, Failed, Funnel, Report, attempt, parse_reasons
from mathcode_pile.core.shards import LazyShard, ShardsWriter, ShardWriter, read_rows

SCHEMA = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("number", pa.int64(), nullable=False)])


class Reason(DropReason):
    ODD = "odd", "The number is odd."


def make_shard(folder: Path, numbers: range) -> Path:
    shard = folder / "part-00000.parquet"
    with ShardWriter(shard, SCHEMA) as writer:
        writer.write_rows([{"id": f"s/{number}", "number": number} for number in numbers])
    return shard


def invert(batch: pa.RecordBatch) -> list[float]:
    return [1 / (number % 10) for number in batch.column("number").to_pylist()]


def keep_even(shard: Path, out: Path) -> Report:
    with Funnel.of_shard(out, SCHEMA) as funnel:
        for batch in funnel.read(shard):
            for part, _ in funnel.apply(invert, batch):
                is_even = [number % 2 == 0 for number in part.column("number").to_pylist()]
                funnel.split(part, is_even, Reason.ODD)
    return funnel.report


def test_every_record_is_kept_or_dropped_by_name(tmp_path: Path) -> None:
    report = keep_even(make_shard(tmp_path, range(100)), tmp_path / "out")
    assert (report.read, report.kept, report.dropped) == (100, 40, {"odd": 50, "failed": 10})
    assert report.to_metrics()["reasons"] == "failed 10, odd 50"
    assert parse_reasons("failed 10, odd 50") == {"failed": 10, "odd": 50}


def test_a_failing_record_costs_itself_alone_and_says_why(tmp_path: Path) -> None:
    report = keep_even(make_shard(tmp_path, range(100)), tmp_path / "out")
    (tmp_path / "dropped").mkdir()
    (tmp_path / "out" / "dropped.parquet").rename(tmp_path / "dropped" / "part-00000.parquet")
    failed = [row for row in read_rows(tmp_path / "dropped") if row["reason"] == CoreReason.FAILED]
    assert [row["id"] for row in failed] == [f"s/{number}" for number in range(0, 100, 10)]
    assert failed[0]["detail"].startswith("ZeroDivisionError: division by zero (test_funnel.py:")
    assert report.first_failure == f"s/0: {failed[0]['detail']}"


def test_a_record_that_is_neither_kept_nor_dropped_is_a_fault_of_the_stage(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="lost"), Funnel.of_shard(tmp_path, SCHEMA) as funnel:
        list(funnel.read(make_shard(tmp_path / "in", range(3))))


@pytest.mark.parametrize("error", [InputError("x"), OSError(28, "No space left"), MemoryError()])
def test_what_is_no_records_fault_ends_the_stage(error: Exception) -> None:
    def work() -> None:
        raise error

    with pytest.raises(type(error)):
        attempt(work)


def test_an_attempt_gives_the_result_or_what_went_wrong() -> None:
    assert attempt(int, "7") == 7
    failed = attempt(int, "x")
    assert isinstance(failed, Failed) and failed.detail.startswith("ValueError: invalid literal")


def test_a_guarded_block_drops_the_record_on_which_it_raises(tmp_path: Path) -> None:
    with Funnel(LazyShard(tmp_path / "kept.parquet", SCHEMA), LazyShard(tmp_path / "d.parquet", DROPPED)) as funnel:
        for number in (1, 0):
            funnel.count_read()
            with funnel.guarding(f"s/{number}"):
                funnel.keep([{"id": f"s/{number}", "number": 1 // number}])
    assert (funnel.report.kept, funnel.report.failed) == (1, 1)


def test_a_report_survives_json_and_sums(tmp_path: Path) -> None:
    report = keep_even(make_shard(tmp_path, range(100)), tmp_path / "out")
    again = Report.from_json(report.to_json())
    assert again == report and (again + report).read == 200 and (again + report).dropped["odd"] == 100


def test_shards_of_rows_end_where_the_limit_is_reached(tmp_path: Path) -> None:
    with ShardsWriter(tmp_path, DROPPED, shard_bytes=30) as writer:
        writer.write_rows([{"id": "0123456789", "reason": "odd", "detail": ""}] * 7)
    assert writer.rows == 7 and len(list(tmp_path.glob("part-*.parquet"))) == 3


def test_ids_of_snippets_name_their_document() -> None:
    batch = pa.RecordBatch.from_pylist([{"document_id": "s/1", "position": 2}])
    assert record_ids(batch) == ["s/1#2"]
