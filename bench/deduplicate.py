"""MinHash deduplication end to end against a plain loop over rensa, on one core.

    pip install --target SOMEWHERE rensa
    PYTHONPATH=SOMEWHERE python -m bench.deduplicate --megabytes 100

Both read the same Parquet, take the same shingles (5 words), permutations and bands, and write what they keep
to Parquet. The loop is what a person would write: split, join, update, query, insert.
"""

import importlib.util
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import typer

from bench.classify import run_datatrove
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


def deduplicate_ours(texts: Path, folder: Path, params: DeduplicateParams) -> dict[str, Any]:
    """Deduplicate with one worker and a scratch folder of its own, so that no finished shard is used again."""
    before = {name: os.environ.get(name) for name in ("MATHCODE_WORKERS", "MATHCODE_SCRATCH")}
    shutil.rmtree(folder / "scratch", ignore_errors=True)
    os.environ |= {"MATHCODE_WORKERS": "1", "MATHCODE_SCRATCH": str(folder / "scratch")}
    try:
        return deduplicate(texts.parent, folder / "ours", {texts.name: params.priority[0]}, params)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def measure(megabytes: int = 100) -> list[Row]:
    """Return the rows of this benchmark; none where neither rensa nor datatrove is installed."""
    rows = []
    params = load("deduplicate", DeduplicateParams)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        texts = make_texts(megabytes)
        size = count_bytes(texts) / 1e6
        seconds, metrics = best_seconds(lambda: deduplicate_ours(texts, folder, params))
        note = f"{size:.0f} MB, {metrics['in']} documents; kept {metrics['kept']}"
        what = "MinHash, Parquet to Parquet"
        if importlib.util.find_spec("rensa"):
            plain, kept = best_seconds(lambda: deduplicate_with_rensa(texts, folder / "rensa", params), 1)
            said = f"{note}, rensa {kept}"
            rows.append(Row(what, size / seconds, size / plain, "MB/s", "a plain rensa loop", said))
        else:
            print("rensa is not installed (pip install --target SOMEWHERE rensa, PYTHONPATH=SOMEWHERE): left out")
        if os.environ.get("DATATROVE"):
            # A part of the texts: datatrove splits words with spaCy, at less than a megabyte a second.
            few = make_texts(min(5, megabytes))
            run = ["-m", "bench.datatrove_runs", "minhash", str(few), str(folder / "datatrove")]
            run += [str(n) for n in (params.ngram, params.bands, params.rows_per_band)]
            other, _ = best_seconds(lambda: run_datatrove(run), 1)
            rows.append(
                Row(what, size / seconds, count_bytes(few) / 1e6 / other, "MB/s", "datatrove, four stages", note)
            )
    return rows


def main(megabytes: int = 100) -> None:
    """Print the table."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(describe_machine())
    print(to_markdown(measure(megabytes)))


if __name__ == "__main__":
    typer.run(main)
