"""What deduplication knows of a document besides its id: two text hashes, its words and its signature."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from mathcode_pile.core.engine import map_shards
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import ShardWriter, list_shards, read_batches
from mathcode_pile.kernels.words import text_hashes
from stages.deduplicate.minhash_kernel import Signatures, permutations, sign_texts

# Standard errors that an estimate may lie under the similarity asked for: 995 of 1,000 do not lie lower.
_ROOM = 2.6


class DeduplicateParams(Section):
    """What counts as a duplicate, and who keeps it."""

    ngram: int = Field(ge=1)
    """Words in a shingle."""
    bands: int = Field(ge=1)
    rows_per_band: int = Field(ge=1)
    min_similarity: float = Field(gt=0, le=1)
    """The Jaccard similarity of shingles from which duplicates are to be found, 99 times of 100."""
    seed: int = Field(ge=0)
    priority: list[str]
    """Components, the one that keeps a shared document first."""

    @property
    def permutations(self) -> int:
        """Return how many minima make a signature."""
        return self.bands * self.rows_per_band

    @property
    def least_equal(self) -> int:
        """Return in how many places two signatures agree at least, to be taken for duplicates."""
        error = (self.min_similarity * (1 - self.min_similarity) / self.permutations) ** 0.5
        return max(1, int(np.ceil((self.min_similarity - _ROOM * error) * self.permutations - 1e-9)))

    def found_share(self, similarity: float) -> float:
        """Return the share of pairs of a similarity that fall into one bucket at least once."""
        return float(1 - (1 - similarity**self.rows_per_band) ** self.bands)


def signature_schema(params: DeduplicateParams) -> pa.Schema:
    """Return the columns of a shard of signatures."""
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("first_hash", pa.uint64(), nullable=False),
            pa.field("second_hash", pa.uint64(), nullable=False),
            pa.field("words", pa.int64(), nullable=False),
            pa.field("signature", pa.binary(2 * params.permutations), nullable=False),
        ]
    )


def sign_shards(shards: list[Path], out: Path, params: DeduplicateParams) -> Report:
    """Write the signatures of each shard's documents to a shard of the same number; finished ones are reused."""
    key = [params.ngram, params.permutations, params.seed]
    work = partial(sign_shard, params=params)
    return map_shards("sign", work, shards, out, key, prepare=partial(_warm, params))


def _warm(params: DeduplicateParams) -> None:
    # Compiled or fetched from the cache once, and not in every worker.
    text = pa.array(["a"], pa.large_string())
    sign_texts(text, params.ngram, permutations(params.permutations, params.seed))
    text_hashes(text)


def sign_shard(shard: Path, folder: Path, *, params: DeduplicateParams) -> Report:
    """Write the signatures of one shard's documents, one row a document."""
    drawn = permutations(params.permutations, params.seed)
    schema = signature_schema(params)
    report = Report()
    with ShardWriter(folder / "documents.parquet", schema) as signed:
        for batch in read_batches(shard, ["id", "text"]):
            text = batch.column("text")
            if not (pa.types.is_string(text.type) or pa.types.is_large_string(text.type)):
                raise InputError(f"{shard}: column 'text' must hold text, it holds {text.type}")
            signatures, words = sign_texts(text, params.ngram, drawn)
            packed = pa.Array.from_buffers(schema.field("signature").type, len(text), [None, pa.py_buffer(signatures)])
            first, second = text_hashes(text)
            columns = [batch.column("id").cast(pa.string()), pa.array(first), pa.array(second), pa.array(words), packed]
            signed.write(pa.RecordBatch.from_arrays(columns, schema=schema))
            report.read += batch.num_rows
    report.kept = report.read
    return report


@dataclass
class Signed:
    """The signatures of all documents, in the order of the shards."""

    first_hash: NDArray[np.uint64]
    second_hash: NDArray[np.uint64]
    words: NDArray[np.int32]
    signatures: Signatures
    bounds: NDArray[np.int64]
    """[shards + 1] where each shard's documents begin."""


def load_signatures(folder: Path, counts: list[int], params: DeduplicateParams) -> Signed:
    """Return the signatures in a folder, one shard of it for each entry of counts, its documents."""
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    documents = int(bounds[-1])
    signed = Signed(
        np.empty(documents, dtype=np.uint64),
        np.empty(documents, dtype=np.uint64),
        np.empty(documents, dtype=np.int32),
        np.empty((documents, params.permutations), dtype=np.uint16),
        bounds,
    )
    start = 0
    for shard in list_shards(folder):
        for batch in read_batches(shard, ["first_hash", "second_hash", "words", "signature"]):
            stop = start + batch.num_rows
            signed.first_hash[start:stop] = batch.column("first_hash").to_numpy()
            signed.second_hash[start:stop] = batch.column("second_hash").to_numpy()
            signed.words[start:stop] = np.minimum(batch.column("words").to_numpy(), np.iinfo(np.int32).max)
            packed = batch.column("signature")
            values = np.frombuffer(packed.buffers()[1], dtype=np.uint16)
            first = packed.offset * params.permutations
            signed.signatures[start:stop] = values[first : first + batch.num_rows * params.permutations].reshape(
                batch.num_rows, params.permutations
            )
            start = stop
    return signed


def similarity(signed: Signed, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """[rows] estimated similarity of documents with others."""
    found = np.empty(len(rows))
    for start in range(0, len(rows), 100_000):
        part = slice(start, start + 100_000)
        found[part] = (signed.signatures[rows[part]] == signed.signatures[others[part]]).mean(axis=1)
    return found


def memory_bytes(documents: int, params: DeduplicateParams) -> int:
    """Return the memory that so many documents need at most, whatever their length.

    Besides signature, hashes, words, rank and cluster of each: a band's hashes while they are sorted.
    """
    held = 2 * params.permutations + 2 * 8 + 4 + 2 + 3 * 8
    return documents * (held + 4 * 8)
