"""WARC files, and files of HTML, become documents; everything else in a crawl is a counted drop."""

import gzip
import json
from pathlib import Path

import pytest
import yaml
import zstandard
from conftest import ROOT
from small_warc import Capture, to_record, to_warc

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.shards import read_rows
from stages.fetch.stage import OriginsParams, fetch_source

PAGE = b"<html><head><title>T</title></head><body><p>A page with x<sup>2</sup> in it.</p></body></html>"


def fetch(path: Path, out: Path, file_format: str = "warc") -> Report:
    origin = {"kind": "local", "path": str(path), "format": file_format, "license": "MIT"}
    return fetch_source("s", parse_section("fetch.s", {"origins": [origin]}, OriginsParams), out)


def test_pages_of_a_crawl_become_documents_and_the_rest_named_drops(tmp_path: Path) -> None:
    captures = [
        Capture("https://a.example/1", PAGE),
        Capture(
            "https://a.example/ask",
            b"GET / HTTP/1.1\r\n\r\n",
            "application/http; msgtype=request",
            record_type="request",
        ),
        Capture("https://a.example/x.pdf", b"%PDF", "application/pdf"),
        Capture("https://a.example/gone", PAGE, status="404 Not Found"),
        Capture("https://a.example/moved", b"", status="301 Moved Permanently"),
        Capture("https://a.example/empty", b"<html></html>"),
        Capture("https://a.example/2", "<p>Größe</p>".encode("cp1252"), "text/html; charset=ISO-8859-1"),
        Capture("https://a.example/file", PAGE, "text/html", record_type="resource"),
    ]
    (tmp_path / "crawl.warc.gz").write_bytes(to_warc(captures))
    report = fetch(tmp_path / "crawl.warc.gz", tmp_path / "out")
    assert (report.read, report.kept) == (7, 3)
    assert dict(report.dropped) == {"not_html": 3, "no_main_text": 1}
    rows = {row["url"]: row for row in read_rows(tmp_path / "out")}
    assert rows["https://a.example/1"]["text"] == "A page with x^2 in it."
    assert rows["https://a.example/2"]["text"] == "Größe"
    metadata = json.loads(rows["https://a.example/file"]["metadata"])
    assert metadata == {"crawled": "2026-01-15T12:00:00Z", "title": "T", "formulas": 0, "formulas_unread": 0}
    details = [row["detail"] for row in read_rows(tmp_path / "out" / "dropped")]
    assert any("https://a.example/x.pdf: application/pdf" in detail for detail in details)


def test_an_answer_in_gzip_is_decoded_and_a_damaged_one_is_one_drop(tmp_path: Path) -> None:
    def coded(body: bytes) -> bytes:
        kind = "text/html\r\nContent-Encoding: gzip"
        return gzip.compress(to_record(Capture("https://a.example/z", body, kind), len(body)))

    whole = to_warc([Capture("https://a.example/1", PAGE)])
    (tmp_path / "x.warc.gz").write_bytes(coded(gzip.compress(PAGE, mtime=0)) + coded(b"no gzip at all") + whole)
    report = fetch(tmp_path / "x.warc.gz", tmp_path / "out")
    assert (report.read, report.kept, dict(report.dropped)) == (3, 2, {"not_html": 1})


def to_zstd(warc: bytes, trained: bool, packed: bool) -> bytes:
    """Return a WARC file compressed record by record with zstd, with its dictionary in front or without one."""
    records = [b"WARC/1.0" + part for part in gzip.decompress(warc).split(b"WARC/1.0")[1:]]
    made = zstandard.train_dictionary(2000, [record + bytes([n]) for n in range(60) for record in records])
    content = made.as_bytes()
    content = zstandard.ZstdCompressor().compress(content) if packed else content
    head = b"\x5d\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content if trained else b""
    compressor = zstandard.ZstdCompressor(dict_data=made if trained else None)
    return head + b"".join(compressor.compress(record) for record in records)


@pytest.mark.parametrize(("trained", "packed"), [(False, False), (True, False), (True, True)])
def test_a_file_in_zstd_is_read_with_its_own_dictionary(tmp_path: Path, trained: bool, packed: bool) -> None:
    pages = [Capture(f"https://a.example/{n}", PAGE.replace(b"A page", b"Page %d" % n)) for n in range(30)]
    content = to_zstd(to_warc(pages), trained, packed)
    path = tmp_path / "x.warc.zst"
    path.write_bytes(content)
    assert fetch(path, tmp_path / "out").kept == 30
    assert next(read_rows(tmp_path / "out"))["text"] == "Page 0 with x^2 in it."
    for cut in (len(content) - 3, len(content) // 2):
        path.write_bytes(content[:cut])
        with pytest.raises(InputError, match=r"x\.warc\.zst: not a readable WARC file: .*middle of a zstd frame"):
            fetch(path, tmp_path / "cut")
    path.write_bytes(content[:-30] + bytes(30))
    with pytest.raises(InputError, match=r"x\.warc\.zst: not a readable zstd file"):
        fetch(path, tmp_path / "damaged")


@pytest.mark.parametrize("cut", [0.5, 0.9])
@pytest.mark.parametrize("name", ["x.warc", "x.warc.gz"])
def test_a_file_that_was_cut_or_is_no_warc_is_an_error_that_names_it(tmp_path: Path, name: str, cut: float) -> None:
    whole = to_warc([Capture(f"https://a.example/{n}", PAGE * 20) for n in range(4)])
    content = gzip.decompress(whole) if name == "x.warc" else whole
    path = tmp_path / name
    path.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(InputError, match=r"x\.warc(\.gz)?: not a readable WARC file"):
        fetch(path, tmp_path / "out")
    path.write_bytes(gzip.compress(PAGE) if name.endswith("gz") else PAGE)
    with pytest.raises(InputError, match=r"x\.warc(\.gz)?: not a readable WARC file"):
        fetch(path, tmp_path / "other")


def test_files_of_html_are_documents(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(PAGE)
    (tmp_path / "b.htm").write_bytes(b"<html></html>")
    report = fetch(tmp_path, tmp_path / "out", "html")
    assert (report.kept, dict(report.dropped)) == (1, {"no_main_text": 1})
    (row,) = read_rows(tmp_path / "out")
    assert json.loads(row["metadata"]) == {"path": "a.html", "title": "T", "formulas": 0, "formulas_unread": 0}


def test_the_sample_crawl_is_made_of_its_pages() -> None:
    folder = ROOT / "sample" / "html"
    pages = sorted((folder / "crawl").glob("*.html"))
    made = to_warc([Capture(f"https://www.example.org/{path.stem}", path.read_bytes()) for path in pages])
    assert gzip.decompress((folder / "crawl.warc.gz").read_bytes()) == gzip.decompress(made)


def test_the_pages_of_the_sample_are_documents_of_its_crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    profile = yaml.safe_load((ROOT / "profiles" / "sample.yaml").read_text())
    origins = [origin for origin in profile["fetch"]["cc_en"]["origins"] if origin.get("format") in ("html", "warc")]
    report = fetch_source("cc_en", parse_section("fetch.s", {"origins": origins}, OriginsParams), tmp_path / "out")
    assert (report.read, report.kept) == (12, 12)
    metadata = [json.loads(row["metadata"]) for row in read_rows(tmp_path / "out")]
    assert sum(row["formulas"] > 0 for row in metadata) >= 6
    assert sum(row["formulas_unread"] for row in metadata) == 0
