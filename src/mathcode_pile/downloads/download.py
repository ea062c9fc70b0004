"""Download files from http(s) addresses to the scratch folder: whole or not at all, and resumable.

Another process can continue an interrupted download: its first part is stored beside the file's place until the
file is complete.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import httpx
from tqdm import tqdm

from mathcode_pile.core import scratch
from mathcode_pile.core.errors import InputError

# After so many attempts in a row that bring nothing, a download is given up.
ATTEMPTS = 6
MAX_WAIT_S = 300.0
REFUSALS = (400, 401, 403, 404, 405, 410, 451)


class LocalFile(NamedTuple):  # one file of a source, now on this machine
    path: Path
    name: str
    """The file's path within the source."""
    url: str
    etag: str = ""
    """The server's name for this version of the file; empty for files that were not downloaded."""
    sha256: str = ""

    def describe(self) -> dict[str, Any]:
        """Return what identifies the file."""
        return {"url": self.url, "bytes": self.path.stat().st_size, "etag": self.etag, "sha256": self.sha256}


class Problem(NamedTuple):  # why an attempt did not complete the file
    text: str
    wait_s: float = 0.0
    """How long the server asks us to wait."""
    is_refusal: bool = False


class RefusedError(InputError):
    """The server refuses to give the file; asking again will not help."""


def download_http(url: str, sha256: str | None, attempts: int = ATTEMPTS, pause_s: float = 1.0) -> LocalFile:
    """Return the file of an http(s) address; it is downloaded only if the scratch folder does not have it.

    sha256: checked if given. The ETag, size and checksum are stored beside the file, and returned.
    Raises InputError where all attempts fail, the server refuses, or the checksum differs.
    """
    folder = scratch.scratch_folder("downloads", scratch.hash_values(url, sha256))
    # The file has its own folder, because it may have any name, even that of our record or our lock.
    whole, record = folder / "files" / (url.rsplit("/", 1)[-1].split("?")[0] or "file"), folder / "record.json"

    def check(part: Path) -> None:
        got = hash_sha256(part)
        if sha256 is not None and got != sha256:
            raise InputError(f"{url}: sha256 is {got}, params say {sha256}")

    with scratch.locked(folder):
        if not (whole.is_file() and record.is_file()):
            etag = "" if whole.is_file() else bring(url, whole, check, attempts=attempts, pause_s=pause_s)
            write_record(record, whole, etag)
        kept = json.loads(record.read_text(encoding="utf-8"))
    return LocalFile(whole, http_name(url), url, kept["etag"], kept["sha256"])


def http_name(url: str) -> str:
    """Return the name of an address's file within its source: the address without its query.

    Two addresses may end in the same name.
    """
    return url.split("://", 1)[-1].split("?")[0]


def write_record(record: Path, whole: Path, etag: str) -> None:
    """Write the ETag, size and checksum of a downloaded file."""
    values = {"etag": etag, "bytes": whole.stat().st_size, "sha256": hash_sha256(whole)}
    record.write_text(json.dumps(values), encoding="utf-8")


class Described(Protocol):
    """A file that was brought or read."""

    def describe(self) -> dict[str, Any]:
        """Return what identifies it."""


def record_files(path: Path, files: Sequence[Described]) -> None:
    """Write the address, ETag, size and checksum of each downloaded file; no file is written if there are none."""
    if files:
        rows = [file.describe() for file in files]
        path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def hash_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as 64 hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bring(
    url: str,
    whole: Path,
    check: Callable[[Path], None],
    headers: dict[str, str] | None = None,
    attempts: int = ATTEMPTS,
    pause_s: float = 1.0,
) -> str:
    """Download an address to the file `whole`, which gets its name when it is complete; return its ETag.

    After an interruption the download continues at the same place, if the server answers ranges and the file did not
    change (ETag). The count of attempts starts again whenever an attempt gets further than all before it.
    check: is called with the downloaded file; it raises InputError where that is the wrong one, which is then deleted.
    headers: sent to this server. If it redirects to another server, an Authorization is not sent there.
    """
    part, state = whole.with_name(f"{whole.name}.partial"), whole.with_name(f"{whole.name}.state")
    whole.parent.mkdir(parents=True, exist_ok=True)
    failures, most = 0, _size(part)
    try:
        while problem := _continue_download(url, part, state, headers or {}):
            if problem.is_refusal:
                raise RefusedError(f"{url}: {problem.text}")
            failures = 1 if _size(part) > most else failures + 1
            most = max(most, _size(part))
            if failures >= attempts:
                raise InputError(f"{url}: {problem.text}, {attempts} times; the next run continues from here")
            time.sleep(min(MAX_WAIT_S, max(problem.wait_s, pause_s * 2 ** (failures - 1))))
        try:
            check(part)
        except InputError:
            part.unlink()
            state.unlink(missing_ok=True)
            raise
        part.rename(whole)
    except OSError as error:
        raise InputError(f"{url}: {part} cannot be written: {error.strerror or error}") from error
    etag = _read_etag(state)
    state.unlink(missing_ok=True)
    return etag


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _read_etag(state: Path) -> str:
    return state.read_text(encoding="utf-8") if state.is_file() else ""


def _continue_download(url: str, part: Path, state: Path, headers: dict[str, str]) -> Problem | None:
    """Download the missing part of a file; return what went wrong, or None where the file is complete."""
    etag = _read_etag(state)
    have = _size(part) if etag else 0
    headers = headers | {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": etag}
    try:
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=60) as answer:
            status = answer.status_code
            if status == 416 and answer.headers.get("Content-Range") == f"bytes */{have}":
                return None
            if status in REFUSALS:
                return Problem(f"refused with status {status}", is_refusal=True)
            if status not in (200, 206):
                if status == 416:
                    part.unlink(missing_ok=True)
                return Problem(f"answered {status}", asked_wait(answer))
            if status == 206 and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                part.unlink(missing_ok=True)
                return Problem("answered with another range than the one asked for")
            if status == 200:
                have = 0
                state.write_text(answer.headers.get("ETag", ""), encoding="utf-8")
            return _write_body(answer, part, have)
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        return Problem(f"not an address: {error}", is_refusal=True)
    except httpx.HTTPError as error:
        return Problem(f"{type(error).__name__}: {error}")


def asked_wait(answer: httpx.Response) -> float:
    """Return the seconds of a Retry-After header; a date in it is ignored, because waits grow anyway."""
    asked = answer.headers.get("Retry-After", "")
    return float(asked) if re.fullmatch(r"\d{1,6}", asked) else 0.0


def _write_body(answer: httpx.Response, part: Path, have: int) -> Problem | None:
    length = answer.headers.get("Content-Length", "")
    expected = have + int(length) if length.isdigit() else None
    bar = tqdm(total=expected, initial=have, unit="B", unit_scale=True, desc=part.stem)
    with open(part, "ab" if have else "wb") as file, bar:
        for chunk in answer.iter_raw():
            file.write(chunk)
            bar.update(len(chunk))
    if expected is not None and part.stat().st_size != expected:
        return Problem(f"got {part.stat().st_size} of {expected} bytes")
    return None
