"""What deduplication knows of a document besides its id: two hashes of its text, its tokens and its signature."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from mathcode_pile.core.documents import DROPPED
from mathcode_pile.core.engine import map_shards
from mathcode_pile.core.errors import InputError, PipelineError
from mathcode_pile.core.funnel import Failed, Funnel, Report, attempt_rows
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import LazyShard, ShardWriter, list_shards, read_batches, read_rows
from mathcode_pile.kernels.words import text_hashes
from stages.deduplicate.minhash_kernel import NUMBER_MINIMA, Permutations, Signatures, permutations, sign_texts

# How many standard errors an estimate may be below min_similarity: 995 of 1,000 estimates are not lower.
_ROOM = 2.6
# In place of the number of words, in the signature of a document on which our code failed.
FAILED_WORDS = -1


class DeduplicateParams(Section):
    """What counts as a duplicate, and which component keeps it."""

    ngram: int = Field(ge=1)
    """Words in a shingle."""
    bands: int = Field(ge=1)
    """Bands of the signature; two documents are compared if they agree in one whole band."""
    rows_per_band: int = Field(ge=1)
    """Minima in each band: more make it more selective."""
    min_similarity: float = Field(gt=0, le=1)
    """Of pairs with at least this Jaccard similarity of shingles, 99 in 100 are to be found."""
    max_numbers_changed: float = Field(ge=0, lt=1)
    """Two documents are no duplicates if a greater share of their numbers differs."""
    seed: int = Field(ge=0)
    """The seed of the hash functions."""
    priority: list[str]
    """Components; of those that share a document, the first one listed keeps it."""

    @property
    def shingle_minima(self) -> int:
        """Return how many minima a signature has of shingles."""
        return self.bands * self.rows_per_band

    @property
    def permutations(self) -> int:
        """Return how many minima a signature has, of shingles and of numbers."""
        return self.shingle_minima + NUMBER_MINIMA

    @property
    def least_numbers(self) -> int:
        """Return in how many places the numbers' part of two signatures must agree."""
        # If a share s of each one's numbers is not in the other, the Jaccard similarity is (1 - s) / (1 + s).
        similarity = (1 - self.max_numbers_changed) / (1 + self.max_numbers_changed)
        error = (similarity * (1 - similarity) / NUMBER_MINIMA) ** 0.5
        return max(0, int(np.ceil((similarity - error) * NUMBER_MINIMA - 1e-9)))

    @property
    def least_equal(self) -> int:
        """Return in how many places two signatures must agree for their documents to count as duplicates."""
        error = (self.min_similarity * (1 - self.min_similarity) / self.shingle_minima) ** 0.5
        return max(1, int(np.ceil((self.min_similarity - _ROOM * error) * self.shingle_minima - 1e-9)))

    def found_share(self, similarity: float) -> float:
        """Return the share of pairs with a given similarity that share at least one bucket."""
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
    """Write the signatures of each shard's documents to a shard of the same number; finished ones are reused.

    A document on which our code fails keeps its place, with FAILED_WORDS; out/dropped names it.
    """
    key = [params.ngram, params.permutations, params.seed]
    work = partial(sign_shard, params=params)
    return map_shards("deduplicate", work, shards, out, key, prepare=partial(_warm, params))


def _warm(params: DeduplicateParams) -> None:
    # Compile the kernels, or load them from the cache, once and not in every worker.
    text = pa.array(["a"], pa.large_string())
    sign_texts(text, params.ngram, permutations(params.permutations, params.seed))
    text_hashes(text)


def sign_shard(shard: Path, folder: Path, *, params: DeduplicateParams) -> Report:
    """Write the signatures of one shard's documents, one row a document."""
    schema = signature_schema(params)
    work = partial(_sign, ngram=params.ngram, drawn=permutations(params.permutations, params.seed), schema=schema)
    signed = ShardWriter(folder / "documents.parquet", schema)
    with Funnel(signed, LazyShard(folder / "dropped.parquet", DROPPED)) as funnel:
        for batch in funnel.read(shard, ["id", "text"]):
            text = batch.column("text")
            if not (pa.types.is_string(text.type) or pa.types.is_large_string(text.type)):
                raise InputError(f"{shard}: column 'text' must hold text, it holds {text.type}")
            for part, result in attempt_rows(work, batch):
                if isinstance(result, Failed):
                    identity = part.column("id")[0].as_py()
                    funnel.keep(pa.RecordBatch.from_pylist([_failed_row(identity, params)], schema), records=0)
                    funnel.fail(identity, result)
                else:
                    funnel.keep(result)
    return funnel.report


def _sign(batch: pa.RecordBatch, ngram: int, drawn: Permutations, schema: pa.Schema) -> pa.RecordBatch:
    text = batch.column("text")
    signatures, words = sign_texts(text, ngram, drawn)
    packed = pa.Array.from_buffers(schema.field("signature").type, len(text), [None, pa.py_buffer(signatures)])
    first, second = text_hashes(text)
    columns = [batch.column("id").cast(pa.string()), pa.array(first), pa.array(second), pa.array(words), packed]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _failed_row(identity: str, params: DeduplicateParams) -> dict[str, object]:
    signature = bytes(2 * params.permutations)
    return {"id": identity, "first_hash": 0, "second_hash": 0, "words": FAILED_WORDS, "signature": signature}


def read_failures(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the id of each document on which signing failed, and the error; folder: of signatures."""
    dropped = folder / "dropped"
    return ((row["id"], row["detail"]) for row in (read_rows(dropped) if dropped.is_dir() else ()))


@dataclass
class Signed:
    """The signatures of all documents, in the order of the shards."""

    first_hash: NDArray[np.uint64]
    second_hash: NDArray[np.uint64]
    words: NDArray[np.int32]
    """[documents] FAILED_WORDS where our code failed."""
    signatures: Signatures
    bounds: NDArray[np.int64]
    """[shards + 1] where each shard's documents begin."""


def load_signatures(folder: Path, counts: list[int], params: DeduplicateParams) -> Signed:
    """Return the signatures in a folder; counts: [shards] the number of documents in each shard.

    The minima are most of the bytes. They are in a file beside the folder, which the system keeps in memory as far as
    there is room.
    """
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    documents = int(bounds[-1])
    signed = Signed(
        np.empty(documents, dtype=np.uint64),
        np.empty(documents, dtype=np.uint64),
        np.empty(documents, dtype=np.int32),
        map_minima(folder.with_name("minima"), documents, params.permutations),
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


def map_minima(path: Path, documents: int, permutations: int) -> Signatures:
    """Return an array that is a new file; raises PipelineError where the disk has no room for it."""
    shape = (documents, permutations)
    if not documents:
        return np.empty(shape, np.uint16)
    with open(path, "wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, 2 * documents * permutations)  # a later want of room would kill us
        except OSError as error:
            raise PipelineError(f"{path}: no room for the signatures: {error.strerror}") from error
    return np.asarray(np.memmap(path, np.uint16, "r+", shape=shape))


def similarity(signed: Signed, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the estimated similarity of the shingles of documents to those of others ([rows])."""
    found = np.empty(len(rows))
    minima = signed.signatures[:, :-NUMBER_MINIMA]
    for start in range(0, len(rows), 100_000):
        part = slice(start, start + 100_000)
        found[part] = (minima[rows[part]] == minima[others[part]]).mean(axis=1)
    return found


def minima_bytes(documents: int, params: DeduplicateParams) -> int:
    """Return the size of the file of minima, whatever the documents' length."""
    return 2 * documents * params.permutations


def memory_bytes(documents: int) -> int:
    """Return the memory that so many documents need besides the file of minima; each duplicate needs its id, too.

    This counts each document's hashes, words, component and outcome, and the eight arrays of a band that is sorted.
    """
    held = 2 * 8 + 4 + 2 + 1 + 8
    return documents * (held + 8 * 8)
