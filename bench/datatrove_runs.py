"""datatrove's fastText filter, or its four MinHash stages, on local Parquet; run by an environment that has datatrove.

    PYTHON -m bench.datatrove_runs filter TEXTS MODEL OUT
    PYTHON -m bench.datatrove_runs minhash TEXTS OUT NGRAM BANDS ROWS

An environment of its own: pip install datatrove pyarrow fasttext-numpy2-wheel "xxhash<4" fasteners tokenizers
orjson regex nltk spacy tldextract. DATATROVE names its Python for bench.classify and bench.deduplicate.
"""

import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter


def run(steps: list, logs: Path) -> None:
    """Run a pipeline as one task in one process."""
    LocalPipelineExecutor(steps, tasks=1, workers=1, logging_dir=str(logs), skip_completed=False).run()


def filter_texts(texts: str, model: str, out: str) -> None:
    """Keep what the model calls positive."""
    from datatrove.pipeline.filters import FastTextClassifierFilter

    keep = FastTextClassifierFilter(f"file://{Path(model).resolve()}", keep_labels=("positive", 0.5))
    run([ParquetReader(texts, glob_pattern="*.parquet"), keep, ParquetWriter(f"{out}/kept")], Path(out) / "logs")


def deduplicate(texts: str, out: str, ngram: int, bands: int, rows: int) -> None:
    """Run signatures, buckets, clusters and the filter."""
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig

    config = MinhashConfig(n_grams=ngram, num_buckets=bands, hashes_per_bucket=rows)
    read = ParquetReader(texts, glob_pattern="*.parquet")
    signed, buckets, removed = (f"{out}/{name}" for name in ("signatures", "buckets", "removed"))
    run([read, MinhashDedupSignature(output_folder=signed, config=config)], Path(out) / "logs1")
    LocalPipelineExecutor(
        [MinhashDedupBuckets(input_folder=signed, output_folder=buckets, config=config)],
        tasks=bands, workers=1, logging_dir=f"{out}/logs2", skip_completed=False,
    ).run()  # fmt: skip
    run([MinhashDedupCluster(input_folder=buckets, output_folder=removed, config=config)], Path(out) / "logs3")
    run([read, MinhashDedupFilter(input_folder=removed), ParquetWriter(f"{out}/kept")], Path(out) / "logs4")


if __name__ == "__main__":
    if sys.argv[1] == "filter":
        filter_texts(*sys.argv[2:5])
    else:
        deduplicate(sys.argv[2], sys.argv[3], *map(int, sys.argv[4:7]))
