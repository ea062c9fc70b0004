"""Which files of an origin are read, and in which order: limits are spread over its patterns."""

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import chain, zip_longest
from typing import NamedTuple, TypeVar

from mathcode_pile.downloads.download import LocalFile
from mathcode_pile.downloads.remote import RemoteFile
from mathcode_pile.sources.source_rows import Limits

T = TypeVar("T")


class Wanted(NamedTuple):  # one file of an origin, before it is brought
    name: str
    """Its path within the source."""
    url: str
    bring: Callable[[], LocalFile]
    remote: RemoteFile | None = None
    """The file to be read where it is; None where only the whole file can be read, or is here already."""


def choose_files(groups: Sequence[Sequence[Wanted]], limits: Limits) -> list[list[Wanted]]:
    """Return the files to read as lists that are read side by side.

    groups: the files of each pattern. A hash of seed and name puts those of a pattern in order, and limits.files takes
    the first of each pattern in turn. Where rows or bytes are limited, there is a list for each file that is taken, or
    for each pattern if files are not limited. Where all rows are read, there is one list, in the order of names.
    """
    mixed = [sorted(group, key=lambda file: _rank(file.name, limits.seed)) for group in groups]
    if limits.files is not None:
        in_turn = [file for files in zip_longest(*mixed) for file in files if file is not None]
        mixed = [[file] for file in in_turn[: limits.files]]
    if limits.rows is None and limits.bytes is None:
        return [sorted(chain.from_iterable(mixed), key=lambda file: file.name)]
    return mixed


def _rank(name: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()


def interleave(streams: Sequence[Generator[T, None, None]]) -> Iterator[T]:
    """Yield one item of each stream in turn, until all have ended; then, or where reading stops, close them."""
    with ExitStack() as stack:
        for stream in streams:
            stack.enter_context(closing(stream))
        left = list(streams)
        while left:
            going_on = []
            for stream in left:
                for item in stream:
                    yield item
                    going_on.append(stream)
                    break
            left = going_on
