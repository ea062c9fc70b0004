"""Tokenization from Parquet to Parquet against the tokenizer's own batch call on lists of strings, on one core.

    python -m bench.tokenize --megabytes 100

With a tokenizer trained on the texts, or with any other: TOKENIZER=FOLDER. The bare call makes its encodings
and drops them; ours makes arrays of ids, counts them, hashes ids of documents and writes Parquet. The two take turns,
shard by small shard, so that whatever else the machine does slows both.
"""

import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import typer

from bench.table import Row, best_seconds, print_alone
from bench.texts import count_bytes, make_texts
from mathcode_pile.documents import DOCUMENT
from mathcode_pile.shards import list_shards, read_batches, write_shards
from mathcode_pile.tokenize import TokenizeParams, load_tokenizer, tokenize_shard
from mathcode_pile.tokenizer import TokenizerParams, TrainParams, bring_tokenizer

# About a thousand documents: a batch of the bare call.
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
            # In a process of its own: what training leaves of the heap slows one call more than the other.
            train = TokenizerParams(train=TrainParams(vocabulary=32_000))
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
                apart.submit(bring_tokenizer, train, folder / "corpus", tokenizer).result()
        bare = load_tokenizer(tokenizer).tokenizer
        params = TokenizeParams(held_out_share=0.02, seed=0)
        batches = (batch for shard in list_shards(texts) for batch in read_batches(shard))
        write_shards(folder / "shards", batches, DOCUMENT, SHARD_BYTES)
        plain = seconds = 0.0
        tokens = 0
        for shard in list_shards(folder / "shards"):
            documents = [text for batch in read_batches(shard, ["text"]) for text in batch["text"].to_pylist()]
            call = partial(bare.encode_batch, documents, add_special_tokens=False)
            stage = partial(tokenize_shard, shard, folder / "out", tokenizer, params, threads=1)
            turns = [(best_seconds(call, 1)[0], *best_seconds(stage, 1)) for _ in range(3)]
            plain += min(turn[0] for turn in turns)
            seconds += min(turn[1] for turn in turns)
            tokens += turns[0][2].counts["tokens"] + turns[0][2].counts["held_out_tokens"]
    note = f"{size:.0f} MB, {tokens / 1e6:.1f}M tokens"
    return [Row("tokenization, Parquet to Parquet", size / seconds, size / plain, "MB/s", "bare encode_batch", note)]


def main(megabytes: int = 100) -> None:
    """Print the table."""
    print_alone(compare, megabytes)


if __name__ == "__main__":
    typer.run(main)
