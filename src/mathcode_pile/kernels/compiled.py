"""Compile functions with numba and keep the machine code between processes.

Each stage runs in a new process, and compiling takes seconds. So the machine code is kept in the scratch folder, under
a hash of the kernel's module and of all modules it imports: numba itself does not notice a change in a called function.
"""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numba

from mathcode_pile.core import scratch


@cache
def _cache_folder(module: str) -> str | None:
    """Return the folder for a module's machine code, None where no folder can be written to."""
    try:
        folder = scratch.scratch_folder("kernels", scratch.hash_code(module))
    except OSError:
        return None
    return str(folder) if os.access(folder, os.W_OK) else None


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function on its first call and release the GIL in it; keep the machine code where that is possible."""
    folder = _cache_folder(function.__module__)
    if folder is None:
        return numba.njit(nogil=True)(function)
    # numba writes a temporary file and renames it, so several processes may compile the same function at once.
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, folder
    try:
        return numba.njit(nogil=True, cache=True)(function)
    finally:
        numba.config.CACHE_DIR = before
