"""MinHash deduplication end to end against a plain loop over rensa, on one core.

    pip install --target SOMEWHERE rensa
    PYTHONPATH=SOMEWHERE python -m bench.deduplicate --megabytes 100

Both read the same Parquet, take the same shingles (5 words), permutations and bands, and write what they keep
to Parquet. The loop is what a person would write: split, join, update, query, insert.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path

import pyarrow as pa
import typer

from bench.table import Row, best_seconds, describe_machine, to_markdown
from bench.texts import count_bytes, make_texts
from mathcode_pile.deduplicate.signatures import DeduplicateParams
from mathcode_pile.deduplicate.stage import deduplicate
from mathcode_pile.params import load
from mathcode_pile.shards import ShardWriter, list_shards, read_batches, shard_name

WORD = re.compile(r"\w+")


def deduplicate_with_rensa(texts: Path, out: Path, params: DeduplicateParams) -> int:
    """Deduplicate with a plain loop; return the documents kept."""
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(threshold=params.min_similarity, num_perm=params.permutations, num_bands=params.bands)
    kept = number = 0
    for place, shard in enumerate(list_shards(texts)):
        writer: ShardWriter | None = None
        for batch in read_batches(shard):
            writer = writer or ShardWriter(out / shard_name(place), batch.schema).__enter__()
            stays = []
            for text in batch.column("text").to_pylist():
                words = WORD.findall(text.lower())
                minhash = RMinHash(num_perm=params.permutations, seed=params.seed)
                minhash.update(
                    [" ".join(words[i : i + params.ngram]) for i in range(max(1, len(words) - params.ngram + 1))]
                )
                stays.append(not index.query(minhash))
                if stays[-1]:
                    index.insert(number, minhash)
                number += 1
            writer.write(batch.filter(pa.array(stays)))
            kept += sum(stays)
        if writer:
            writer.__exit__(None, None, None)
    return kept


def measure(megabytes: int = 100) -> list[Row]:
    """Return the rows of this benchmark; none where rensa is not installed."""
    try:
        import rensa  # noqa: F401
    except ImportError:
        print("rensa is not installed (pip install --target SOMEWHERE rensa, PYTHONPATH=SOMEWHERE): left out")
        return []
    texts = make_texts(megabytes)
    size = count_bytes(texts) / 1e6
    params = load("deduplicate", DeduplicateParams)
    components = {texts.name: params.priority[0]}
    before = {name: os.environ.get(name) for name in ("MATHCODE_WORKERS", "MATHCODE_SCRATCH")}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)

        def ours() -> dict:
            # A scratch folder of its own for each run, so that no finished shard is used again.
            shutil.rmtree(folder / "scratch", ignore_errors=True)
            os.environ |= {"MATHCODE_WORKERS": "1", "MATHCODE_SCRATCH": str(folder / "scratch")}
            return deduplicate(texts.parent, folder / "ours", components, params)

        try:
            seconds, metrics = best_seconds(ours)
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        plain, kept = best_seconds(lambda: deduplicate_with_rensa(texts, folder / "rensa", params), 1)
    note = f"{size:.0f} MB, {metrics['in']} documents; kept {metrics['kept']}, rensa {kept}"
    return [Row("MinHash, Parquet to Parquet", size / seconds, size / plain, "MB/s", "a plain rensa loop", note)]


def main(megabytes: int = 100) -> None:
    """Print the table."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(describe_machine())
    print(to_markdown(measure(megabytes)))


if __name__ == "__main__":
    typer.run(main)
