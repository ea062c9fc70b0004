"""Bring files of http(s) addresses to the scratch folder: whole or not at all, resumed where they were cut.

A download is continued by the next process too: what was brought stays beside its place until it is whole.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import httpx
from tqdm import tqdm

from mathcode_pile.core import scratch
from mathcode_pile.core.errors import InputError

# Attempts in a row that bring nothing, before a download is given up.
ATTEMPTS = 6
MAX_WAIT_S = 300.0
REFUSALS = (400, 401, 403, 404, 405, 410, 451)


class LocalFile(NamedTuple):  # one file of a source, now on this machine
    path: Path
    name: str
    """Its path within the source."""
    url: str
    etag: str = ""
    """What the server calls this version of the file; empty for files that were not downloaded."""
    sha256: str = ""


class Problem(NamedTuple):  # why an attempt did not bring the whole file
    text: str
    wait_s: float = 0.0
    """How long the server asks to be left alone."""
    is_refusal: bool = False


class RefusedError(InputError):
    """A server that will not give the file, however often it is asked."""


def download_http(url: str, sha256: str | None, attempts: int = ATTEMPTS, pause_s: float = 1.0) -> LocalFile:
    """Return a file of an http(s) address, from the scratch folder where it was brought before.

    sha256: checked where given. Its ETag, size and checksum are kept beside it, and returned.
    Raises InputError when attempts are used up, the server refuses, or the checksum differs.
    """
    folder = scratch.scratch_folder("downloads", scratch.hash_values(url, sha256))
    # In a folder of its own: a file may have any name, our record's and our lock's too.
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
    # Two addresses may end in one name, so the name within the source is the address, but for its query.
    return LocalFile(whole, url.split("://", 1)[-1].split("?")[0], url, kept["etag"], kept["sha256"])


def write_record(record: Path, whole: Path, etag: str) -> None:
    """Keep what a downloaded file was: its ETag, size and checksum."""
    values = {"etag": etag, "bytes": whole.stat().st_size, "sha256": hash_sha256(whole)}
    record.write_text(json.dumps(values), encoding="utf-8")


def record_files(path: Path, files: Sequence[LocalFile]) -> None:
    """Write what downloaded files were: address, ETag, size and checksum of each; nothing where there are none."""
    if files:
        rows = [{"url": f.url, "bytes": f.path.stat().st_size, "etag": f.etag, "sha256": f.sha256} for f in files]
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
    """Bring an address to the file `whole`, which takes its name when all of it is there; return its ETag.

    A cut connection goes on where it was cut, if the server answers ranges and the file did not change
    (ETag). Attempts are counted anew whenever one got further than any before.
    check: is given the downloaded file, and raises InputError where it is not the right one; it is removed then.
    headers: sent to this server, and an Authorization among them not to one it redirects to.
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
                raise InputError(f"{url}: {problem.text}, {attempts} times; what was brought is kept for the next run")
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
    """Bring what is missing of a file; return what went wrong, None where it is whole."""
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
                return Problem(f"answered {status}", _asked_wait(answer))
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


def _asked_wait(answer: httpx.Response) -> float:
    """Return the seconds of a Retry-After; a date in it is not worth reading, since waits grow anyway."""
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
