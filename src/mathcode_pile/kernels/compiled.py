"""Compile functions with numba and keep the machine code between processes.

Each stage runs in a new process, and compiling takes seconds. So the machine code is kept in the scratch folder, under
a hash of the kernel's module and of all modules it imports: numba itself does not notice a change in a called function.
"""

import os
from collections.abc import Callable
from functools import cache
from typing import Any, Self

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


class Locator:
    """Tells numba where a function's machine code is: by the code alone, wherever and however old its file is.

    By default numba compiles again for each path of the source file, as in each folder where Ray unpacks it.
    """

    def __init__(self, folder: str, path: str) -> None:
        self._folder = folder
        self._py_file = path  # numba names it where a function cannot be kept

    @classmethod
    def from_function(cls, function: Callable[..., Any], path: str) -> Self | None:
        """Return the locator of a function; None where its machine code cannot be kept."""
        folder = _cache_folder(function.__module__)
        return cls(folder, path) if folder else None

    def ensure_cache_path(self) -> None:
        """Do nothing: the folder is there."""

    def get_cache_path(self) -> str:
        """Return the folder."""
        return self._folder

    def get_source_stamp(self) -> str:
        """Return what the code depends on besides the folder: nothing."""
        return ""

    def get_disambiguator(self) -> str:
        """Return what tells functions of one name in one module apart: there are none."""
        return ""


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function on its first call and release the GIL in it; keep the machine code where that is possible."""
    if _cache_folder(function.__module__) is None:
        return numba.njit(nogil=True)(function)
    # numba writes a temporary file and renames it, so several processes may compile the same function at once.
    before = numba.config.CACHE_LOCATOR_CLASSES
    numba.config.CACHE_LOCATOR_CLASSES = f"{__name__}.{Locator.__name__}"
    try:
        return numba.njit(nogil=True, cache=True)(function)
    finally:
        numba.config.CACHE_LOCATOR_CLASSES = before
