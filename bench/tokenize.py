"""Tokenization from Parquet to Parquet against the tokenizer's own batch call on lists of strings, on one core.

    python -m bench.tokenize --megabytes 100

With a tokenizer trained on the texts, or with any other: TOKENIZER=FOLDER. The bare call makes its encodings
and drops them; ours makes arrays of ids, counts them, hashes ids of documents and writes Parquet.
"""

import os
import tempfile
from pathlib import Path

import typer

from bench.table import Row, best_seconds, print_alone
from bench.texts import count_bytes, make_texts
from mathcode_pile.shards import list_shards, read_rows
from mathcode_pile.tokenize import TokenizeParams, load_tokenizer, tokenize_shard
from mathcode_pile.tokenizer import TokenizerParams, TrainParams, bring_tokenizer

BATCH = 1000


def compare(megabytes: int = 100) -> list[Row]:
    """Return the row of this benchmark, on a quarter of the text."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    texts = make_texts(max(1, megabytes // 4))
    size = count_bytes(texts) / 1e6
    documents = [row["text"] for row in read_rows(texts, ["text"])]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tokenizer = Path(os.environ.get("TOKENIZER", folder / "tokenizer"))
        if not tokenizer.is_dir():
            (folder / "corpus").mkdir()
            (folder / "corpus" / "texts").symlink_to(texts)
            bring_tokenizer(TokenizerParams(train=TrainParams(vocabulary=32_000)), folder / "corpus", tokenizer)
        bare = load_tokenizer(tokenizer).tokenizer
        params = TokenizeParams(held_out_share=0.02, seed=0)

        def ours() -> int:
            shards = enumerate(list_shards(texts))
            reports = [tokenize_shard(s, folder / str(n), tokenizer, params, threads=1) for n, s in shards]
            return sum(report.counts["tokens"] + report.counts["held_out_tokens"] for report in reports)

        def batches() -> None:
            for start in range(0, len(documents), BATCH):
                bare.encode_batch(documents[start : start + BATCH], add_special_tokens=False)

        # By turns, since the two are so near to each other.
        turns = [(best_seconds(batches, 1)[0], *best_seconds(ours, 1)) for _ in range(3)]
        plain, seconds, tokens = (min(values) for values in zip(*turns, strict=True))
    note = f"{size:.0f} MB, {tokens / 1e6:.1f}M tokens"
    return [Row("tokenization, Parquet to Parquet", size / seconds, size / plain, "MB/s", "bare encode_batch", note)]


def main(megabytes: int = 100) -> None:
    """Print the table."""
    print_alone(compare, megabytes)


if __name__ == "__main__":
    typer.run(main)
