"""Bring remote files to the scratch folder: whole or not at all, resumed where they were cut.

http(s) through httpx, S3 and other stores through fsspec, Hugging Face datasets through
huggingface_hub (its own cache, retries and resume, kept in the scratch folder).
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
from tqdm import tqdm

from mathcode_pile import scratch
from mathcode_pile.errors import InputError

ATTEMPTS = 6
CHUNK = 1 << 20


class LocalFile(NamedTuple):  # one file of a source, now on this machine
    path: Path
    name: str
    """Its path within the source."""
    url: str


def download_http(url: str, sha256: str | None, attempts: int = ATTEMPTS, pause_s: float = 1.0) -> LocalFile:
    """Return a file of an http(s) address, from the scratch folder where it was brought before.

    A cut connection goes on where it was cut, if the server answers ranges and the file did not
    change (ETag); the file is complete when its size is the one announced. sha256: checked where given.
    Raises InputError when attempts are used up, the server refuses, or the checksum differs.
    """
    folder = scratch.scratch_folder("downloads", scratch.hash_values(url, sha256))
    name = url.rsplit("/", 1)[-1].split("?")[0] or "file"
    whole, part, state = folder / name, folder / f"{name}.partial", folder / "state.json"
    with scratch.locked(folder):
        problem = ""
        for attempt in range(attempts):
            if whole.is_file():
                break
            if attempt:
                time.sleep(min(60.0, pause_s * 2 ** (attempt - 1)))
            problem = _continue_download(url, part, state)
            if problem.startswith("refused"):
                raise InputError(f"{url}: {problem}")
            if not problem:
                _check_sum(url, part, sha256)
                part.rename(whole)
        if not whole.is_file():
            raise InputError(f"{url}: {problem}, {attempts} times; what was brought is kept, run again to go on")
    return LocalFile(whole, name, url)


def _continue_download(url: str, part: Path, state: Path) -> str:
    """Bring what is missing of a file; return what went wrong, "" where it is whole."""
    etag = json.loads(state.read_text()).get("etag", "") if state.is_file() else ""
    have = part.stat().st_size if part.is_file() and etag else 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": etag}
    try:
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=60) as answer:
            if answer.status_code == 416 and answer.headers.get("Content-Range") == f"bytes */{have}":
                return ""
            if answer.status_code in (400, 401, 403, 404, 405, 410, 451):
                return f"refused with status {answer.status_code}"
            if answer.status_code not in (200, 206):
                return f"answered {answer.status_code}"
            if answer.status_code == 200:
                have = 0
            state.write_text(json.dumps({"etag": answer.headers.get("ETag", "")}))
            length = answer.headers.get("Content-Length")
            expected = have + int(length) if length else None
            bar = tqdm(total=expected, initial=have, unit="B", unit_scale=True, desc=part.stem)
            with open(part, "ab" if have else "wb") as file, bar:
                for chunk in answer.iter_raw():
                    file.write(chunk)
                    bar.update(len(chunk))
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"
    if expected is not None and part.stat().st_size != expected:
        return f"got {part.stat().st_size} of {expected} bytes"
    return ""


def _check_sum(url: str, part: Path, sha256: str | None) -> None:
    import hashlib

    if sha256 is not None:
        with open(part, "rb") as file:
            got = hashlib.file_digest(file, "sha256").hexdigest()
        if got != sha256:
            part.unlink()
            raise InputError(f"{url}: sha256 is {got}, params say {sha256}")


def download_fsspec(url: str, options: dict[str, object]) -> Iterator[LocalFile]:
    """Yield the files of an fsspec address, `*` allowed: s3://bucket/folder/*.parquet, gs://, file:// ...

    Credentials come from the environment, as each store's library reads them.
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
            mark = str(info.get("ETag") or info.get("mtime") or info.get("LastModified") or "")
            size = int(info["size"])
            folder = scratch.scratch_folder("downloads", scratch.hash_values(url, name, size, mark))
            whole = folder / name.rsplit("/", 1)[-1]
            with scratch.locked(folder):
                if not whole.is_file():
                    _fetch_blocks(store, name, size, whole)
            yield LocalFile(whole, name, store.unstrip_protocol(name))
    except (OSError, ValueError, ImportError, BotoCoreError) as error:
        raise InputError(f"{url}: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from error


def _fetch_blocks(store: object, name: str, size: int, whole: Path) -> None:
    part = whole.with_name(f"{whole.name}.partial")
    have = part.stat().st_size if part.is_file() else 0
    bar = tqdm(total=size, initial=have, unit="B", unit_scale=True, desc=whole.name)
    with open(part, "ab") as file, bar:
        while have < size:
            block = store.cat_file(name, start=have, end=min(size, have + 16 * CHUNK))  # type: ignore[attr-defined]
            if not block:
                raise OSError(f"{name} ended at byte {have} of {size}")
            file.write(block)
            have += len(block)
            bar.update(len(block))
    part.rename(whole)


def download_huggingface(repository: str, revision: str, patterns: list[str], files: int | None) -> Iterator[LocalFile]:
    """Yield the files of a Hugging Face dataset at a commit, in order of their names.

    The token of a gated or private one is HF_TOKEN, a mirror HF_ENDPOINT.
    Raises InputError where the repository, the revision or a matching file is missing.
    """
    from fnmatch import fnmatch

    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    cache = scratch.scratch_folder("downloads", "huggingface")
    try:
        names = HfApi().list_repo_files(repository, revision=revision, repo_type="dataset")
        chosen = sorted(name for name in names if any(fnmatch(name, pattern) for pattern in patterns))
        if not chosen:
            raise InputError(f"huggingface {repository}@{revision}: no file matches {', '.join(patterns)}")
        for name in chosen[:files]:
            path = hf_hub_download(repository, name, revision=revision, repo_type="dataset", cache_dir=cache)
            yield LocalFile(Path(path), name, f"hf://datasets/{repository}@{revision}/{name}")
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx.HTTPError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(f"huggingface {repository}@{revision}: {reason}") from error
