"""Decide which row each piece of a document goes to, and where in the row.

Memory: at most 150 bytes a piece.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.pack.mixture import Documents, Pieces
from stages.pack.packing_kernel import pack_pieces

# Ends of long documents are held back to fill gaps: this many rows of them. A gap of fewer tokens is not filled.
HELD_BACK_ROWS = 2
MIN_FRAGMENT = 8


class Chosen(NamedTuple):  # the pieces of a component, which have no row yet
    place: NDArray[np.int64]
    """The number of the piece's document, in the order of reading over all components."""
    start: NDArray[np.int32]
    """Where the piece begins in its document."""
    length: NDArray[np.int32]

    def select(self, which: Any) -> "Chosen":
        """Return some of the pieces; which: an index of numpy."""
        return Chosen(*(column[which] for column in self))


class Placed(NamedTuple):  # the pieces of all components: where they come from and where they go
    place: NDArray[np.int64]
    """The number of the piece's document, in the order of reading over all components."""
    start: NDArray[np.int32]
    """Where the piece begins in its document."""
    length: NDArray[np.int32]
    row: NDArray[np.int32]
    offset: NDArray[np.int32]
    """Where the piece begins in its row."""

    def join(self, other: "Placed") -> "Placed":
        """Return these pieces, then the others."""
        return Placed(*(np.concatenate([a, b]) for a, b in zip(self, other, strict=True)))

    def select(self, which: Any) -> "Placed":
        """Return some of the pieces; which: an index of numpy."""
        return Placed(*(column[which] for column in self))


def gather_pieces(documents: Documents, pieces: Pieces) -> Chosen:
    """Return a component's pieces, each with the place of its document."""
    return Chosen(documents.places[pieces.document], pieces.start, pieces.length)


def plan_rows(components: Iterable[Chosen], sequence_length: int, seed: int) -> tuple[Placed, int]:
    """Return every piece with its row and its place there, in the order of reading, and the number of rows."""
    chosen = Chosen(*map(np.concatenate, zip(*components, strict=True)))
    is_end = (chosen.start > 0) & (chosen.length < sequence_length)
    held = _choose_ends(np.flatnonzero(is_end), chosen.length, sequence_length)
    ends = chosen.select(held)
    is_packed = np.ones(len(is_end), bool)
    is_packed[held] = False
    chosen = chosen.select(is_packed)
    plan = pack_pieces(chosen.length, sequence_length)
    placed, rows = _fill_gaps(ends, Placed(*chosen, plan.row, plan.start), plan.rows, sequence_length)
    del chosen, plan
    order = np.argsort(placed.place, kind="stable")
    shuffle = np.random.default_rng([seed, rows]).permutation(rows).astype(np.int32)
    return placed._replace(row=shuffle[placed.row]).select(order), rows


def _choose_ends(ends: NDArray[np.int64], length: NDArray[np.int32], sequence_length: int) -> NDArray[np.int64]:
    """Return the longest ends of documents that are cut anyway, HELD_BACK_ROWS rows of them in all."""
    longest = ends[np.argsort(-length[ends], kind="stable")[: 4 * HELD_BACK_ROWS]]
    before = np.cumsum(length[longest]) - length[longest]
    return longest[before < HELD_BACK_ROWS * sequence_length]


def _fill_gaps(ends: Chosen, packed: Placed, rows: int, sequence_length: int) -> tuple[Placed, int]:
    """Cut the ends to fit the gaps that packing left, the widest first, then fill new rows; return pieces and rows.

    Best fit leaves its last row or two half empty. With few rows, that is most of the padding.
    """
    room = sequence_length - np.bincount(packed.row, weights=packed.length, minlength=rows).astype(np.int64)
    order = np.argsort(-room, kind="stable")
    gaps = [(int(row), int(room[row])) for row in order[: np.searchsorted(-room[order], -MIN_FRAGMENT, side="right")]]
    gaps.reverse()  # the widest is taken from the end
    placed: list[tuple[int, int, int, int, int]] = []
    for place, start, length in zip(ends.place.tolist(), ends.start.tolist(), ends.length.tolist(), strict=True):
        while length:
            if not gaps:
                gaps.append((rows, sequence_length))
                rows += 1
            row, gap = gaps.pop()
            # The rest of the end must not be shorter than a fragment either.
            taken = length if length <= gap else min(gap, length - min(MIN_FRAGMENT, length // 2))
            placed.append((place, start, taken, row, sequence_length - gap))
            start, length = start + taken, length - taken
            if gap - taken >= MIN_FRAGMENT:
                gaps.append((row, gap - taken))
    columns = np.array(placed, np.int64).reshape(-1, len(Placed._fields)).T
    return packed.join(Placed(columns[0], *columns[1:].astype(np.int32))), rows
