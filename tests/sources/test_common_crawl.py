"""Pages of Common Crawl, from a server on 127.0.0.1 that answers as its index and its files do."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from small_warc import Capture, to_record

from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.shards import read_rows
from mathcode_pile.sources.common_crawl import Addresses, download_domain
from stages.fetch.stage import OriginsParams, fetch_source

CRAWL = "CC-MAIN-2025-47"
FILE = "crawl-data/CC-MAIN-2025-47/segments/1/warc/a.warc.gz"


class Played:
    """What the server has, and what it was asked for."""

    def __init__(self) -> None:
        self.pages = [
            Capture(f"https://www.maths.example/{n}", f"<p>Page number {n} here.</p>".encode()) for n in range(6)
        ]
        self.content, self.places = b"", []
        for number, page in enumerate(self.pages):
            record = gzip.compress(to_record(page, number), mtime=0)
            self.places.append((len(self.content), len(record)))
            self.content += record
        self.asked: list[str] = []
        self.faults: list[int] = []

    def lines(self, page: int) -> str:
        rows = [
            {
                "url": capture.url,
                "digest": f"D{n}",
                "filename": FILE,
                "offset": str(start),
                "length": str(length),
                "status": "200",
            }
            for n, (capture, (start, length)) in enumerate(zip(self.pages, self.places, strict=True))
        ]
        rows.append(rows[0] | {"url": "https://maths.example/again"})  # the same content at another address
        return "\n".join(map(json.dumps, rows[:4] if page == 0 else rows[4:]))


class Handler(BaseHTTPRequestHandler):
    played: Played

    def do_GET(self) -> None:
        played, address = self.played, urlsplit(self.path)
        query = parse_qs(address.query)
        played.asked.append(self.headers.get("Range") or self.path)
        if played.faults:
            self._answer(played.faults.pop(0), b"")
        elif address.path.endswith("-index"):
            assert query["filter"] == ["=status:200", "=mime-detected:text/html"]
            if query["url"] != ["maths.example"]:
                self._answer(404, b'{"message": "No Captures found"}')
            elif "showNumPages" in query:
                self._answer(200, b'{"pages": 2, "pageSize": 5, "blocks": 2}')
            else:
                self._answer(200, played.lines(int(query["page"][0])).encode())
        else:
            assert address.path == f"/{FILE}"
            start, end = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
            self._answer(206, played.content[start : end + 1])

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def played(project: Path) -> Iterator[tuple[Played, Addresses]]:
    Handler.played = Played()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    yield Handler.played, Addresses(address, address)
    server.shutdown()
    server.server_close()


def params(servers: Addresses, **more: object) -> OriginsParams:
    origin = {"kind": "common_crawl", "crawl": CRAWL, "domains": ["maths.example"], "license": "unknown"} | more
    return parse_section(
        "fetch.s", {"origins": [origin | {"index": servers.of_index, "data": servers.of_data}]}, OriginsParams
    )


def test_the_pages_of_a_domain_become_documents(played: tuple[Played, Addresses], tmp_path: Path) -> None:
    report = fetch_source("s", params(played[1]), tmp_path / "out")
    assert (report.read, report.kept) == (6, 6)
    rows = sorted((row["url"], row["text"]) for row in read_rows(tmp_path / "out"))
    assert rows[0] == ("https://www.maths.example/0", "Page number 0 here.")
    (file,) = json.loads((tmp_path / "out" / "files.json").read_text())
    assert file["url"].endswith(f"/{CRAWL}/maths.example") and len(file["sha256"]) == 64


def test_some_pages_are_chosen_whatever_their_order(played: tuple[Played, Addresses], tmp_path: Path) -> None:
    fetch_source("s", params(played[1], pages=2), tmp_path / "out")
    chosen = [row["url"] for row in read_rows(tmp_path / "out")]
    assert len(chosen) == 2
    assert len([asked for asked in played[0].asked if asked.startswith("bytes")]) == 2


def test_a_busy_server_is_asked_again_and_a_cut_download_continues(
    played: tuple[Played, Addresses], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mathcode_pile.sources import common_crawl

    monkeypatch.setattr(common_crawl, "REQUESTS_AT_ONCE", 1)
    monkeypatch.setattr(common_crawl, "BATCH", 1)
    server, servers = played
    server.faults = [503, 503]
    fetch_record = common_crawl._fetch_record

    def fail_at_third(capture: common_crawl.Capture, data: str, pause_s: float) -> bytes:
        if capture.url.endswith("/2"):
            raise KeyboardInterrupt
        return fetch_record(capture, data, pause_s)

    monkeypatch.setattr(common_crawl, "_fetch_record", fail_at_third)
    with pytest.raises(KeyboardInterrupt):
        download_domain(CRAWL, "maths.example", None, servers, pause_s=0)
    monkeypatch.setattr(common_crawl, "_fetch_record", fetch_record)
    server.asked.clear()
    file = download_domain(CRAWL, "maths.example", None, servers, pause_s=0)
    assert file.path.read_bytes() == server.content
    assert len(server.asked) == 4 and all(asked.startswith("bytes") for asked in server.asked)
    server.asked.clear()
    assert download_domain(CRAWL, "maths.example", None, servers) == file
    assert server.asked == []


def test_a_server_that_refuses_or_has_nothing_is_one_clear_line(played: tuple[Played, Addresses]) -> None:
    server, servers = played
    with pytest.raises(InputError, match=r"CC-MAIN-2025-47-index: lists no page of other\.example"):
        download_domain(CRAWL, "other.example", None, servers)
    server.faults = [403]
    with pytest.raises(InputError, match="answered 403"):
        download_domain(CRAWL, "maths.example", None, servers)
    server.faults = [500] * 6
    with pytest.raises(InputError, match="answered 500"):
        download_domain(CRAWL, "maths.example", None, servers, pause_s=0)
    server.content = b"x" * len(server.content)
    with pytest.raises(InputError, match="not the record that the index names"):
        download_domain(CRAWL, "maths.example", None, servers)


@pytest.mark.parametrize(
    "wrong", [{"crawl": "2025"}, {"domains": []}, {"domains": ["https://x.org/"]}, {"format": "html"}]
)
def test_a_wrong_key_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(ParamsError, match=next(iter(wrong))):
        params(Addresses("http://127.0.0.1:1", "http://127.0.0.1:1"), **wrong)
