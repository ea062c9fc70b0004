"""Run datatrove on local Parquet, one task in one process, with the Python that has it (see bench/environment.py).

    PYTHON -m bench.datatrove_runs filter MODEL TEXTS OUT
    PYTHON -m bench.datatrove_runs deduplicate NGRAM BANDS ROWS TEXTS OUT
    PYTHON -m bench.datatrove_runs index QUESTIONS NGRAM OUT
    PYTHON -m bench.datatrove_runs decontaminate INDEX NGRAM TEXTS OUT

Kept documents are written to OUT/kept. All other settings are datatrove's defaults; spaCy splits English into words.
"""

import json
import sys
from pathlib import Path

import numpy as np
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.decont import NGramsDecontConfig, NGramsDecontFilter
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.filters import FastTextClassifierFilter
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.hashing import create_hash_func
from datatrove.utils.text import ngrams, simplify_text
from datatrove.utils.word_tokenizers import load_word_tokenizer


def run(steps: list, logs: str, tasks: int = 1) -> None:
    """Run a pipeline in this process."""
    LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=logs, skip_completed=False).run()


def filter_texts(model: str, texts: str, out: str) -> None:
    """Keep the documents that the model labels as positive."""
    keep = FastTextClassifierFilter(f"file://{Path(model).resolve()}", keep_labels=("positive", 0.5))
    run([ParquetReader(texts, glob_pattern="*.parquet"), keep, ParquetWriter(f"{out}/kept")], f"{out}/logs")


def deduplicate(ngram: str, bands: str, rows: str, texts: str, out: str) -> None:
    """Run the four stages: signatures, buckets, clusters (with cluster numbers) and the filter."""
    config = MinhashConfig(n_grams=int(ngram), num_buckets=int(bands), hashes_per_bucket=int(rows))
    read = ParquetReader(texts, glob_pattern="*.parquet")
    signed, buckets, found = (f"{out}/{name}" for name in ("signatures", "buckets", "clusters"))
    run([read, MinhashDedupSignature(output_folder=signed, config=config)], f"{out}/logs1")
    run([MinhashDedupBuckets(input_folder=signed, output_folder=buckets, config=config)], f"{out}/logs2", int(bands))
    cluster = MinhashDedupCluster(input_folder=buckets, output_folder=found, config=config, save_cluster_id=True)
    run([cluster], f"{out}/logs3")
    run([read, MinhashDedupFilter(input_folder=found), ParquetWriter(f"{out}/kept")], f"{out}/logs4")


def index_questions(questions: str, ngram: str, out: str) -> None:
    """Write an index of texts (a JSON list) like NGramsDecontIndexer's, which would need lighteval."""
    config = NGramsDecontConfig(n_grams=int(ngram))
    split, hashed = load_word_tokenizer("en").word_tokenize, create_hash_func(config.hash_config)
    hashes: set[int] = set()
    for text in json.loads(Path(questions).read_text(encoding="utf-8")):
        hashes.update(hashed(" ".join(g)) for g in ngrams(split(simplify_text(text, config.norm_config)), int(ngram)))
    Path(out).mkdir(parents=True)
    np.array(sorted(hashes), dtype=config.hash_config.np_descr).tofile(f"{out}/questions.index.hashes")


def decontaminate(index: str, ngram: str, texts: str, out: str) -> None:
    """Drop the documents that contain an n-gram of the index."""
    drop = NGramsDecontFilter(index, config=NGramsDecontConfig(n_grams=int(ngram)))
    run([ParquetReader(texts, glob_pattern="*.parquet"), drop, ParquetWriter(f"{out}/kept")], f"{out}/logs")


if __name__ == "__main__":
    commands = {"filter": filter_texts, "deduplicate": deduplicate, "index": index_questions}
    (commands | {"decontaminate": decontaminate})[sys.argv[1]](*sys.argv[2:])
