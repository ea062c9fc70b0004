"""Remember which 64-bit keys were seen before, exactly and in little memory."""

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

# Runs longer than this are not merged, so that merging never needs a second copy of all keys.
MAX_RUN = 1 << 24


class SeenKeys:
    """The keys that were added, in sorted runs.

    Memory: 8 bytes a key, and 20 bytes for each of MAX_RUN keys while two runs are merged.
    """

    def __init__(self) -> None:
        self._runs: list[Keys] = []

    def add(self, keys: Keys) -> NDArray[np.bool_]:
        """Add keys and return for each whether it is new ([keys]); of equal ones only the first is new."""
        distinct, first = np.unique(keys, return_index=True)
        known = np.zeros(len(distinct), dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, distinct), len(run) - 1)
            known |= run[places] == distinct
        self._keep(distinct[~known])
        is_new = np.zeros(len(keys), dtype=bool)
        is_new[first[~known]] = True
        return is_new

    def _keep(self, run: Keys) -> None:
        """Store a sorted run, merged with the earlier runs that are not much longer."""
        while self._runs and len(self._runs[-1]) <= min(2 * len(run), MAX_RUN - len(run)):
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")  # this merges two sorted halves in linear time
        if len(run):
            self._runs.append(run)
