"""Read the token ids that tokenize and pack write; needs only numpy and pyarrow.

data/tokenize/<component>/part-*.parquet and held_out/part-*.parquet: one document a row, with the columns

    id      string
    source  string
    tokens  list<uint16 or uint32>, the smaller type that holds the vocabulary: a begin-of-text token if the
            tokenizer has one, the text, an end-of-text token

vocabulary.json in the same folder: vocabulary_size, bos_id (or null), eos_id, pad_id. No packed row contains a
held-out document.

data/pack/rows-00000.arrow and so on: uncompressed Arrow IPC streams, which pyarrow and `datasets.Dataset.from_file`
map into memory; one training row a row, with the columns

    tokens  fixed_size_list<uint16 or uint32, sequence_length>
    bounds  list<int32>: where each document (or piece of one) in the row starts, then where the last one ends;
            the rest of the row is padding

data/pack/pack.json: sequence_length, vocabulary_size, bos_id, eos_id, pad_id, rows, tokens (without padding), files
(name and rows of each). The rows are in the order of training: pack has shuffled them.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.core.shards import list_shards, read_batches

# The label of a position that no loss counts: torch's and transformers' default.
IGNORED = -100


class Vocabulary(NamedTuple):  # what readers of a tokenizer's ids must know of it
    size: int
    bos_id: int | None
    eos_id: int
    pad_id: int

    def token_type(self) -> pa.DataType:
        """Return the smallest Arrow type that holds every id."""
        return pa.uint16() if self.size <= 1 << 16 else pa.uint32()


class Rows(NamedTuple):  # some packed rows, each [rows, sequence_length] int64
    input_ids: NDArray[np.int64]
    position_ids: NDArray[np.int64]
    """0 at each document's first token; 0, 1, ... in padding too."""
    document_index: NDArray[np.int64]
    """0, 1, ... within the row; -1 in padding."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """[rows, sequence_length] the ids; IGNORED in padding and at each document's first token.

        In transformers' form: position i - 1 predicts labels[i], and the model itself shifts them.
        """
        return np.where((self.document_index < 0) | (self.position_ids == 0), IGNORED, self.input_ids)


class Tokens(NamedTuple):  # one tokenized document
    id: str
    tokens: NDArray[Any]


def token_schema(vocabulary: Vocabulary) -> pa.Schema:
    """Return the schema of tokenized documents."""
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("source", pa.string(), nullable=False),
            pa.field("tokens", pa.list_(pa.field("item", vocabulary.token_type(), nullable=False)), nullable=False),
        ]
    )


def row_schema(vocabulary: Vocabulary, sequence_length: int) -> pa.Schema:
    """Return the schema of packed rows."""
    token = pa.field("item", vocabulary.token_type(), nullable=False)
    return pa.schema(
        [
            pa.field("tokens", pa.list_(token, sequence_length), nullable=False),
            pa.field("bounds", pa.list_(pa.field("item", pa.int32(), nullable=False)), nullable=False),
        ]
    )


def read_vocabulary(folder: Path) -> Vocabulary:
    """Return the vocabulary of a component's tokens."""
    values = _read_json(folder / "vocabulary.json")
    return Vocabulary(values["vocabulary_size"], values["bos_id"], values["eos_id"], values["pad_id"])


def list_components(folder: Path, named: Collection[str] | None = None) -> list[str]:
    """Return the names of the tokenized components in a folder, in alphabetical order.

    named: only these (None: all). DVC does not remove the folder of a component that params no longer name.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    found = (p.name for p in folder.iterdir() if (p / "vocabulary.json").is_file())
    return sorted(name for name in found if named is None or name in named)


def read_tokens(folder: Path) -> Iterator[Tokens]:
    """Yield the documents of a folder's shards; their token ids are views, in the stored type."""
    for shard in list_shards(folder) if folder.is_dir() else []:
        for batch in read_batches(shard, ["id", "tokens"]):
            values, offsets = token_arrays(batch.column("tokens"))
            for row, name in enumerate(batch.column("id").to_pylist()):
                yield Tokens(name, values[offsets[row] : offsets[row + 1]])


def token_arrays(column: pa.ListArray) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Return the values of a list column and its [rows + 1] offsets into them, without a copy."""
    return column.values.to_numpy(zero_copy_only=True), column.offsets.to_numpy(zero_copy_only=True)


class PackedRows:
    """The packed rows of a folder, mapped into memory; a pickled copy opens the folder again.

    Raises InputError where a file is missing, cut short, or has another number of rows than pack.json says.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        content = _read_json(self.folder / "pack.json")
        self.sequence_length: int = content["sequence_length"]
        self.tokens: int = content["tokens"]
        """All tokens, without padding."""
        self.vocabulary = Vocabulary(
            content["vocabulary_size"], content["bos_id"], content["eos_id"], content["pad_id"]
        )
        self._tokens: list[NDArray[Any]] = []  # of each record batch, [rows, sequence_length]
        self._bounds: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []  # values and offsets
        for file in content["files"]:
            self._open(self.folder / file["name"], file["rows"])
        sizes = [len(tokens) for tokens in self._tokens]
        self._first = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)

    def _open(self, path: Path, rows: int) -> None:
        try:
            table = pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path}: not readable as Arrow: {first_line(error)}") from error
        if table.num_rows != rows:
            raise InputError(f"{path}: has {table.num_rows} rows, but pack.json says {rows}; run pack again")
        for batch in table.to_batches():
            tokens = batch.column("tokens").flatten().to_numpy(zero_copy_only=True)
            self._tokens.append(tokens.reshape(-1, self.sequence_length))
            self._bounds.append(token_arrays(batch.column("bounds")))

    def __len__(self) -> int:
        return int(self._first[-1])

    def __reduce__(self) -> tuple[Any, ...]:
        return (PackedRows, (self.folder,))

    def row(self, row: int) -> tuple[NDArray[Any], NDArray[np.int32]]:
        """Return a row's [sequence_length] tokens and its bounds as they are stored, without a copy."""
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        batch = int(np.searchsorted(self._first, row, side="right")) - 1
        inside = row - int(self._first[batch])
        values, offsets = self._bounds[batch]
        return self._tokens[batch][inside], values[offsets[inside] : offsets[inside + 1]]

    def take(self, rows: Sequence[int]) -> Rows:
        """Return rows by number; raises IndexError where a number is too large."""
        shape = (len(rows), self.sequence_length)
        result = Rows(np.empty(shape, np.int64), np.empty(shape, np.int64), np.empty(shape, np.int64))
        ramp = np.arange(self.sequence_length)
        for place, number in enumerate(rows):
            tokens, bounds = self.row(number)
            result.input_ids[place] = tokens
            lengths = np.diff(bounds, append=self.sequence_length)  # the last segment is the padding
            result.position_ids[place] = ramp - np.repeat(bounds, lengths)
            result.document_index[place] = np.repeat(np.arange(len(bounds)), lengths)
            result.document_index[place, bounds[-1] :] = -1
        return result


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from error
