"""Write small WARC files as crawlers write them: each record compressed on its own.

python tests/helpers/small_warc.py writes sample/html/crawl.warc.gz again.
"""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

DATE = "2026-01-15T12:00:00Z"


class Capture(NamedTuple):  # one record of a WARC file
    url: str
    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: str = "200 OK"
    record_type: str = "response"


def to_record(capture: Capture, number: int) -> bytes:
    """Return the bytes of one record, not compressed."""
    if capture.record_type == "response":
        head = (
            f"HTTP/1.1 {capture.status}\r\nContent-Type: {capture.content_type}\r\nContent-Length: {len(capture.body)}"
        )
        block, block_type = f"{head}\r\n\r\n".encode() + capture.body, "application/http; msgtype=response"
    else:
        block, block_type = capture.body, capture.content_type
    lines = [
        "WARC/1.0",
        f"WARC-Type: {capture.record_type}",
        f"WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-{number:012d}>",
        f"WARC-Date: {DATE}",
        *([f"WARC-Target-URI: {capture.url}"] if capture.url else []),
        f"Content-Type: {block_type}",
        f"Content-Length: {len(block)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def to_warc(captures: Sequence[Capture]) -> bytes:
    """Return a WARC file of captures, after the record that describes the file."""
    about = Capture("", b"software: hand-written\r\nformat: WARC File Format 1.0\r\n", "application/warc-fields")
    records = [about._replace(record_type="warcinfo"), *captures]
    return b"".join(gzip.compress(to_record(record, number), mtime=0) for number, record in enumerate(records))


def main() -> None:
    """Write the sample's WARC file from the pages in sample/html/crawl."""
    folder = Path(__file__).resolve().parents[2] / "sample" / "html"
    pages = sorted((folder / "crawl").glob("*.html"))
    captures = [Capture(f"https://www.example.org/{path.stem}", path.read_bytes()) for path in pages]
    (folder / "crawl.warc.gz").write_bytes(to_warc(captures))


if __name__ == "__main__":
    main()
