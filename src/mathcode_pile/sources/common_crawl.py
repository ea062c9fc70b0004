"""Download the pages of chosen domains from Common Crawl: one WARC file for each domain.

The index of a crawl says in which file and at which byte each page is. A record is compressed on its own, so a request
for its bytes brings it alone, and the records of a domain in a row are a WARC file again.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from tqdm import tqdm

from mathcode_pile.core import scratch
from mathcode_pile.core.errors import InputError
from mathcode_pile.downloads.download import ATTEMPTS, MAX_WAIT_S, LocalFile, write_record

# Common Crawl asks for few requests at a time.
REQUESTS_AT_ONCE = 4
BATCH = 64


class Capture(NamedTuple):  # where one page of a crawl is
    url: str
    digest: str
    file: str
    offset: int
    length: int


class Addresses(NamedTuple):  # the servers
    of_index: str
    of_data: str


def warc_name(crawl: str, domain: str) -> str:
    """Return the name of the file with the pages of a domain."""
    return f"{crawl}/{domain}.warc.gz"


def download_domain(crawl: str, domain: str, pages: int | None, servers: Addresses, pause_s: float = 1.0) -> LocalFile:
    """Return a WARC file of the pages of a domain and its subdomains in one crawl.

    pages: at most so many, chosen by a hash of their addresses. Of equal pages the first one is taken.
    An interrupted download continues at the next record. Raises InputError where a server refuses or answers nonsense.
    """
    folder = scratch.scratch_folder("downloads", scratch.hash_values(crawl, domain, pages, *servers))
    whole, record, listed = folder / "files" / f"{domain}.warc.gz", folder / "record.json", folder / "captures.json"
    with scratch.locked(folder):
        if not listed.is_file():
            captures = _choose(list(_ask_index(crawl, domain, servers.of_index, pause_s)), pages)
            partial = listed.with_suffix(".partial")
            partial.write_text(json.dumps(captures), encoding="utf-8")
            partial.rename(listed)
        if not (whole.is_file() and record.is_file()):
            captures = [Capture(*values) for values in json.loads(listed.read_text(encoding="utf-8"))]
            _fetch_captures(captures, servers.of_data, whole, pause_s)
            write_record(record, whole, "")
    kept = json.loads(record.read_text(encoding="utf-8"))
    return LocalFile(whole, warc_name(crawl, domain), f"{servers.of_index}/{crawl}/{domain}", "", kept["sha256"])


def _choose(captures: Sequence[Capture], pages: int | None) -> list[Capture]:
    """Return the captures with different content, at most `pages` of them, in the order of the index."""
    different: dict[str, Capture] = {}
    for capture in captures:
        different.setdefault(capture.digest, capture)
    hashed = sorted(different.values(), key=lambda capture: hashlib.blake2b(capture.url.encode()).digest())
    chosen = set(hashed[:pages])
    return [capture for capture in different.values() if capture in chosen]


def _ask_index(crawl: str, domain: str, index: str, pause_s: float) -> Iterator[Capture]:
    """Yield the captures of HTML pages that the index lists for a domain, page by page."""
    address = f"{index}/{crawl}-index"
    # A filter that begins with = compares the whole value.
    query: list[tuple[str, str]] = [("url", domain), ("matchType", "domain"), ("output", "json")]
    query += [("filter", "=status:200"), ("filter", "=mime-detected:text/html")]
    count = _get(address, pause_s, [*query, ("showNumPages", "true")])
    if count is None:
        raise InputError(f"{address}: lists no page of {domain}")
    try:
        for page in range(int(json.loads(count)["pages"])):
            for line in (_get(address, pause_s, [*query, ("page", str(page))]) or b"").splitlines():
                found = json.loads(line)
                yield Capture(
                    found["url"], found["digest"], found["filename"], int(found["offset"]), int(found["length"])
                )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{address}: not an answer of an index: {error!r}") from error


def _fetch_captures(captures: Sequence[Capture], data: str, whole: Path, pause_s: float) -> None:
    """Write the records of captures one after the other; those that an earlier attempt wrote are kept."""
    part = whole.with_name(f"{whole.name}.partial")
    part.parent.mkdir(exist_ok=True)
    have, done = part.stat().st_size if part.is_file() else 0, 0
    size = 0
    while done < len(captures) and size + captures[done].length <= have:
        size, done = size + captures[done].length, done + 1
    bar = tqdm(total=len(captures), initial=done, unit="page", desc=whole.stem)
    with open(part, "ab") as file, ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool, bar:
        file.truncate(size)
        for start in range(done, len(captures), BATCH):
            batch = captures[start : start + BATCH]
            for content in pool.map(lambda capture: _fetch_record(capture, data, pause_s), batch):
                file.write(content)
                bar.update()
    part.rename(whole)


def _fetch_record(capture: Capture, data: str, pause_s: float) -> bytes:
    address = f"{data}/{capture.file}"
    wanted = f"bytes={capture.offset}-{capture.offset + capture.length - 1}"
    content = _get(address, pause_s, headers={"Range": wanted, "Accept-Encoding": "identity"})
    if content is None:
        raise InputError(f"{address}: no such file")
    if len(content) != capture.length or not content.startswith(b"\x1f\x8b"):
        raise InputError(f"{address}: {wanted}: not the record that the index names, but {len(content)} bytes")
    return content


def _get(address: str, pause_s: float, query: Any = None, headers: dict[str, str] | None = None) -> bytes | None:
    """Return a server's answer, None where it has nothing (404); asks a busy server again, ATTEMPTS times in all."""
    problem = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(min(MAX_WAIT_S, pause_s * 2 ** (attempt - 1)))
        try:
            answer = httpx.get(address, params=query, headers=headers, timeout=60, follow_redirects=True)
        except httpx.HTTPError as error:
            problem = f"{type(error).__name__}: {error}"
            continue
        if answer.status_code == 404:
            return None
        if answer.status_code == (206 if headers else 200):
            return answer.content
        problem = f"answered {answer.status_code}"
        if answer.status_code in (400, 401, 403, 416) or (headers and answer.status_code == 200):
            break
    raise InputError(f"{address}: {problem}")
