"""Sources become documents; errors and drops name the file, row or key."""

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
import zstandard
from conftest import ROOT

from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.shards import list_shards, read_rows
from mathcode_pile.downloads.download import download_http
from mathcode_pile.sources.stores import list_store
from stages.fetch import seen
from stages.fetch.seen import SeenKeys
from stages.fetch.stage import OriginsParams, fetch_source
from stages.fetch_benchmarks.stage import FetchBenchmarksParams, fetch_benchmarks


def fetch(out: Path, **origin: object) -> Report:
    origin = {"kind": "local", "license": "MIT"} | origin
    return fetch_source("s", parse_section("fetch.s", {"origins": [origin]}, OriginsParams), out)


LINES = b'{"id": "a", "text": "one"}\n{"id": "b", "text": "two", "date": "2020"}\n'


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_jsonl_is_read_plain_and_compressed(tmp_path: Path, suffix: str) -> None:
    packed = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[suffix](LINES)
    (tmp_path / f"x.jsonl{suffix}").write_bytes(packed)
    fetch(tmp_path / "out", path=str(tmp_path), format="jsonl")
    rows = list(read_rows(tmp_path / "out"))
    assert [row["text"] for row in rows] == ["one", "two"]
    assert json.loads(rows[1]["metadata"]) == {"date": "2020"}
    assert len({row["id"] for row in rows}) == 2


def test_bad_rows_are_named_drops(tmp_path: Path) -> None:
    lines = [
        b'{"id": "good", "text": "fine"}',
        b'{"id": "none"}',
        b'{"id": "null", "text": null}',
        b'{"id": "number", "text": 3}',
        b'{"id": "blank", "text": "  "}',
        b'{"id": "latin", "text": "\xe9t\xe9"}',
        b'{"id": "half", "text": "cut',
        b"[1, 2]",
        b'{"id": "lone", "text": "\\ud800"}',
        b'{"id": "good", "text": "again"}',
        b'{"id": "url", "text": "t", "url": "http://x/\\ud83d"}',
        b'{"id": "\\ud83d", "text": "t"}',
        b'{"id": "\\ud83d"}',
        b'{"id": "meta", "text": "t", "note": "\\ud83d"}',
        b"\0\0\0",
    ]
    (tmp_path / "x.jsonl").write_bytes(b"\n".join(lines))
    report = fetch(tmp_path / "out", path=str(tmp_path / "x.jsonl"), format="jsonl")
    assert (report.read, report.kept) == (15, 2)
    assert dict(report.dropped) == {"no_text": 5, "invalid_utf8": 4, "not_json": 3, "same_id": 1}
    details = [row["detail"] for row in read_rows(tmp_path / "out" / "dropped")]
    assert any("x.jsonl row 2: column 'text' is missing" in detail for detail in details)


@pytest.mark.parametrize(
    ("name", "file_format", "content"),
    [
        ("cut.parquet", "parquet", None),
        ("empty.parquet", "parquet", b""),
        ("cut.jsonl.gz", "jsonl", gzip.compress(LINES * 1000, mtime=0)[:60]),
        ("cut.jsonl.zst", "jsonl", zstandard.compress(LINES)[:20]),
        ("not.jsonl.gz", "jsonl", b"plain"),
        ("cut.arrow", "arrow", b"ARROW1\0\0"),
    ],
)
def test_a_broken_file_is_an_error_that_names_it(
    tmp_path: Path, name: str, file_format: str, content: bytes | None
) -> None:
    if content is None:
        pq.write_table(pa.table({"text": ["x" * 100] * 1000}), tmp_path / "whole")
        content = (tmp_path / "whole").read_bytes()[:-200]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name.replace(".", r"\.")) as error:
        fetch(tmp_path / "out", path=str(tmp_path / name), format=file_format)
    assert "\n" not in str(error.value)
    assert not list_shards(tmp_path / "out") if (tmp_path / "out").is_dir() else True


def test_a_missing_folder_and_an_empty_source_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        fetch(tmp_path / "out", path=str(tmp_path / "nowhere"), format="text")
    (tmp_path / "x.jsonl").write_bytes(b"")
    with pytest.raises(InputError, match="source s: no documents in 0 records"):
        fetch(tmp_path / "out", path=str(tmp_path / "x.jsonl"), format="jsonl")


def test_an_unpinned_or_misspelt_origin_is_an_error() -> None:
    for origin, message in [
        ({"kind": "locl", "path": "x"}, "locl"),
        ({"kind": "local", "path": "x", "format": "jsonl", "license": "MIT", "colums": {}}, "unknown key.*colums"),
        (
            {
                "kind": "huggingface",
                "repository": "a/b",
                "revision": "main",
                "patterns": ["*"],
                "format": "jsonl",
                "license": "MIT",
            },
            "commit",
        ),
    ]:
        with pytest.raises(ParamsError, match=message):
            parse_section("fetch.s", {"origins": [origin]}, OriginsParams)


def test_equal_names_in_two_origins_are_two_documents(tmp_path: Path) -> None:
    origins = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.md").write_text(f"Notes {name}")
        (tmp_path / name / "x.jsonl").write_text('{"id": 1, "text": "one"}')
        (tmp_path / name / "y.jsonl").write_text('{"id": 1, "text": "another"}')
        for file_format in ("markdown", "jsonl"):
            origins.append({"kind": "local", "path": str(tmp_path / name), "format": file_format, "license": "MIT"})
    report = fetch_source("s", parse_section("fetch.s", {"origins": origins}, OriginsParams), tmp_path / "out")
    assert (report.read, report.kept) == (6, 6)


def test_pdfs_and_text_in_one_source_are_an_error(tmp_path: Path) -> None:
    origins = [{"kind": "local", "path": "x", "format": f, "license": "MIT"} for f in ("pdf", "text")]
    with pytest.raises(ParamsError, match="origins: text and PDFs are different records"):
        fetch_source("s", parse_section("fetch.s", {"origins": origins}, OriginsParams), tmp_path / "out")


def test_front_matter_becomes_metadata_and_never_text(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("---\ntitle: T\nwrong: true\n---\n\nBody $1+1=2$.\n")
    fetch(tmp_path / "out", path=str(tmp_path), format="markdown")
    (row,) = read_rows(tmp_path / "out")
    assert row["text"] == "Body $1+1=2$.\n"
    assert json.loads(row["metadata"]) == {"path": "p.md", "title": "T", "wrong": True}


def test_limits_and_samples_do_not_depend_on_order(tmp_path: Path) -> None:
    lines = [json.dumps({"id": str(n), "text": "t"}) for n in range(1000)]
    texts = []
    for name, ordered in [("a", lines), ("b", lines[::-1])]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jsonl").write_text("\n".join(ordered))
        fetch(tmp_path / f"{name}1", path=str(tmp_path / name), format="jsonl", limits={"share": 0.2, "seed": 7})
        texts.append({row["id"] for row in read_rows(tmp_path / f"{name}1")})
    assert texts[0] == texts[1] and 150 < len(texts[0]) < 250
    fetch(tmp_path / "c", path=str(tmp_path / "a"), format="jsonl", limits={"rows": 10})
    assert len(list(read_rows(tmp_path / "c"))) == 10


def test_limits_bound_rows_files_and_bytes(tmp_path: Path) -> None:
    for name in "abc":
        rows = [json.dumps({"id": name + str(n), "text": "x" * 10}) for n in range(10)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(rows))
    for limits, kept in [({"files": 2}, 20), ({"bytes": 95}, 10), ({"rows": 13, "files": 1}, 10), ({"rows": 13}, 13)]:
        out = tmp_path / str(limits)
        assert fetch(out, path=str(tmp_path), format="jsonl", limits=limits).kept == kept


def test_a_limit_of_bytes_counts_the_text_as_it_is_encoded(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("\n".join(json.dumps({"text": "\N{EURO SIGN}" * 10}) for _ in range(10)))
    assert fetch(tmp_path / "out", path=str(tmp_path), format="jsonl", limits={"bytes": 60}).kept == 2


PACKAGES = {"kind": "python_packages", "what": "code", "packages": [f"networkx=={version('networkx')}"]}


def test_rows_of_a_package_are_limited(tmp_path: Path) -> None:
    params = parse_section("fetch.s", {"origins": [PACKAGES | {"limits": {"rows": 3}}]}, OriginsParams)
    assert fetch_source("s", params, tmp_path / "out").kept == 3


def test_another_version_than_the_profile_names_is_refused(tmp_path: Path) -> None:
    params = parse_section("fetch.s", {"origins": [PACKAGES | {"packages": ["networkx==0.1"]}]}, OriginsParams)
    with pytest.raises(InputError, match=r"networkx==0\.1 is wanted, \d"):
        fetch_source("s", params, tmp_path / "out")


@pytest.mark.parametrize("profile", ["sample", "smollm2"])
def test_profiles_read_packages_at_the_versions_of_the_lock(profile: str) -> None:
    locked = set((ROOT / "requirements.lock").read_text(encoding="utf-8").split())
    sources = yaml.safe_load((ROOT / "profiles" / f"{profile}.yaml").read_text(encoding="utf-8"))["fetch"].values()
    pins = {pin for source in sources for origin in source["origins"] for pin in origin.get("packages", [])}
    assert len(pins) > 10 and pins <= locked


FILES = {"kind": "local", "path": ".", "format": "jsonl", "license": "MIT"}


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        (PACKAGES | {"limits": {"bytes": 10000}}, r"unknown key fetch\.s\.origins\.0\.python_packages\.limits\.bytes"),
        (PACKAGES | {"limits": {"share": 0.01}}, r"unknown key .*limits\.share"),
        (PACKAGES | {"limits": {"files": 1}}, r"unknown key .*limits\.files"),
        (
            FILES | {"columns": {"txet": "body"}},
            r"fetch\.s\.origins: columns: unknown key .txet.; there are text, .*",
        ),
        (FILES | {"format": "markdown", "columns": {"text": "body"}}, r".*local: columns: format markdown has none"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(origin: dict[str, object], message: str) -> None:
    with pytest.raises(ParamsError, match=f"^params: {message}$"):
        parse_section("fetch.s", {"origins": [origin]}, OriginsParams)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limits": {"rows": 3}}, "limits.rows: of a benchmark all rows are taken; only files can be limited"),
        ({"limits": {"files": 1, "share": 0.5}}, "limits.share: of a benchmark all rows are taken; .*"),
        ({"columns": {"anwser": "answer"}}, "columns: unknown key 'anwser'; there are id, question, options, .*"),
        ({"format": "pdf"}, "format pdf has no records"),
    ],
)
def test_an_option_that_would_do_nothing_for_a_benchmark_is_refused(options: dict[str, object], message: str) -> None:
    values = {"benchmarks": {"b": {"origins": [FILES | options]}}}
    with pytest.raises(ParamsError, match=rf"^params: fetch_benchmarks\.benchmarks\.b\.origins: {message}$"):
        parse_section("fetch_benchmarks", values, FetchBenchmarksParams)


def test_a_wrong_key_of_a_benchmark_is_named_once() -> None:
    values = {"benchmarks": {"b": {"origins": [FILES | {"pattern": "x"}]}}}
    with pytest.raises(ParamsError, match=r"^params: unknown key x\.benchmarks\.b\.origins\.0\.local\.pattern$"):
        parse_section("x", values, FetchBenchmarksParams)


def test_equal_keys_are_the_same_drops_whatever_comes_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "MAX_RUN", 300)
    rng = np.random.default_rng(0)
    keys, before = SeenKeys(), set()
    for _ in range(200):
        added = rng.integers(0, 5000, rng.integers(0, 40)).astype(np.uint64) << np.uint64(50)
        expected = [key not in before and not before.add(key) for key in added.tolist()]
        assert keys.add(added).tolist() == expected
    assert len(before) > 2000


def test_benchmarks_in_their_published_forms(tmp_path: Path) -> None:
    records = [
        {"question": "How many?", "answer": "2 + 2 = 4\n#### 4"},
        {"question": "Which?", "choices": ["x", "y"], "answer": 1},
        {"question": ""},
        {"question": "What?", "choices": "A) 3 B) $(x)$ C) 5", "answer": "C"},
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, records)))
    origin = {"kind": "local", "path": str(tmp_path / "q.jsonl"), "format": "jsonl", "license": "MIT"}
    origin |= {"columns": {"options": "choices"}}
    params = parse_section("x", {"benchmarks": {"b": {"origins": [origin]}}}, FetchBenchmarksParams)
    report = fetch_benchmarks(params, tmp_path / "out")
    first, second, third = read_rows(tmp_path / "out" / "b")
    assert third["options"] == ["3", "$(x)$", "5"]
    assert (first["answer"], first["solution"]) == ("4", "2 + 2 = 4")
    assert (second["answer"], second["options"]) == ("B", ["x", "y"])
    assert (report.read, report.kept, dict(report.dropped)) == (4, 3, {"not_a_question": 1})


CONTENT = bytes(range(256)) * 4000


class Server(BaseHTTPRequestHandler):
    """Breaks off its first answer to /cut in the middle, and answers the first two requests for /busy with 503."""

    requests: list[tuple[str, str | None]] = []
    content = CONTENT

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.requests.append((self.path, asked))
        times = sum(path == self.path for path, _ in self.requests)
        if self.path == "/busy" and times <= 2:
            self.send_error(503)
        elif self.path == "/gone":
            self.send_error(404)
        else:
            start = int(asked[6:-1]) if asked else 0
            self.send_response(206 if asked else 200)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", str(len(self.content) - start))
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
            self.end_headers()
            cut = len(self.content) // 2 if self.path == "/cut" and times == 1 else len(self.content)
            self.wfile.write(self.content[start:cut])
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Server.requests = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_interrupted_download_continues_where_it_stopped(project: Path, server: str) -> None:
    file = download_http(f"{server}/cut", None, pause_s=0)
    assert file.path.read_bytes() == CONTENT
    assert [asked is not None for _, asked in Server.requests] == [False, True]
    download_http(f"{server}/cut", None)
    assert len(Server.requests) == 2


def test_what_was_downloaded_is_recorded_beside_the_shards(
    project: Path, tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {
        "kind": "http",
        "urls": {f"{server}/{n}/x.txt?raw=1": None for n in "ab"},
        "format": "text",
        "license": "MIT",
    }
    params = parse_section("fetch.s", {"origins": [entry]}, OriginsParams)
    monkeypatch.setattr(Server, "content", b"a text")
    assert fetch_source("s", params, tmp_path / "out").kept == 2  # equal names at two addresses are two files
    recorded = json.loads((tmp_path / "out" / "files.json").read_text())
    sha256 = hashlib.sha256(b"a text").hexdigest()
    assert recorded == [{"url": f"{server}/{n}/x.txt?raw=1", "bytes": 6, "etag": '"1"', "sha256": sha256} for n in "ab"]


@pytest.mark.parametrize("name", ["record.json", ".lock", "files"])
def test_a_file_may_have_a_name_that_downloads_use_themselves(
    project: Path, tmp_path: Path, server: str, name: str
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / name).write_bytes(CONTENT)
    for _ in range(2):  # first downloaded, then found in the scratch folder
        file = download_http(f"{server}/{name}", None)
        stored = list_store(f"file://{tmp_path}/store/{name}", {})[0].download()
        assert file.path.read_bytes() == stored.path.read_bytes() == CONTENT
        assert (file.path.name, stored.path.name) == (name, name)
        assert (file.etag, file.sha256) == ('"1"', stored.sha256)
    assert len(Server.requests) == 1


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(project: Path, server: str) -> None:
    assert download_http(f"{server}/busy", None, pause_s=0).path.read_bytes() == CONTENT
    with pytest.raises(InputError, match="/gone: refused with status 404"):
        download_http(f"{server}/gone", None, pause_s=0)
    assert sum(path == "/gone" for path, _ in Server.requests) == 1


def test_a_wrong_checksum_is_refused(project: Path, server: str) -> None:
    with pytest.raises(InputError, match="sha256 is .* params say 00"):
        download_http(f"{server}/x", "00", pause_s=0)
    assert not list(Path(project.parent / "scratch").rglob("x"))


def test_a_dead_server_is_one_clear_line(project: Path) -> None:
    with pytest.raises(InputError, match="http://127.0.0.1:9/x: ConnectError.*2 times"):
        download_http("http://127.0.0.1:9/x", None, attempts=2, pause_s=0)


def test_fsspec_addresses_are_downloaded_whole_and_a_missing_one_is_an_error(project: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    for name in ("b", "a"):
        (tmp_path / "store" / f"{name}.bin").write_bytes(CONTENT)
    files = [file.download() for file in list_store(f"file://{tmp_path}/store/*.bin", {})]
    assert [f.path.name for f in files] == ["a.bin", "b.bin"] and files[0].path.read_bytes() == CONTENT
    with pytest.raises(InputError, match=r"none\*: no such file"):
        list_store(f"file://{tmp_path}/store/none*", {})
