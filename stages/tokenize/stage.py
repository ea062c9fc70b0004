"""Turn documents into token ids, a part of them held out."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from pydantic import Field

from mathcode_pile.core.documents import DROPPED
from mathcode_pile.core.engine import count_workers, map_folder
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.scratch import hash_folder
from mathcode_pile.core.shards import ShardWriter, list_shards, read_batches
from mathcode_pile.kernels.words import text_buffers
from mathcode_pile.tokens.packed import token_schema
from mathcode_pile.tokens.pretokens import cut_runs
from stages.tokenize.text_tokenizer import TextTokenizer

# Of text that is encoded at once; where texts are encoded whole, that takes some hundred bytes a token.
BATCH_BYTES = 2_000_000


class TokenizeParams(Section):
    """What is held out from training."""

    held_out_share: float = Field(ge=0, lt=1)
    """Share of each component's documents, chosen by a hash of their id."""
    seed: int = Field(ge=0)


def tokenize(folder: Path, tokenizer: Path, out: Path, params: TokenizeParams) -> Report:
    """Write a component's documents as token ids, those held out to out/held_out; return the counts."""
    vocabulary = load_tokenizer(tokenizer).vocabulary
    threads = max(1, count_workers() // max(1, len(list_shards(folder))))
    work = partial(tokenize_shard, tokenizer=tokenizer, params=params, threads=threads)
    report = map_folder("tokenize", work, folder, out, [params.model_dump(), hash_folder(tokenizer)])
    values = {"vocabulary_size": vocabulary.size, **vocabulary._asdict()}
    del values["size"]
    (out / "vocabulary.json").write_text(json.dumps(values) + "\n", encoding="utf-8")
    return report


@cache
def load_tokenizer(folder: Path) -> TextTokenizer:
    """Return a tokenizer, loaded once a process."""
    return TextTokenizer(folder)


def tokenize_shard(shard: Path, folder: Path, tokenizer: Path, params: TokenizeParams, threads: int) -> Report:
    """Write the token ids of a shard's documents; threads: of the tokenizer's own, in this process."""
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"
    encoder = load_tokenizer(tokenizer)
    schema = token_schema(encoder.vocabulary)
    report, by_source = Report(), Counter[str]()
    with (
        ShardWriter(folder / "documents.parquet", schema) as kept,
        ShardWriter(folder / "held_out.parquet", schema) as held_out,
        ShardWriter(folder / "dropped.parquet", DROPPED) as dropped,
    ):
        for batch in _read_documents(shard):
            is_empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(batch["text"]), ""), True)
            for name in batch["id"].filter(is_empty).to_pylist():
                dropped.write_rows([{"id": name, "reason": "empty", "detail": ""}])
                report.dropped["empty"] += 1
            report.read += batch.num_rows
            batch = batch.filter(pc.invert(is_empty))
            if batch.num_rows:
                ids, offsets = encoder.encode(batch["text"])
                table = _to_arrow(batch, ids, offsets, schema)
                pages = map(_find_page, batch["id"].to_pylist(), batch["metadata"].to_pylist())
                chosen = np.array([is_held_out(page, params) for page in pages])
                lengths = np.diff(offsets)
                kept.write(table.filter(pa.array(~chosen)))
                held_out.write(table.filter(pa.array(chosen)))
                report.counts["bytes"] += int(pc.sum(pc.binary_length(batch["text"])).as_py())
                report.counts["tokens"] += int(lengths[~chosen].sum())
                report.counts["held_out_tokens"] += int(lengths[chosen].sum())
                report.counts["held_out_documents"] += int(chosen.sum())
                for source, length in zip(batch["source"].to_pylist(), lengths.tolist(), strict=True):
                    by_source[source] += length
    report.kept = kept.rows + held_out.rows
    report.counts.update({f"tokens_{source}": count for source, count in by_source.items()})
    return report


def _read_documents(shard: Path) -> Iterator[pa.RecordBatch]:
    """Yield documents, about BATCH_BYTES of text at a time."""
    for batch in read_batches(shard, ["id", "source", "text", "metadata"]):
        _, bounds = text_buffers(batch["text"])
        for start, stop in cut_runs(bounds, BATCH_BYTES):
            yield batch.slice(start, stop - start)


def _to_arrow(batch: pa.RecordBatch, ids: Any, offsets: Any, schema: pa.Schema) -> pa.RecordBatch:
    kind = schema.field("tokens").type
    values = pa.array(ids.astype(kind.value_type.to_pandas_dtype(), copy=False))
    tokens = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=kind)
    names = [batch[column].cast(pa.string()) for column in ("id", "source")]
    return pa.RecordBatch.from_arrays([*names, tokens], schema=schema)


def _find_page(name: str, metadata: str) -> str:
    """Return the id by which a document is held out: a translation's is that of the page it was made from."""
    return json.loads(metadata).get("document_id") or name


def is_held_out(name: str, params: TokenizeParams) -> bool:
    """Say whether a document is held out, from its id and the seed alone.

    A document of translated code goes by the id of the page its computations stand in: what is held out in
    one component must not be trained on in another.
    """
    return xxhash.xxh3_64_intdigest(name.encode("utf-8"), params.seed) < int(params.held_out_share * 2**64)
