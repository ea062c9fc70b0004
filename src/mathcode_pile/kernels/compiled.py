"""Compile functions with numba and keep the machine code between processes.

Each stage is a fresh process, and compiling takes seconds; machine code is kept in the scratch folder,
under a hash of the kernels' sources (numba itself does not notice a change in a called function).
"""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba

from mathcode_pile import scratch


@cache
def _cache_folder() -> str | None:
    """Return where machine code is kept, None where there is no place to write to."""
    sources = [scratch.hash_file(path) for path in sorted(Path(__file__).parent.glob("*.py"))]
    try:
        folder = scratch.scratch_folder("kernels", scratch.hash_values(sources))
    except OSError:
        return None
    return str(folder) if os.access(folder, os.W_OK) else None


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function on its first call, releasing the GIL; its machine code is kept where it can be."""
    folder = _cache_folder()
    if folder is None:
        return numba.njit(nogil=True)(function)
    # numba writes beside and renames, so several processes may compile the same function at once.
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, folder
    try:
        return numba.njit(nogil=True, cache=True)(function)
    finally:
        numba.config.CACHE_DIR = before
