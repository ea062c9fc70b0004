"""Read the pages of a WARC file, the format in which crawlers keep what servers answered.

Records that only describe others (warcinfo, request, metadata, revisit) are no pages and are not counted.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.sources.html import MAX_PAGE_BYTES, Fault, Page, read_page
from mathcode_pile.sources.html.zstd_frames import ZstdFrames
from mathcode_pile.sources.reasons import Reason
from mathcode_pile.sources.source_rows import Rejected, attempt_record

_PAGES = WarcRecordType.response | WarcRecordType.resource | WarcRecordType.conversion
# An answer may have a longer header, or be compressed badly. A film is not read at all.
MAX_ANSWER_BYTES = 4 * MAX_PAGE_BYTES
_HTML = ("text/html", "application/xhtml+xml")


class Capture(NamedTuple):  # one page of a crawl
    key: str
    """The record's own id, which is unique among all WARC files; without one, its number in the file."""
    url: str
    made: Page | Fault | Rejected
    metadata: dict[str, Any]


def read_warc(path: Path) -> Iterator[Capture]:
    """Yield the captures of a WARC file; raises InputError where it is no WARC file, damaged or cut."""
    try:
        with open_warc(path) as file:
            # The HTTP header is parsed below, where an error in it is that of one record.
            records = ArchiveIterator(file, record_types=_PAGES, parse_http=False)
            for number, record in enumerate(records, start=1):
                yield _read_record(record, number)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a readable WARC file: {first_line(error)}") from error


def open_warc(path: Path) -> BinaryIO:
    """Open a WARC file. Python's own gzip reader raises where a file was cut; the library's reader just ends."""
    if path.name.endswith(".zst"):
        return io.BufferedReader(ZstdFrames(path))
    return cast(BinaryIO, gzip.open(path, "rb")) if path.name.endswith(".gz") else open(path, "rb")


def _read_record(record: Any, number: int) -> Capture:
    headers = record.headers
    name = (headers.get("WARC-Record-ID") or "").strip("<>").removeprefix("urn:uuid:")
    key = name or f"#{number}"
    url = (headers.get("WARC-Target-URI") or "").strip("<>")
    metadata = {"crawled": headers.get("WARC-Date") or ""}
    if cut := headers.get("WARC-Truncated"):
        metadata["truncated"] = cut
    content, content_type, charset, fault = _read_content(record)
    if fault is None and content_type not in _HTML:
        fault = Fault(Reason.NOT_HTML, content_type or "no content type")
    if fault is not None:
        fault = fault._replace(detail=f"{url}: {fault.detail}")
    made = attempt_record(key, read_page, content, charset) if fault is None else fault
    return Capture(key, url, made, metadata)


def _read_content(record: Any) -> tuple[bytes, str, str, Fault | None]:
    """Return a record's content up to a little more than a page may have, its type and encoding, or what is wrong."""
    whole = record.content_length
    if whole > MAX_ANSWER_BYTES:
        return b"", "", "", Fault(Reason.PAGE_TOO_LARGE, f"an answer of {whole} bytes")
    block: bytes = record.reader.read(whole)
    if len(block) < whole:
        raise EOFError(f"a record of {whole} bytes ends after {len(block)}")
    if not record.is_http:
        return block, _bare(record.headers.get("Content-Type")), "", None
    # The answer is decoded apart from the file, so that a damaged one does not end it.
    answer = WarcRecord()
    answer.init_headers(record_type=WarcRecordType.response)
    answer.set_bytes_content(block)
    answer.is_http = True
    try:
        answer.parse_http(auto_decode="all")
        status, kind = answer.http_headers.status_code, _bare(answer.http_content_type)
        if status != 200:
            return b"", kind, "", Fault(Reason.NOT_HTML, f"status {status}")
        return answer.reader.read(MAX_PAGE_BYTES + 1), kind, answer.http_charset or "", None
    except (OSError, ValueError) as error:
        return b"", "", "", Fault(Reason.NOT_HTML, f"an answer that cannot be decoded: {first_line(error)}")


def _bare(content_type: str | None) -> str:
    return (content_type or "").split(";")[0].strip().lower()
