"""Compare the import filter, from Parquet to Parquet, with a search for strings in each file, on one core.

    python -m bench.code_filter --megabytes 20

The search reads and writes the same Parquet. It keeps a file that contains `import NAME` or `from NAME`, as upstream
does.
"""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from bench.environment import one_worker
from bench.table import Row, best_seconds, print_alone
from bench.texts import count_bytes, make_files
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import load
from mathcode_pile.core.shards import ShardWriter, list_shards, read_batches, read_rows
from stages.filter_code.stage import FilterCodeParams, filter_code


def filter_ours(files: Path, folder: Path, packages: frozenset[str]) -> Report:
    """Filter in this process."""
    with one_worker(folder / "scratch"):
        return filter_code(files, folder / "ours", sorted(packages), "python")


def filter_by_search(files: Path, out: Path, packages: frozenset[str]) -> None:
    """Keep the files that contain one of the strings."""
    wanted = [f"{word} {name}" for name in sorted(packages) for word in ("import", "from")]
    for shard in list_shards(files):
        with ShardWriter(out / shard.name, pq.read_schema(shard)) as writer:
            for batch in read_batches(shard):
                found = [any(string in text for string in wanted) for text in batch.column("text").to_pylist()]
                writer.write(batch.filter(pa.array(found, pa.bool_())))


def compare(megabytes: int = 100) -> list[Row]:
    """Return the row of this benchmark, on a fifth of the text."""
    files = make_files(max(1, megabytes // 5))
    size = count_bytes(files) / 1e6
    packages = frozenset(load("filter_code", FilterCodeParams).packages)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ours, report = best_seconds(lambda: filter_ours(files, folder, packages), 2)
        other, _ = best_seconds(lambda: filter_by_search(files, folder / "search", packages), 2)
        own, searched = ({row["id"] for row in read_rows(folder / name, ["id"])} for name in ("ours", "search"))
    note = (
        f"{size:.0f} MB, {report.read} files, {len(own)} kept; the search keeps {len(searched - own)} files that "
        f"do not import them and misses {len(own - searched)} that do"
    )
    return [Row("import filter, Parquet to Parquet", size / ours, size / other, "MB/s", "a search for strings", note)]


def main(megabytes: int = 100) -> None:
    """Print the table."""
    print_alone(compare, megabytes)


if __name__ == "__main__":
    typer.run(main)
