"""Download files from object stores, and from any other address that fsspec reads, to the scratch folder."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mathcode_pile.core import scratch
from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.downloads.download import LocalFile, write_record

BLOCK_BYTES = 16 << 20


def download_fsspec(url: str, options: dict[str, object]) -> Iterator[LocalFile]:
    """Yield the files of an fsspec address, which may contain `*`: s3://bucket/folder/*.parquet, gs://, file:// ...

    A file is downloaded block by block; an interrupted download continues at its next block.
    Each store's library reads its credentials from the environment.
    """
    import fsspec
    from botocore.exceptions import BotoCoreError

    try:
        store, path = fsspec.core.url_to_fs(url, **options)
        names = sorted(store.glob(path)) if "*" in path else [path]
        if not names:
            raise InputError(f"{url}: no such file")
        for name in names:
            info = store.info(name)
            if info.get("size") is None:
                raise InputError(f"{url}: the store does not say how large {name} is")
            mark = str(info.get("ETag") or info.get("mtime") or info.get("LastModified") or "")
            folder = scratch.scratch_folder("downloads", scratch.hash_values(url, name, int(info["size"]), mark))
            whole, record = folder / "files" / name.rsplit("/", 1)[-1], folder / "record.json"
            with scratch.locked(folder):
                if not (whole.is_file() and record.is_file()):
                    _fetch_blocks(store, name, int(info["size"]), whole)
                    write_record(record, whole, mark)
            kept = json.loads(record.read_text(encoding="utf-8"))
            yield LocalFile(whole, name, store.unstrip_protocol(name), kept["etag"], kept["sha256"])
    except (OSError, ValueError, ImportError, BotoCoreError) as error:
        raise InputError(f"{url}: {first_line(error)}") from error


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
