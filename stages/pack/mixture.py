"""Work out how many tokens of each component a mixture asks for, and choose the documents for them."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.params import Section


class ShareParams(Section):
    """How much of a component to train on: exactly one of weight, epochs and tokens."""

    weight: float | None = Field(default=None, ge=0)
    """Relative to the component's size: with 2, each of its documents comes twice as often as with 1."""
    epochs: float | None = Field(default=None, ge=0)
    """How often the component is gone through."""
    tokens: int | None = Field(default=None, ge=0)
    """How many of its tokens are trained on."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [name for name in ("weight", "epochs", "tokens") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of weight, epochs, tokens; got {', '.join(given) or 'none'}")
        return self


class Documents(NamedTuple):  # a component's documents, in the order of a hash of id and seed
    lengths: NDArray[np.int32]
    """Tokens of each document, begin- and end-of-text tokens included."""
    places: NDArray[np.int64]
    """Of each document in the order of reading."""


def ask_tokens(
    mixture: Mapping[str, ShareParams], available: Mapping[str, int], budget: int | None, max_epochs: float
) -> dict[str, float]:
    """Return how many tokens a mixture asks of each component.

    available: tokens of each component, without the held-out ones. Components with epochs or tokens get these; those
    with a weight share the rest of the budget. Without a budget, a weight is a number of epochs.
    Raises ParamsError where a component would be repeated more than max_epochs times, has no entry in the mixture, or
    has no tokens though the mixture asks for some; and where the budget cannot be met.
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
            raise ParamsError(f"pack.tokens: {left:.0f} more than mixture fixes, but no component has a weight")
        factor = left / total if total else 0.0
    asked = {name: fixed[name] if name in fixed else weighted[name] * factor for name in mixture}
    for name, tokens in asked.items():
        # Half a token more allows for rounding.
        if tokens > max_epochs * available.get(name, 0) + 0.5:
            epochs = tokens / available[name]
            raise ParamsError(
                f"mixture.{name}: {tokens:.0f} tokens are {epochs:.2f} epochs, over pack.max_epochs {max_epochs:g}"
            )
    return asked


class Pieces(NamedTuple):  # documents or parts of them, each at most a row, in the order in which they are chosen
    document: NDArray[np.int32]
    """Index into Documents."""
    start: NDArray[np.int32]
    length: NDArray[np.int32]

    @property
    def tokens(self) -> int:
        """How many tokens all pieces have."""
        return int(self.length.sum(dtype=np.int64))


def choose_pieces(documents: Documents, asked: float, sequence_length: int) -> Pieces:
    """Return pieces of a component with as many tokens as asked for, to within half a row.

    All documents are taken as many times as the tokens allow; then, for the rest, documents in the order of their
    hashes. The last one may be cut between pieces.
    """
    total = int(documents.lengths.sum(dtype=np.int64))
    once = cut_documents(documents.lengths, sequence_length)
    rounds, rest = (int(asked // total), asked % total) if total else (0, 0.0)
    ends = np.cumsum(once.length, dtype=np.int64)
    # Take one piece more if that comes nearer to the tokens asked for.
    last = int(np.searchsorted(ends, rest, side="right"))
    if last < len(ends) and ends[last] - rest < rest - (ends[last - 1] if last else 0):
        last += 1
    return Pieces(*(np.concatenate([np.tile(column, rounds), column[:last]]) for column in once))


def cut_documents(lengths: NDArray[np.int32], sequence_length: int) -> Pieces:
    """Return the documents as pieces of at most a row: a longer document becomes full rows and an end."""
    counts = -(-lengths // sequence_length)
    document = np.repeat(np.arange(len(lengths), dtype=np.int32), counts)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    start = ((np.arange(len(document)) - first) * sequence_length).astype(np.int32)
    return Pieces(document, start, np.minimum(lengths[document] - start, sequence_length).astype(np.int32))
