"""Remember which 64-bit keys came before, exactly and in little memory."""

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

# Runs are not merged beyond this, so that merging needs no second copy of everything.
MAX_RUN = 1 << 24


class SeenKeys:
    """Which keys were added: 8 bytes each, and 20 bytes for each of MAX_RUN while two runs are merged."""

    def __init__(self) -> None:
        self._runs: list[Keys] = []

    def add(self, keys: Keys) -> NDArray[np.bool_]:
        """[keys] add keys; say of each whether it is new. Of equal ones the first is."""
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
        """Hold a sorted run, merged with those before it that are not much longer."""
        while self._runs and len(self._runs[-1]) <= min(2 * len(run), MAX_RUN - len(run)):
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")  # two sorted halves are merged
        if len(run):
            self._runs.append(run)
