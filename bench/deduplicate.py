"""Compare MinHash deduplication, end to end, with a plain loop over rensa and with datatrove, on one core.

    python -m bench.deduplicate --megabytes 100

All three read the same Parquet, use the same shingle length and the same number of permutations and bands, and write
the kept documents to Parquet. The loop is the usual one: split, join, update, query, insert. datatrove's four stages
run on a part of the texts, and its clusters on that part are compared with ours.
"""

import re
import tempfile
from collections import defaultdict
from collections.abc import Hashable, Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import typer

from bench.environment import borrow_packages, one_worker, run_datatrove, seconds_beyond_start, take_texts
from bench.table import Row, best_seconds, print_alone
from bench.texts import count_bytes, make_texts
from mathcode_pile.core.params import load
from mathcode_pile.core.shards import ShardWriter, list_shards, read_batches, read_rows, shard_name
from stages.deduplicate.signatures import DeduplicateParams
from stages.deduplicate.stage import deduplicate

WHAT = "MinHash, Parquet to Parquet"
# datatrove splits words with spaCy, at about half a megabyte a second.
DATATROVE_MEGABYTES = 20
WORD = re.compile(r"\w+")


def deduplicate_with_rensa(texts: Path, out: Path, params: DeduplicateParams) -> int:
    """Deduplicate with a plain loop; return the number of documents kept."""
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(threshold=params.min_similarity, num_perm=params.permutations, num_bands=params.bands)
    kept = number = 0
    for place, shard in enumerate(list_shards(texts)):
        writer: ShardWriter | None = None
        for batch in read_batches(shard):
            writer = writer or ShardWriter(out / shard_name(place), batch.schema).__enter__()
            stays = []
            for text in batch.column("text").to_pylist():
                words = _words(text)
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
    """Deduplicate in this process."""
    with one_worker(folder / "scratch"):
        return deduplicate(texts.parent, folder / "ours", {texts.name: params.priority[0]}, params)


def compare(megabytes: int = 100) -> list[Row]:
    """Return the rows of this benchmark."""
    borrow_packages()
    params = load("deduplicate", DeduplicateParams)
    texts = make_texts(megabytes)
    size = count_bytes(texts) / 1e6
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        seconds, metrics = best_seconds(lambda: deduplicate_ours(texts, folder, params))
        plain, kept = best_seconds(lambda: deduplicate_with_rensa(texts, folder / "rensa", params), 1)
        note = f"{size:.0f} MB, {metrics['in']} documents; kept {metrics['kept']}, rensa {kept}"
        return [
            Row(WHAT, size / seconds, size / plain, "MB/s", "a plain rensa loop", note),
            _compare_datatrove(texts, folder, size / seconds, params),
        ]


def _compare_datatrove(texts: Path, folder: Path, rate: float, params: DeduplicateParams) -> Row:
    few = take_texts(texts, folder / "few", DATATROVE_MEGABYTES)
    size = count_bytes(few) / 1e6
    config = [str(number) for number in (params.ngram, params.bands, params.rows_per_band)]
    other, start = seconds_beyond_start(lambda t, o: run_datatrove("deduplicate", *config, t, o), few, folder)
    deduplicate_ours(few, folder / "apart", params)
    ours = folder / "apart" / "ours" / params.priority[0]
    agreement = describe_agreement(few, ours, folder / "whole-out", params.ngram)
    note = f"on {size:.0f} MB of the text, without its start-up of {start:.1f} s; {agreement}"
    return Row(WHAT, rate, size / other, "MB/s", "datatrove, four stages", note)


def describe_agreement(texts: Path, ours: Path, datatrove: Path, ngram: int) -> str:
    """Describe how many pairs of documents both put into one cluster, and how similar the pairs of only one are."""
    rows = list(read_rows(texts, ["id", "text"]))
    documents = {row["id"]: row["text"] for row in rows}
    survivors = {row["id"]: row["detail"].split()[1] for row in read_rows(ours / "dropped")}
    own = _pairs((survivors.get(name, name), name) for name in documents)
    numbers = np.fromfile(datatrove / "clusters" / "000000.clusters", np.uint32).reshape(-1, 2)
    other = _pairs((cluster, rows[place]["id"]) for place, cluster in numbers.tolist())
    parts = [f"{len(own & other)} in both"]
    for who, pairs in (("ours", own - other), ("datatrove's", other - own)):
        alike = sorted(_similarity(documents[a], documents[b], ngram) for a, b in pairs)
        alone = f" (similarity {alike[0]:.2f} to {alike[-1]:.2f})" if alike else ""
        parts.append(f"{len(alike)} only in {who}{alone}")
    return f"pairs in one cluster: {', '.join(parts)}"


def _pairs(members: Iterable[tuple[Hashable, str]]) -> set[tuple[str, str]]:
    clusters = defaultdict(list)
    for cluster, name in members:
        clusters[cluster].append(name)
    return {pair for names in clusters.values() for pair in combinations(sorted(names), 2)}


def _similarity(one: str, other: str, ngram: int) -> float:
    first, second = ({tuple(w[i : i + ngram]) for i in range(len(w) - ngram + 1)} for w in map(_words, (one, other)))
    return len(first & second) / max(1, len(first | second))


def _words(text: str) -> list[str]:
    return WORD.findall(text.lower())


def main(megabytes: int = 100) -> None:
    """Print the table."""
    print_alone(compare, megabytes)


if __name__ == "__main__":
    typer.run(main)
