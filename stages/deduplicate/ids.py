"""Read the ids of selected documents from disk: the ids of all documents would need too much memory."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mathcode_pile.core.shards import list_shards, read_batches

Rows = NDArray[np.int64]


class Ids:
    """Reads ids from the shards of signatures, which contain the id of every document."""

    def __init__(self, folder: Path, bounds: NDArray[np.int64]) -> None:
        self._shards = list_shards(folder)
        self._bounds = bounds

    def read(self, rows: Rows) -> pa.Array:
        """Return the ids of documents, in the order of `rows`."""
        wanted, places = np.unique(rows, return_inverse=True)
        parts: list[pa.Array] = []
        start = 0
        for shard in self._shards:
            for batch in read_batches(shard, ["id"]):
                first, last = np.searchsorted(wanted, [start, start + batch.num_rows])
                if last > first:
                    parts.append(batch.column("id").take(pa.array(wanted[first:last] - start)))
                start += batch.num_rows
        found = pa.chunked_array(parts, pa.string()).cast(pa.large_string()).combine_chunks()
        return found.take(pa.array(places))

    def rank(self, rows: Rows) -> Rows:
        """Return the rank of each of `rows` by its id."""
        ranks = np.empty(len(rows), dtype=np.int64)
        order = pc.sort_indices(self.read(rows)).to_numpy()
        ranks[order] = np.arange(len(rows))
        return ranks
