"""Limits are spread over the patterns of an origin, and what lies elsewhere is read only as far as they reach."""

import gzip
import io
import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hub import Hub
from played_hub import TOKEN

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.shards import read_rows
from mathcode_pile.downloads.remote import open_http
from stages.fetch.stage import OriginsParams, fetch_source

# More than the buffers of a connection hold.
LARGE = 24 << 20


def fetch(out: Path, more: dict[str, Any] | None = None, **origin: Any) -> Report:
    entry = {"origins": [{"license": "MIT", "format": "jsonl"} | origin]} | (more or {})
    return fetch_source("s", parse_section("fetch.s", entry, OriginsParams), out)


def lines(name: str, rows: int, size: int = 10) -> bytes:
    return b"".join(json.dumps({"text": f"{name} {n} " + "x" * size}).encode() + b"\n" for n in range(rows))


def counts(out: Path) -> Counter[str]:
    """How many rows came from each file."""
    return Counter(row["text"].split()[0] for row in read_rows(out))


@pytest.fixture
def matrix(hub: Hub) -> dict[str, Any]:
    """An origin with two kinds of books, in files of ten rows."""
    names = [f"book_{kind}.{n:04d}" for kind in ("math", "science") for n in range(6)]
    files = {f"{name}.jsonl": lines(name, 10) for name in names}
    commit = hub.add("m-a-p/Matrix", files | {"cc_en.0000.jsonl": lines("cc_en", 9)})
    patterns = ["book_math*.jsonl", "book_science*.jsonl", "book_m*.jsonl", "book_*0001.jsonl"]
    return {"kind": "huggingface", "repository": "m-a-p/Matrix", "revision": commit, "patterns": patterns[:2]}


def test_a_limit_of_files_takes_them_from_each_pattern_in_turn(matrix: dict[str, Any], tmp_path: Path) -> None:
    chosen = []
    for seed in range(4):
        for again in "ab":
            fetch(tmp_path / f"{seed}{again}", **matrix, limits={"files": 5, "seed": seed})
        found = counts(tmp_path / f"{seed}a")
        assert found == counts(tmp_path / f"{seed}b")
        assert sum(name.startswith("book_math") for name in found) == 3 and len(found) == 5
        chosen.append(frozenset(found))
    assert len(set(chosen)) > 1  # not always the first ones


@pytest.mark.parametrize(("files", "used"), [(None, 2), (4, 4)])
def test_a_limit_of_rows_is_spread_too(matrix: dict[str, Any], tmp_path: Path, files: int | None, used: int) -> None:
    fetch(tmp_path / "out", **matrix, limits={"files": files, "rows": 8})
    found = counts(tmp_path / "out")
    assert found.total() == 8 and sorted(found.values()) == [8 // used] * used
    assert sum(count for name, count in found.items() if name.startswith("book_math")) == 4
    fetch(tmp_path / "more", **matrix, limits={"rows": 117})
    assert counts(tmp_path / "more").total() == 117


def test_a_pattern_without_a_file_is_named(matrix: dict[str, Any], tmp_path: Path) -> None:
    matrix["patterns"] = ["book_math*.jsonl", "book_sience*.jsonl"]
    with pytest.raises(InputError, match=r"m-a-p/Matrix@\w+: no file matches book_sience\*\.jsonl"):
        fetch(tmp_path / "out", **matrix)


class Server(BaseHTTPRequestHandler):
    """Serves `files` in pieces, with ranges unless the address begins with /whole; cuts the first answers to /cut."""

    protocol_version = "HTTP/1.1"
    files: ClassVar[dict[str, bytes]] = {}
    sent: ClassVar[Counter[str]] = Counter()
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        content, wanted = self.files[self.path.rsplit("/", 1)[1]], self.headers.get("Range")
        self.asked.append((self.path, wanted))
        start = int(wanted[6:-1]) if wanted and "/whole/" not in self.path else 0
        if "/busy/" in self.path and len(self.asked) == 1:
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("ETag", str(len(self.asked)) if "/changing/" in self.path else '"1"')
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        cut = start + 50_000 if "/whole/" not in self.path or len(self.asked) == 1 else len(content)
        end = cut if "/plain/" not in self.path else len(content)
        try:
            for place in range(start, end, 1 << 14):
                self.wfile.write(content[place : min(end, place + (1 << 14))])
                self.sent[self.path] += min(end, place + (1 << 14)) - place
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Server.files, Server.sent, Server.asked = {}, Counter(), []
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def table(rows: int, size: int) -> bytes:
    sink = io.BytesIO()
    texts = [f"a {n} " + "x" * size for n in range(rows)]
    pq.write_table(pa.table({"text": texts}), sink, row_group_size=20, compression="none", use_dictionary=False)
    return sink.getvalue()


@pytest.mark.parametrize(("name", "file_format"), [("a.jsonl", "jsonl"), ("a.json", "jsonl"), ("a.parquet", "parquet")])
def test_a_range_of_rows_is_read_without_the_whole_file(
    server: str, project: Path, tmp_path: Path, name: str, file_format: str
) -> None:
    rows = lines("a", 300, LARGE // 300)
    array = b"[" + b",".join(rows.splitlines()) + b"]"
    content = {"a.jsonl": rows, "a.json": array, "a.parquet": table(300, LARGE // 300)}[name]
    Server.files[name] = content
    url = f"{server}/plain/{name}"
    report = fetch(tmp_path / "out", kind="http", urls={url: None}, format=file_format, limits={"rows": 5})
    assert (report.kept, counts(tmp_path / "out")) == (5, {"a": 5})
    assert Server.sent["/plain/" + name] < 0.75 * len(content)
    assert not [path for path in (tmp_path / "scratch").rglob("*") if path.is_file() and path.stat().st_size > 1 << 20]
    (recorded,) = json.loads((tmp_path / "out" / "files.json").read_text())
    assert (recorded["url"], recorded["sha256"], recorded["read"]) == (url, "", "in part")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress], ids=["", ".gz", ".zst"])
@pytest.mark.parametrize("way", ["plain", "cut", "whole", "busy"])
def test_reading_in_place_gives_the_rows_of_the_file_whatever_the_connection_does(
    server: str, monkeypatch: pytest.MonkeyPatch, project: Path, tmp_path: Path, pack: Any, way: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    suffix = {bytes: "", gzip.compress: ".gz", zstandard.compress: ".zst"}[pack]
    noise = "".join(f'{{"text": "a {n} {n**40}"}}\n' for n in range(3000)).encode()
    name = f"a.jsonl{suffix}"
    Server.files[name] = pack(noise)
    report = fetch(tmp_path / "out", kind="http", urls={f"{server}/{way}/{name}": None}, limits={"rows": 10**6})
    assert report.kept == 3000
    assert [row["text"].split()[1] for row in read_rows(tmp_path / "out")] == [str(n) for n in range(3000)]
    starts = [wanted for _, wanted in Server.asked]
    assert way != "cut" or len(Server.files[name]) < 50_000 or "bytes=50000-" in starts


def test_a_file_in_place_can_be_read_anywhere(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    content = bytes(range(256)) * 2000
    Server.files["a"] = content
    for way in ("cut", "plain", "whole"):
        with open_http(f"{server}/{way}/a") as file:
            assert file.seek(-10, io.SEEK_END) == len(content) - 10 and file.read() == content[-10:]
            for place in (0, 100_000, 100_010, 400_000, 5, len(content)):
                file.seek(place)
                assert file.read(70_000) == content[place : place + 70_000]
    with open_http(f"{server}/changing/a") as file, pytest.raises(InputError, match="/a: changed while it was read"):
        file.read()
    with open_http(f"{server}/plain/a", size=7) as file, pytest.raises(InputError, match="has 512000 bytes, not 7"):
        file.read()


def test_rows_of_the_hub_are_read_in_place_with_the_token(
    hub: Hub, tmp_path: Path, project: Path, monkeypatch: Any
) -> None:

    commit = hub.add("o/big", {"a.parquet": table(200, 2000)}, gated=True, **{"a.parquet": ["cut", "busy"]})
    origin = {"kind": "huggingface", "repository": "o/big", "revision": commit, "patterns": ["*.parquet"]}
    with pytest.raises(InputError, match=r"a\.parquet: gated or private: accept its terms"):
        fetch(tmp_path / "out", **origin, format="parquet", limits={"rows": 30})
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert fetch(tmp_path / "out", **origin, format="parquet", limits={"rows": 30}).kept == 30
    assert not list((tmp_path / "scratch").rglob("a.parquet*"))
    assert next(read_rows(tmp_path / "out"))["url"] == f"hf://datasets/o/big@{commit}/a.parquet#1"


def test_rows_of_a_store_are_read_in_place(project: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    for name in "ab":
        (tmp_path / "store" / f"{name}.jsonl").write_bytes(lines(name, 50))
    fetch(tmp_path / "out", kind="fsspec", url=f"file://{tmp_path}/store/*.jsonl", limits={"rows": 20, "files": 2})
    assert counts(tmp_path / "out") == {"a": 10, "b": 10}
    assert not list((tmp_path / "scratch").rglob("*.jsonl"))


def test_a_local_folder_gives_a_part_of_each_file_that_is_taken(project: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "abc":
        (tmp_path / "in" / f"{name}.jsonl").write_bytes(lines(name, 50))
    fetch(tmp_path / "out", kind="local", path=str(tmp_path / "in"), limits={"rows": 30, "files": 3})
    assert counts(tmp_path / "out") == {"a": 10, "b": 10, "c": 10}


def test_downloads_are_deleted_when_the_shards_are_complete(hub: Hub, tmp_path: Path) -> None:
    commit = hub.add("o/all", {"a.jsonl": lines("a", 20), "b.jsonl": lines("b", 20)})
    origin = {"kind": "huggingface", "repository": "o/all", "revision": commit, "patterns": ["*.jsonl"]}
    fetch(tmp_path / "kept", **origin)
    assert len(list((tmp_path / "scratch").rglob("*.jsonl"))) == 2
    fetch(tmp_path / "freed", {"keep_downloads": False}, **origin)
    assert not list((tmp_path / "scratch").rglob("*.jsonl"))
    assert counts(tmp_path / "freed") == counts(tmp_path / "kept") == {"a": 20, "b": 20}
    assert len(json.loads((tmp_path / "freed" / "files.json").read_text())) == 2
    fetch(tmp_path / "again", **origin)
    assert counts(tmp_path / "again").total() == 40


def test_a_file_of_this_machine_is_never_deleted(project: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines("a", 3))
    fetch(tmp_path / "out", {"keep_downloads": False}, kind="local", path=str(tmp_path / "a.jsonl"))
    assert (tmp_path / "a.jsonl").is_file()
