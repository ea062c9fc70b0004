"""How many tokens of each component a mixture asks for, and which documents make them up."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.params import Section


class ShareParams(Section):
    """How much of a component is trained on: exactly one of weight, epochs and tokens."""

    weight: float | None = Field(default=None, ge=0)
    """Relative to the component's size: at 2 each of its documents comes twice as often as at 1."""
    epochs: float | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [name for name in ("weight", "epochs", "tokens") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of weight, epochs, tokens; got {', '.join(given) or 'none'}")
        return self


class Documents(NamedTuple):  # a component's documents, in the order of their hashes
    hashes: NDArray[np.uint64]
    """Of id and seed; what order depends on instead of shards."""
    lengths: NDArray[np.int32]
    """Tokens, begin and end included."""
    places: NDArray[np.int64]
    """Where each document stands in the order of reading."""


def ask_tokens(
    mixture: Mapping[str, ShareParams], available: Mapping[str, int], budget: int | None, max_epochs: float
) -> dict[str, float]:
    """Return the tokens that a mixture asks of each component.

    available: tokens of each component, held-out ones not counted. Weights share what the budget leaves after
    epochs and tokens; without a budget a weight is a number of epochs.
    Raises ParamsError where a component would be repeated over max_epochs, has no entry in the mixture, has
    no tokens and is asked for some, or where the budget cannot be met.
    """
    for name in available:
        if name not in mixture:
            raise ParamsError(f"mixture has no entry {name!r}, which has tokens; {name}: {{weight: 0}} leaves it out")
    fixed: dict[str, float] = {}
    weighted: dict[str, float] = {}
    for name, share in mixture.items():
        size = available.get(name, 0)
        if share.weight is not None:
            weighted[name] = share.weight * size
        elif size == 0 and (share.tokens or share.epochs):
            raise ParamsError(f"mixture.{name}: asks for tokens, and the component has none")
        else:
            fixed[name] = float(share.tokens) if share.tokens is not None else (share.epochs or 0) * size
    if budget is None:
        factor = 1.0
    else:
        left, total = budget - sum(fixed.values()), sum(weighted.values())
        if left < 0:
            raise ParamsError(f"pack.tokens: {budget} is less than the {sum(fixed.values()):.0f} that mixture fixes")
        if left > 0 and total == 0:
            raise ParamsError(f"pack.tokens: {left:.0f} more than mixture fixes, and no component has a weight")
        factor = left / total if total else 0.0
    asked = {name: fixed[name] if name in fixed else weighted[name] * factor for name in mixture}
    for name, tokens in asked.items():
        # Half a token over is how floating point says "exactly".
        if tokens > max_epochs * available.get(name, 0) + 0.5:
            epochs = tokens / available[name]
            raise ParamsError(
                f"mixture.{name}: {tokens:.0f} tokens are {epochs:.2f} epochs, over pack.max_epochs {max_epochs:g}"
            )
    return asked


class Pieces(NamedTuple):  # runs of tokens that fit a row, in the order in which they are chosen
    document: NDArray[np.int32]
    """Index into Documents."""
    start: NDArray[np.int32]
    length: NDArray[np.int32]

    @property
    def tokens(self) -> int:
        """All of their tokens."""
        return int(self.length.sum(dtype=np.int64))


def choose_pieces(documents: Documents, asked: float, sequence_length: int) -> Pieces:
    """Return the pieces of a component that make up the tokens asked for, to within half a row.

    Every document whole as often as it fits; of the last round, documents in the order of their hashes, the
    last one cut between pieces.
    """
    total = int(documents.lengths.sum(dtype=np.int64))
    once = cut_documents(documents.lengths, sequence_length)
    rounds, rest = (int(asked // total), asked % total) if total else (0, 0.0)
    ends = np.cumsum(once.length, dtype=np.int64)
    # One piece more or less is taken, whichever is nearer to what was asked.
    last = int(np.searchsorted(ends, rest, side="right"))
    if last < len(ends) and ends[last] - rest < rest - (ends[last - 1] if last else 0):
        last += 1
    return Pieces(*(np.concatenate([np.tile(column, rounds), column[:last]]) for column in once))


def cut_documents(lengths: NDArray[np.int32], sequence_length: int) -> Pieces:
    """Return the documents as pieces that fit a row: one where it fits, else full rows and what is left over."""
    counts = -(-lengths // sequence_length)
    document = np.repeat(np.arange(len(lengths), dtype=np.int32), counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    start = ((np.arange(len(document)) - first) * sequence_length).astype(np.int32)
    return Pieces(document, start, np.minimum(lengths[document] - start, sequence_length).astype(np.int32))
