"""Decide which documents are kept and which are dropped, from signatures alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mathcode_pile.core.funnel import CoreReason, DropReason
from stages.deduplicate.minhash_kernel import band_hashes, choose_survivors, find_roots, unite_bucketed
from stages.deduplicate.reasons import Reason
from stages.deduplicate.signatures import FAILED_WORDS, DeduplicateParams, Signed

Rows = NDArray[np.int64]
KEPT, EXACT, NEAR, FAILED = 0, 1, 2, 3
REASONS: dict[int, DropReason] = {  # in the order of their numbers
    EXACT: Reason.EXACT_DUPLICATE,
    NEAR: Reason.NEAR_DUPLICATE,
    FAILED: CoreReason.FAILED,
}

# Returns the rank of each of some documents by their id, the lowest id first.
RankIds = Callable[[Rows], Rows]


@dataclass
class Decisions:
    """What becomes of each document."""

    outcome: NDArray[np.int8]
    """[documents] KEPT, EXACT, NEAR or FAILED"""
    survivor: Rows
    """[documents] the document that is kept in its place; itself where it is kept or failed."""

    def duplicates(self) -> Rows:
        """Return the documents that are dropped because another one is kept."""
        return np.flatnonzero((self.outcome == EXACT) | (self.outcome == NEAR))


def decide(signed: Signed, priority: NDArray[np.int16], params: DeduplicateParams, rank_ids: RankIds) -> Decisions:
    """Return what becomes of each document.

    priority: [documents] the place of its component in `priority` of the params; 0 is the first.
    """
    documents = len(signed.words)
    decisions = Decisions(np.zeros(documents, dtype=np.int8), np.arange(documents, dtype=np.int64))
    decisions.outcome[signed.words == FAILED_WORDS] = FAILED
    _elect_exact(signed, priority, rank_ids, decisions)
    # A document without a word has no signature to compare.
    is_compared = (decisions.outcome == KEPT) & (signed.words > 0)
    if is_compared.any():
        members, bounds = _near_clusters(np.flatnonzero(is_compared), signed, priority, params, rank_ids)
        choose_survivors(
            signed.signatures, members, bounds, params.least_equal, params.least_numbers, decisions.survivor
        )
        gone = members[decisions.survivor[members] != members]
        decisions.outcome[gone] = NEAR
    # The survivor of an exact copy may itself be a near duplicate: name the document that is kept.
    decisions.survivor = decisions.survivor[decisions.survivor]
    return decisions


def _copies(signed: Signed) -> tuple[Rows, Rows]:
    """Return the documents that share their text with another, and the number of each one's group."""
    order = np.lexsort((signed.second_hash, signed.first_hash))
    first, second = signed.first_hash[order], signed.second_hash[order]
    rows, group = _groups(order, (first[1:] == first[:-1]) & (second[1:] == second[:-1]))
    is_signed = signed.words[rows] != FAILED_WORDS
    return rows[is_signed], group[is_signed]


def _groups(order: Rows, is_same: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Return the members of runs of at least two elements, and the number of each one's run.

    is_same: [len(order) - 1] whether each element but the first is in the same run as the element before it.
    """
    is_member = np.zeros(len(order), dtype=bool)
    is_member[1:] |= is_same
    is_member[:-1] |= is_same
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = ~is_same
    return order[is_member], np.cumsum(starts)[is_member]


def _by_merit(rows: Rows, group: Rows, signed: Signed, priority: NDArray[np.int16], rank_ids: RankIds) -> Rows:
    """Return rows sorted by their group and, within it, by preference: the document to keep comes first."""
    return rows[np.lexsort((rank_ids(rows), -signed.words[rows], priority[rows], group))]


def _elect_exact(signed: Signed, priority: NDArray[np.int16], rank_ids: RankIds, decisions: Decisions) -> None:
    rows, group = _copies(signed)
    if len(rows):
        rows = _by_merit(rows, group, signed, priority, rank_ids)
        starts = _starts(group)
        firsts = np.repeat(rows[starts], np.diff(np.append(starts, len(rows))))
        decisions.survivor[rows] = firsts
        decisions.outcome[rows[rows != firsts]] = EXACT


def _starts(group: Rows) -> Rows:
    """Return where each run of equal numbers begins."""
    return np.flatnonzero(np.diff(group, prepend=-1))


def _near_clusters(
    rows: Rows, signed: Signed, priority: NDArray[np.int16], params: DeduplicateParams, rank_ids: RankIds
) -> tuple[Rows, Rows]:
    """Return the documents of each cluster of at least two, in order of preference, and where each cluster begins."""
    roots = find_roots(_unite(rows, signed, priority, params))[rows]
    order = np.argsort(roots, kind="stable")
    members, group = _groups(rows[order], np.diff(roots[order]) == 0)
    if not len(members):
        return members, np.zeros(1, dtype=np.int64)
    return _by_merit(members, group, signed, priority, rank_ids), np.append(_starts(group), len(members))


def _unite(rows: Rows, signed: Signed, priority: NDArray[np.int16], params: DeduplicateParams) -> Rows:
    """Return the parent of each document in the forest of clusters."""
    # The preferred document comes first in its bucket. The text's hash breaks ties: it does not depend on the shards.
    merit = np.lexsort((signed.first_hash[rows], -signed.words[rows], priority[rows]))
    parents = np.arange(len(signed.words), dtype=np.int64)
    for band in range(params.bands):
        # The signatures are read in the order in which they are on disk.
        hashes = band_hashes(signed.signatures, rows, band * params.rows_per_band, params.rows_per_band)
        order = merit[np.argsort(hashes[merit], kind="stable")]
        unite_bucketed(signed.signatures, hashes, order, rows, params.least_equal, params.least_numbers, parents)
    return parents
