"""Compare tokenization, from Parquet to Parquet, with the tokenizer's own batch call on strings, on one core.

    python -m bench.tokenize --megabytes 100

The tokenizer is trained on the texts; TOKENIZER=FOLDER takes another one. The bare call makes encodings and discards
them. Ours makes arrays of ids, counts them, hashes document ids and writes Parquet; it knows no pre-token at the start.
The two take turns on small shards, so that other work on the machine slows both.
"""

import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import typer

from bench.table import Row, best_seconds, print_alone
from bench.texts import count_bytes, make_texts
from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.shards import list_shards, read_batches, write_shards
from stages.tokenize.stage import TokenizeParams, load_tokenizer, tokenize_shard
from stages.tokenizer.stage import TokenizerParams, TrainParams, bring_tokenizer

# About a thousand documents: one batch of the bare call.
SHARD_BYTES = 4 << 20


def compare(megabytes: int = 100) -> list[Row]:
    """Return the row of this benchmark, on a quarter of the text."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    texts = make_texts(max(1, megabytes // 4))
    size = count_bytes(texts) / 1e6
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tokenizer = Path(os.environ.get("TOKENIZER", folder / "tokenizer"))
        if not tokenizer.is_dir():
            (folder / "corpus").mkdir()
            (folder / "corpus" / "texts").symlink_to(texts)
            # In its own process: the heap that training leaves behind slows one call more than the other.
            train = TokenizerParams(train=TrainParams(vocabulary=32_000))
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
                apart.submit(bring_tokenizer, train, folder / "corpus", tokenizer).result()
        params = TokenizeParams(held_out_share=0.02, seed=0)
        batches = (batch for shard in list_shards(texts) for batch in read_batches(shard))
        write_shards(folder / "shards", batches, DOCUMENT, SHARD_BYTES)
        shards = list_shards(folder / "shards")
        stage = partial(tokenize_shard, folder=folder / "out", tokenizer=tokenizer, params=params, threads=1)
        stage(shards[0])  # compiles the kernel
        plain, seconds = np.zeros((2, 3, len(shards)))
        for turn in range(3):
            load_tokenizer.cache_clear()
            bare = load_tokenizer(tokenizer).tokenizer
            for number, shard in enumerate(shards):
                documents = [text for batch in read_batches(shard, ["text"]) for text in batch["text"].to_pylist()]
                call = partial(bare.encode_batch, documents, add_special_tokens=False)
                plain[turn, number], _ = best_seconds(call, 1)
                seconds[turn, number], _ = best_seconds(partial(stage, shard), 1)
        again, reports = best_seconds(lambda: [stage(shard) for shard in shards])
        tokens = sum(report.counts["tokens"] + report.counts["held_out_tokens"] for report in reports)
    rate, bare_rate = size / seconds.min(0).sum(), size / plain.min(0).sum()
    note = f"{size:.0f} MB, {tokens / 1e6:.1f}M tokens; {size / again:.3g} MB/s once all pre-tokens are known"
    return [Row("tokenization, Parquet to Parquet", rate, bare_rate, "MB/s", "bare encode_batch", note)]


def main(megabytes: int = 100) -> None:
    """Print the table."""
    print_alone(compare, megabytes)


if __name__ == "__main__":
    typer.run(main)
