"""Say what became of a document or snippet: every stage that dropped it, and why; or where it ended."""

import sys
from pathlib import Path

import pyarrow.dataset as ds


def main() -> None:
    """Look an id up in the dropped records and the shards below data/."""
    if len(sys.argv) != 2:
        sys.exit("usage: make why ID=<document id, or snippet id like openwebmath/0123456789abcdef#0>")
    identity = sys.argv[1]
    found = False
    for folder in sorted({path.parent for path in Path("data").rglob("part-*.parquet")}):
        dataset = ds.dataset(sorted(str(p) for p in folder.glob("part-*.parquet")), format="parquet")
        if "id" not in dataset.schema.names:
            continue
        names = [name for name in ("id", "reason", "detail") if name in dataset.schema.names]
        matches = (ds.field("id") == identity) | ds.field("id").cast("string").isin([identity])
        if folder.name == "dropped":
            matches = matches | (ds.field("id") >= identity + "#") & (ds.field("id") < identity + "$")
        for row in dataset.to_table(columns=names, filter=matches).to_pylist():
            found = True
            if "reason" in row:
                print(f"{folder.parent}: {row['id']} dropped: {row['reason']} {row['detail'] or ''}".rstrip())
            else:
                print(f"{folder}: there")
    if not found:
        sys.exit(f"{identity}: in no shard below data/")


if __name__ == "__main__":
    main()
