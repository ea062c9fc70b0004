"""Turn documents into token ids. A part of the documents is held out from training."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray
from pydantic import Field

from mathcode_pile.core.engine import count_threads, map_folder
from mathcode_pile.core.funnel import Funnel, Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.scratch import hash_folder
from mathcode_pile.core.shards import list_shards
from mathcode_pile.kernels.words import text_buffers
from mathcode_pile.tokens.packed import token_schema
from mathcode_pile.tokens.pretokens import cut_runs
from stages.tokenize.reasons import Reason
from stages.tokenize.text_tokenizer import TextTokenizer

# How much text is encoded at once. Where texts are encoded whole, a token needs some hundred bytes of memory.
BATCH_BYTES = 2_000_000


class TokenizeParams(Section):
    """Which documents are held out from training."""

    held_out_share: float = Field(ge=0, lt=1)
    """The share of each component's documents; a hash of their id chooses them."""
    seed: int = Field(ge=0)
    """The seed of the choice."""


def tokenize(folder: Path, tokenizer: Path, out: Path, params: TokenizeParams) -> Report:
    """Write a component's documents as token ids, those held out to out/held_out; return the counts."""
    vocabulary = load_tokenizer(tokenizer).vocabulary
    threads = count_threads("tokenize", len(list_shards(folder)))
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
    """Write the token ids of a shard's documents; threads: how many the tokenizer itself may use in this process."""
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"
    encoder = load_tokenizer(tokenizer)
    schema = token_schema(encoder.vocabulary)
    work = partial(_encode, encoder=encoder, schema=schema, params=params)
    with Funnel.of_shard(folder, schema, held_out=schema) as funnel:
        counts, by_source = funnel.report.counts, Counter[str]()
        for batch in funnel.read(shard, ["id", "source", "text", "metadata"]):
            for documents in _cut(batch):
                is_empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(documents["text"]), ""), True)
                funnel.drop_rows(documents["id"].filter(is_empty), Reason.EMPTY)
                for part, encoded in funnel.apply(work, documents.filter(pc.invert(is_empty))):
                    is_out, lengths = encoded.is_held_out, encoded.lengths
                    funnel.keep(encoded.table.filter(pa.array(~is_out)))
                    funnel.keep_aside("held_out", encoded.table.filter(pa.array(is_out)))
                    counts["bytes"] += int(pc.sum(pc.binary_length(part["text"])).as_py())
                    counts["tokens"] += int(lengths[~is_out].sum())
                    counts["held_out_tokens"] += int(lengths[is_out].sum())
                    counts["held_out_documents"] += int(is_out.sum())
                    for source, length in zip(part["source"].to_pylist(), lengths.tolist(), strict=True):
                        by_source[source] += length
        counts.update({f"tokens_{source}": count for source, count in by_source.items()})
    return funnel.report


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield documents, about BATCH_BYTES of text at a time."""
    _, bounds = text_buffers(batch["text"])
    for start, stop in cut_runs(bounds, BATCH_BYTES):
        yield batch.slice(start, stop - start)


class Encoded(NamedTuple):  # some documents as tokens
    table: pa.RecordBatch
    lengths: NDArray[np.int64]
    """[documents] their tokens."""
    is_held_out: NDArray[np.bool_]


def _encode(batch: pa.RecordBatch, encoder: TextTokenizer, schema: pa.Schema, params: TokenizeParams) -> Encoded:
    ids, offsets = encoder.encode(batch["text"])
    pages = map(_find_page, batch["id"].to_pylist(), batch["metadata"].to_pylist())
    chosen = np.array([is_held_out(page, params) for page in pages])
    return Encoded(_to_arrow(batch, ids, offsets, schema), np.diff(offsets), chosen)


def _to_arrow(batch: pa.RecordBatch, ids: Any, offsets: Any, schema: pa.Schema) -> pa.RecordBatch:
    kind = schema.field("tokens").type
    values = pa.array(ids.astype(kind.value_type.to_pandas_dtype(), copy=False))
    tokens = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=kind)
    names = [batch[column].cast(pa.string()) for column in ("id", "source")]
    return pa.RecordBatch.from_arrays([*names, tokens], schema=schema)


def _find_page(name: str, metadata: str) -> str:
    """Return the id that decides whether a document is held out: for translated code that of its page."""
    return json.loads(metadata).get("document_id") or name


def is_held_out(name: str, params: TokenizeParams) -> bool:
    """Say whether a document is held out; only its id and the seed decide.

    For translated code, pass the id of the page that its computations come from: a page that is held out in one
    component must not be trained on in another.
    """
    return xxhash.xxh3_64_intdigest(name.encode("utf-8"), params.seed) < int(params.held_out_share * 2**64)
