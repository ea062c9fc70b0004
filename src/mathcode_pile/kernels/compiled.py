"""Compile functions with numba and keep the machine code between processes.

Each stage is a fresh process, and compiling takes seconds; machine code is kept in the scratch folder,
under a hash of the sources that the kernel's module imports (numba does not notice a change in a called function).
"""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numba

from mathcode_pile.core import scratch


@cache
def _cache_folder(module: str) -> str | None:
    """Return where a module's machine code is kept, None where there is no place to write to."""
    try:
        folder = scratch.scratch_folder("kernels", scratch.hash_code(module))
    except OSError:
        return None
    return str(folder) if os.access(folder, os.W_OK) else None


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function on its first call, releasing the GIL; its machine code is kept where it can be."""
    folder = _cache_folder(function.__module__)
    if folder is None:
        return numba.njit(nogil=True)(function)
    # numba writes beside and renames, so several processes may compile the same function at once.
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, folder
    try:
        return numba.njit(nogil=True, cache=True)(function)
    finally:
        numba.config.CACHE_DIR = before
