"""The records that flow through the pipeline, as Arrow schemas.

A stage may add columns (scores, types); it never renames or drops one of these.
"""

import json
from typing import Any

import pyarrow as pa
import xxhash

from mathcode_pile.core.errors import printable

# One document: a web page, a docstring, a source file, a book.
DOCUMENT = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("license", pa.string(), nullable=False),
        pa.field("metadata", pa.string(), nullable=False),  # a JSON object
    ]
)

# One binary file of a source that is not text yet: a PDF.
FILE = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("content", pa.large_binary(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("license", pa.string(), nullable=False),
        pa.field("metadata", pa.string(), nullable=False),
    ]
)

# One computation of one document, as translate writes it.
SNIPPET = pa.schema(
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("position", pa.int32(), nullable=False),  # 0, 1, ... within the document
        pa.field("title", pa.string(), nullable=False),
        pa.field("conditions", pa.string(), nullable=False),
        pa.field("expression", pa.string(), nullable=False),  # LaTeX
        pa.field("result", pa.string(), nullable=False),  # as the document states it
        pa.field("relation", pa.string(), nullable=False),  # = or ≈
        pa.field("code", pa.string(), nullable=False),
        # Snippets of one chain of equal terms, or of one program, have the same number within their document.
        pa.field("chain", pa.int32(), nullable=False),
        # Where the computation ends in the document's text, in characters: the code belongs behind that paragraph.
        pa.field("anchor", pa.int32(), nullable=False),
        pa.field("translator", pa.string(), nullable=False),  # symbolic, or the id of a model
    ]
)

# What execute adds to a snippet.
EXECUTED = pa.schema(
    [
        *SNIPPET,
        pa.field("stdout", pa.string(), nullable=False),
        # ok, does_not_compile, exception, timeout, memory, output_limit, killed, blocked, missing_module
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("error", pa.string(), nullable=False),
    ]
)

# What verify adds to an executed snippet.
VERIFIED = pa.schema(
    [
        *EXECUTED,
        pa.field("verdict", pa.string(), nullable=False),  # verified, contradicted, uncheckable
        pa.field("method", pa.string(), nullable=False),  # numeric, symbolic, set, interval, text ...
        pa.field("stated", pa.string(), nullable=False),  # the result as understood
        pa.field("printed", pa.string(), nullable=False),  # the output as understood
    ]
)

# One question of a benchmark.
QUESTION = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("benchmark", pa.string(), nullable=False),
        pa.field("question", pa.large_string(), nullable=False),
        pa.field("options", pa.list_(pa.string()), nullable=False),  # empty unless multiple choice
        pa.field("answer", pa.string(), nullable=False),
        pa.field("solution", pa.large_string(), nullable=False),  # empty where there is none
    ]
)

# One record that a stage did not pass on, and why.
DROPPED = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),  # document id; a snippet's is id#position
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
    ]
)


def document_id(source: str, key: str) -> str:
    """Return a stable id, `source/` and 16 hex digits, from the source's name and a key unique in it."""
    return f"{source}/{xxhash.xxh3_64_hexdigest(key.encode('utf-8', 'surrogatepass'))}"


def encode_metadata(**values: Any) -> str:
    """Return the JSON of a metadata column: keys sorted, so that equal values have equal bytes."""
    return printable(json.dumps(values, sort_keys=True, ensure_ascii=False))


def snippet_id(document: str, position: int) -> str:
    """Return the id of a snippet: its document's, `#`, and its position."""
    return f"{document}#{position}"


def record_ids(batch: pa.RecordBatch) -> list[str]:
    """Return the id of each row; a snippet's id is made of its document's id and its position."""
    if "id" in batch.schema.names:
        return batch.column("id").to_pylist()
    pairs = zip(batch.column("document_id").to_pylist(), batch.column("position").to_pylist(), strict=True)
    return [snippet_id(document, position) for document, position in pairs]
