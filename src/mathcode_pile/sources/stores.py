"""Bring files from object stores, and from any other address that fsspec reads, or read them where they are."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

from tqdm import tqdm

from mathcode_pile.core import scratch
from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.downloads.download import LocalFile, write_record

BLOCK_BYTES = 16 << 20
# How much is asked for at once of a file that is read where it is.
READ_BYTES = 4 << 20


class StoredFile(NamedTuple):  # one file of a store
    store: Any
    name: str
    size: int
    mark: str
    """The store's name for this version of the file."""
    url: str
    """The address that was asked for, which may contain `*`."""

    @property
    def address(self) -> str:
        """The file's own address."""
        return self.store.unstrip_protocol(self.name)

    def download(self) -> LocalFile:
        """Return the file on this machine. It is brought in blocks, and an interrupted download continues."""
        folder = scratch.scratch_folder("downloads", scratch.hash_values(self.url, self.name, self.size, self.mark))
        whole, record = folder / "files" / self.name.rsplit("/", 1)[-1], folder / "record.json"
        with _naming(self.url), scratch.locked(folder):
            if not (whole.is_file() and record.is_file()):
                _fetch_blocks(self.store, self.name, self.size, whole)
                write_record(record, whole, self.mark)
            kept = json.loads(record.read_text(encoding="utf-8"))
        return LocalFile(whole, self.name, self.address, kept["etag"], kept["sha256"])

    def open(self) -> io.BufferedReader:
        """Return the file, read where it is, block by block."""
        with _naming(self.url):
            opened = self.store.open(self.name, "rb", block_size=READ_BYTES)
            return io.BufferedReader(cast(io.RawIOBase, opened), 1 << 16)


@contextmanager
def _naming(url: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError

    try:
        yield
    except (OSError, ValueError, ImportError, BotoCoreError) as error:
        raise InputError(f"{url}: {first_line(error)}") from error


def list_store(url: str, options: dict[str, object]) -> list[StoredFile]:
    """Return the files of an fsspec address, which may contain `*`: s3://bucket/folder/*.parquet, gs://, file:// ...

    Each store's library reads its credentials from the environment.
    """
    import fsspec

    with _naming(url):
        store, path = fsspec.core.url_to_fs(url, **options)
        names = sorted(store.glob(path)) if "*" in path else [path]
        if not names:
            raise InputError(f"{url}: no such file")
        files = []
        for name in names:
            info = store.info(name)
            if info.get("size") is None:
                raise InputError(f"{url}: the store does not say how large {name} is")
            mark = str(info.get("ETag") or info.get("mtime") or info.get("LastModified") or "")
            files.append(StoredFile(store, name, int(info["size"]), mark, url))
        return files


def _fetch_blocks(store: Any, name: str, size: int, whole: Path) -> None:
    part = whole.with_name(f"{whole.name}.partial")
    part.parent.mkdir(exist_ok=True)
    have = part.stat().st_size if part.is_file() else 0
    bar = tqdm(total=size, initial=have, unit="B", unit_scale=True, desc=whole.name)
    with open(part, "ab") as file, bar:
        while have < size:
            block = store.cat_file(name, start=have, end=min(size, have + BLOCK_BYTES))
            if not block:
                raise OSError(f"{name} ended at byte {have} of {size}")
            file.write(block)
            have += len(block)
            bar.update(len(block))
    part.rename(whole)
