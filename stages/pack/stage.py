"""Mix the components and pack them into rows: the tokens asked for, no token lost, hardly any padding.

The rows depend on the documents, the params and the seed, and not on how documents are split into shards. Documents are
sorted by a hash of id and seed and packed by best-fit decreasing. Then the rows are shuffled with the seed; that is the
order of training.
"""

import csv
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from pydantic import Field

from mathcode_pile.core.engine import say
from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import list_shards, read_batches
from mathcode_pile.tokens.packed import Vocabulary, list_components, read_vocabulary, token_arrays
from stages.pack.mixture import Documents, ShareParams, ask_tokens, choose_pieces
from stages.pack.row_files import write_rows
from stages.pack.row_plan import gather_pieces, plan_rows


class PackParams(Section):
    """How long rows are, and how many."""

    sequence_length: int = Field(ge=2)
    """Tokens per row, begin- and end-of-text tokens included."""
    tokens: int | None = Field(default=None, ge=1)
    """Of all rows together; null: as many as the mixture asks for."""
    max_epochs: float = Field(gt=0)
    """More repetitions of a component are an error."""
    seed: int = Field(ge=0)
    """The seed of the order of the rows."""


def pack(
    tokenized: Path,
    out: Path,
    params: PackParams,
    mixture: Mapping[str, ShareParams],
    components: Collection[str] | None = None,
) -> dict[str, Any]:
    """Write rows and pack.json to a folder; return the stage's metrics.

    components: which to pack (None: all that were tokenized).
    Raises InputError where components were tokenized with different tokenizers, ParamsError where the mixture cannot
    be met.
    """
    found = list_components(tokenized, components)
    names = [name for name in mixture if name in found] + [name for name in found if name not in mixture]
    vocabulary = _one_vocabulary(tokenized, names)
    documents, first = {}, 0
    for name in names:
        documents[name] = read_documents(tokenized / name, params.seed, first)
        first += len(documents[name].lengths)
    available = {name: int(d.lengths.sum(dtype=np.int64)) for name, d in documents.items() if len(d.lengths)}
    for name in sorted(set(names) - set(available)):
        say(f"pack: the component {name} has no tokens")
    asked = ask_tokens(mixture, available, params.tokens, params.max_epochs)
    pieces = {name: choose_pieces(documents[name], asked.get(name, 0), params.sequence_length) for name in names}
    taken = {name: parts.tokens for name, parts in pieces.items()}
    # Nothing else holds a component's documents when its pieces have their places: the plan needs the memory.
    chosen = (gather_pieces(documents.pop(name), pieces.pop(name)) for name in names)
    placed, rows = plan_rows(chosen, params.sequence_length, params.seed)
    if rows == 0:
        raise ParamsError("mixture: no component has tokens to train on")
    files = write_rows(tokenized, names, out, placed, rows, params.sequence_length, vocabulary)
    tokens = int(placed.length.sum(dtype=np.int64))
    content = {
        "sequence_length": params.sequence_length,
        "vocabulary_size": vocabulary.size,
        "bos_id": vocabulary.bos_id,
        "eos_id": vocabulary.eos_id,
        "pad_id": vocabulary.pad_id,
        "rows": rows,
        "tokens": tokens,
        "files": files,
    }
    (out / "pack.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    padding = round(1 - tokens / (rows * params.sequence_length), 6)
    metrics = {"rows": rows, "tokens": tokens, "padding": padding, "pieces": len(placed.length)}
    return metrics | _describe_components(asked, available, taken, tokens)


def _one_vocabulary(tokenized: Path, names: list[str]) -> Vocabulary:
    if not names:
        raise InputError(f"{tokenized}: no tokenized component")
    vocabularies = {name: read_vocabulary(tokenized / name) for name in names}
    for name, vocabulary in vocabularies.items():
        if vocabulary != vocabularies[names[0]]:
            raise InputError(f"{tokenized}: {names[0]} and {name} were tokenized with different tokenizers")
    return vocabularies[names[0]]


def _describe_components(
    asked: Mapping[str, float], available: Mapping[str, int], taken: Mapping[str, int], tokens: int
) -> dict[str, Any]:
    """Return for each component the tokens it has, those asked for and taken, and how many of these are repeats."""
    metrics: dict[str, Any] = {}
    for name, wanted in asked.items():
        has, got = available.get(name, 0), taken.get(name, 0)
        metrics[f"{name}_available"] = has
        metrics[f"{name}_asked"] = round(wanted)
        metrics[f"{name}_tokens"] = got
        metrics[f"{name}_repeated"] = max(0, got - has)
        metrics[f"{name}_share"] = round(got / tokens, 6)
        metrics[f"{name}_epochs"] = round(got / has, 6) if has else 0.0
    return metrics


def write_mixture(path: Path, metrics: Mapping[str, Any], names: list[str]) -> None:
    """Write the mixture as it was packed: component, tokens, share, epochs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["component", "tokens", "share", "epochs"])
        table.writerows(
            [name, *(metrics[f"{name}_{what}"] for what in ("tokens", "share", "epochs"))] for name in names
        )


def read_documents(folder: Path, seed: int, first: int) -> Documents:
    """Return a component's documents in the order of their hashes; first: the place of its first document."""
    hashes, lengths = [np.empty(0, np.uint64)], [np.empty(0, np.int32)]
    for shard in list_shards(folder):
        for batch in read_batches(shard, ["id", "tokens"]):
            names = batch.column("id").to_pylist()
            hashes.append(np.array([xxhash.xxh3_64_intdigest(n.encode("utf-8"), seed) for n in names], np.uint64))
            lengths.append(np.diff(token_arrays(batch.column("tokens"))[1]))
    keys, sizes = np.concatenate(hashes), np.concatenate(lengths).astype(np.int32)
    if len(sizes) and sizes.min() < 1:
        raise InputError(f"{folder}: a document has no tokens")
    order = np.argsort(keys, kind="stable")
    return Documents(sizes[order], order + first)
