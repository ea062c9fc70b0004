"""Malformed input gives one clear line that names the file, or a counted drop, in every reader; never a traceback."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from conftest import ROOT

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.shards import read_rows
from mathcode_pile.downloads.download import bring, download_http
from mathcode_pile.sources import formats, json_array, records
from stages.extract_textbooks.stage import ExtractTextbooksParams, extract_textbooks
from stages.fetch.stage import OriginsParams, fetch_source
from stages.filter_code.stage import filter_code

LINES = b'{"id": "a", "text": "one"}\n{"id": "b", "text": "two"}\n'


def parquet(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


def arrow(table: pa.Table, as_file: bool = False) -> bytes:
    sink = pa.BufferOutputStream()
    with (pa.ipc.new_file if as_file else pa.ipc.new_stream)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def texts(values: list[Any], kind: pa.DataType | None = None) -> pa.Table:
    return pa.table({"text": pa.array(values, kind or pa.string())})


def not_utf8(values: list[bytes]) -> pa.Table:
    """A table of strings that are not UTF-8."""
    raw = pa.array(values, pa.binary())
    return pa.table({"text": pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())})


def outside_offsets() -> pa.Table:
    buffers = [None, pa.py_buffer(b"\0\0\0\0\xff\xff\xff\x7f\x10\0\0\0"), pa.py_buffer(b"x" * 16)]
    return pa.table({"text": pa.Array.from_buffers(pa.string(), 2, buffers)})


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


MANY = parquet(texts([f"text number {n}" for n in range(5000)]), compression="zstd")
TWINS = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
DEEP = b"[" * 100_000

# A file's name, its content, and what the error says besides the name.
BROKEN_FILES: list[tuple[str, bytes, str]] = [
    ("empty.parquet", b"", "not a readable parquet file"),
    ("magic.parquet", b"PAR1", "not a readable parquet file"),
    ("text.parquet", b"PAR1 and then some words of text PAR1", "not a readable parquet file"),
    ("cut.parquet", MANY[:-200], "not a readable parquet file"),
    ("headless.parquet", MANY[1000:], "not a readable parquet file"),
    ("flipped.parquet", flipped(MANY, 5), "not a readable parquet file"),
    ("footer.parquet", MANY[:-8] + b"\xff\xff\xff\x7fPAR1", "not a readable parquet file"),
    ("twins.parquet", parquet(TWINS), "two columns are named 'text'"),
    ("nul.parquet", b"\0" * 1000, "not a readable parquet file"),
    ("empty.arrow", b"", "not a readable arrow file"),
    ("magic.arrow", b"ARROW1\0\0", "not a readable arrow file"),
    ("text.arrow", b"no arrow at all, but words", "not a readable arrow file"),
    ("cutfile.arrow", arrow(texts(["x" * 100] * 500), as_file=True)[:-300], "not a readable arrow file"),
    ("cutstream.arrow", arrow(texts(["x" * 100] * 500))[:20_000], "not a readable arrow file"),
    ("offsets.arrow", arrow(outside_offsets()), "not a readable arrow file"),
    ("twins.arrow", arrow(TWINS), "two columns are named 'text'"),
    ("empty.jsonl.gz", b"", "it is empty, which a compressed file never is"),
    ("plain.jsonl.gz", LINES, "not a readable jsonl file"),
    ("cut.jsonl.gz", gzip.compress(LINES * 1000, mtime=0)[:60], "not a readable jsonl file"),
    ("flipped.jsonl.gz", flipped(gzip.compress(LINES * 9, mtime=0), -6 % 60), "not a readable jsonl file"),
    ("tail.jsonl.gz", gzip.compress(LINES, mtime=0) + b"more", "not a readable jsonl file"),
    ("empty.jsonl.zst", b"", "it is empty, which a compressed file never is"),
    ("plain.jsonl.zst", LINES, "not a readable jsonl file"),
    ("cut.jsonl.zst", zstandard.compress(LINES * 100)[:-9], "not a readable jsonl file"),
    ("latin.csv", b"text\n\xe9t\xe9\n", "not a readable csv file"),
    ("quote.csv", b'text,id\n"unclosed,1\nx,2\n', "not a readable csv file"),
    ("twins.csv", b"text,text\na,b\n", "two columns are named 'text'"),
    ("cut.json", b'[{"text": "one"}, {"text": "tw', "cut.json: not a readable array in JSON: record 2"),
    ("tail.json", b'[\n{"text": "one"}]\n{"text": "two"}', "text follows its end"),
    ("latin.json", b'[\n{"text": "\xe9"}]', "not a readable jsonl file"),
]
FORMATS = {"gz": "jsonl", "zst": "jsonl", "json": "jsonl"}


@pytest.mark.parametrize(("name", "content", "message"), BROKEN_FILES, ids=[name for name, _, _ in BROKEN_FILES])
def test_a_broken_file_is_one_line_that_names_it(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    suffix = name.rsplit(".", 1)[1]
    with pytest.raises(InputError, match=f"(?=.*{name}).*(?:{message})") as error:
        fetch(tmp_path, FORMATS.get(suffix, suffix))
    assert "\n" not in str(error.value) and len(str(error.value)) < 500
    assert not list((tmp_path / "out").rglob("part-*"))


def fetch(folder: Path, file_format: str, **values: Any) -> Any:
    entry = {"kind": "local", "path": str(folder), "format": file_format, "license": "MIT"} | values
    return fetch_source("s", parse_section("fetch.s", {"origins": [entry]}, OriginsParams), folder / "out")


def line(**values: Any) -> bytes:
    return json.dumps(values).encode()


# A file's name, its content and its drops. Another file beside it has a row that is kept.
BAD_RECORDS: list[tuple[str, bytes, dict[str, int]]] = [
    ("null.parquet", parquet(texts(["good", None, "", "  "])), {"no_text": 3}),
    ("number.parquet", parquet(texts([1, 2], pa.int64())), {"no_text": 2}),
    ("bytes.parquet", parquet(texts([b"a"], pa.binary())), {"no_text": 1}),
    ("struct.parquet", parquet(texts([{"a": "x"}], pa.struct([("a", pa.string())]))), {"no_text": 1}),
    ("other.parquet", parquet(pa.table({"words": ["x"]})), {"no_text": 1}),
    ("latin.parquet", parquet(not_utf8([b"good", b"\xe9t\xe9", b"fine"])), {"invalid_utf8": 1}),
    ("nul.parquet", parquet(texts(["a\0b", "good"])), {"nul_character": 1}),
    ("none.parquet", parquet(texts([])), {}),
    (
        "year.parquet",
        parquet(pa.table({"text": ["x", "y"], "day": pa.array([10**15, 0], pa.timestamp("ms"))})),
        {"unreadable_value": 1},
    ),
    ("latin.arrow", arrow(not_utf8([b"good", b"\xff", b"fine"])), {"invalid_utf8": 1}),
    ("null.arrow", arrow(texts(["good", None]), as_file=True), {"no_text": 1}),
    ("kinds.jsonl", b'[1]\n"text"\n3\nnull\ntrue\n' + LINES, {"not_json": 5}),
    ("half.jsonl", LINES + b'{"text": "cut', {"not_json": 1}),
    ("deep.jsonl", DEEP + b"\n" + LINES, {"not_json": 1}),
    ("nested.jsonl", b'{"text": "x", "a": ' + b"[" * 80 + b"]" * 80 + b"}\n" + LINES, {"unreadable_metadata": 1}),
    ("number.jsonl", b'{"text": "x", "n": ' + b"1" * 5000 + b"}\n" + LINES, {"not_json": 1}),
    ("latin.jsonl", b'{"text": "\xe9"}\n' + LINES, {"invalid_utf8": 1}),
    ("wide.jsonl", '{"text": "x"}\n'.encode("utf-16") + b"\n" + LINES, {"invalid_utf8": 1, "not_json": 1}),
    ("surrogate.jsonl", line(text="\ud800") + b"\n" + LINES, {"invalid_utf8": 1}),
    ("nul.jsonl", line(text="a\0b") + b"\n\0\0\0\n" + LINES, {"nul_character": 1, "not_json": 1}),
    ("same.jsonl", LINES + LINES, {"same_id": 2}),
    ("object.jsonl", line(text={"a": 1}) + b"\n" + line(text=["a"]) + b"\n" + LINES, {"no_text": 2}),
    ("binary.json", bytes(range(128, 256)) * 50 + b"\n" + LINES, {"invalid_utf8": 1}),
    ("array.json", b'[{"text": "x"}, 3, {"text": null}, ["text"]]', {"not_json": 2, "no_text": 1}),
    ("lines.json", b'["text"]\n[{"text": "x"}]\n' + LINES, {"not_json": 2}),
    ("columns.csv", b"text,id\na,1\nb\nc,2,3\n\nd,4\n", {"wrong_column_count": 2}),
    ("header.csv", b"text,id\n", {}),
    ("blank.csv", b"text,id\n,1\nx,2\n", {"no_text": 1}),
    ("latin.txt", b"\xe9t\xe9", {"invalid_utf8": 1}),
    ("nul.txt", b"a\0b", {"nul_character": 1}),
    ("blank.txt", b" \n\t", {"no_text": 1}),
    ("empty.txt", b"", {"no_text": 1}),
    ("yaml.md", b"---\ntitle: [T\n---\nBody", {"unreadable_front_matter": 1}),
    ("date.md", b"---\nday: 2020-13-45\n---\nBody", {"unreadable_front_matter": 1}),
    ("deep.md", b"---\na: " + DEEP + b"\n---\nBody", {"unreadable_front_matter": 1}),
    ("nested.md", b"---\na: " + b"[" * 60 + b"]" * 60 + b"\n---\nBody", {"unreadable_front_matter": 1}),
    ("alias.md", b"---\na: &a [x]\nb: &b [*a, *a]\nc: [*b]\n---\nBody", {"unreadable_front_matter": 1}),
    ("only.md", b"---\ntitle: T\n---\n\n", {"no_text": 1}),
    ("latin.ipynb", b"\xff\xfe{", {"invalid_utf8": 1}),
    ("nul.ipynb", b"\0" * 100, {"nul_character": 1}),
]


@pytest.mark.parametrize(("name", "content", "drops"), BAD_RECORDS, ids=[name for name, _, _ in BAD_RECORDS])
def test_a_bad_record_is_a_counted_drop_that_is_named(
    tmp_path: Path, name: str, content: bytes, drops: dict[str, int]
) -> None:
    suffix = name.rsplit(".", 1)[1]
    good = {"parquet": parquet(texts(["good"])), "arrow": arrow(texts(["good"])), "csv": b"text\ngood\n"}
    (tmp_path / f"a_good.{suffix}").write_bytes(good.get(suffix, line(text="good")))
    (tmp_path / name).write_bytes(content)
    kinds = {"md": "markdown", "txt": "text", "json": "jsonl", "ipynb": "notebook"}
    report = fetch(tmp_path, kinds.get(suffix, suffix))
    assert dict(report.dropped) == drops
    assert report.kept >= 1 and report.read == report.kept + sum(drops.values())
    if drops:
        details = [row["detail"] for row in read_rows(tmp_path / "out" / "dropped")]
        assert len(details) == sum(drops.values()) and all(name in detail for detail in details)


def test_records_without_faults_are_kept_whatever_their_other_columns_hold(tmp_path: Path) -> None:
    rows = [
        b"\xef\xbb\xbf" + line(text="a mark of byte order before the first"),
        b'{"text": "no numbers", "a": NaN, "b": [Infinity], "c": 1e999}',
        line(text="lone", note="\ud83d"),
        line(text="x" * 50_000_000),
    ]
    (tmp_path / "x.jsonl").write_bytes(b"\r\n".join(rows))
    (tmp_path / "x.md").write_bytes(b"---\n1: one\n2020-01-01: {true: x}\nnan: .nan\n---\nBody")
    assert fetch(tmp_path, "jsonl").kept == 4
    found = list(read_rows(tmp_path / "out"))
    assert json.loads(found[1]["metadata"]) == {"a": None, "b": [None], "c": None}
    assert len(found[3]["text"]) == 50_000_000
    fetch(tmp_path, "markdown")
    (page,) = read_rows(tmp_path / "out")
    assert json.loads(page["metadata"])["2020-01-01"] == {"True": "x"}


@pytest.mark.parametrize(
    ("content", "title", "text"),
    [
        (b"\xef\xbb\xbf---\r\ntitle: T\r\n---\r\nA line.\r\n\r\nAnother.\r\n", "T", "A line.\n\nAnother.\n"),
        (b"\xef\xbb\xbf---\ntitle: T\n---\nBody", "T", "Body"),
        (b"--- \ntitle: T\n...\nBody", "T", "Body"),
        (b"---\ntitle: T\n---", "T", None),
        (b"---\n---\nBody", None, "Body"),
        # A rule at the beginning of a page:
        (b"---\n\nBody\n\n---\n\nMore", None, "---\n\nBody\n\n---\n\nMore"),
        (b"---\nBody without an end", None, "---\nBody without an end"),
        (b"---\r\n\r\ntitle: no front matter\r\n\r\n---\r\n", None, "---\n\ntitle: no front matter\n\n---\n"),
        (b"---\nSome words.\n---\nBody", None, "---\nSome words.\n---\nBody"),
        (b"---\n- a\n- b\n---\nBody", None, "---\n- a\n- b\n---\nBody"),
        (b"----\ntitle: T\n----\n", None, "----\ntitle: T\n----\n"),
    ],
)
def test_front_matter_is_told_from_a_rule(tmp_path: Path, content: bytes, title: str | None, text: str | None) -> None:
    (tmp_path / "good.md").write_text("good")
    (tmp_path / "x.md").write_bytes(content)
    fetch(tmp_path, "markdown")
    found = [row for row in read_rows(tmp_path / "out") if row["text"] != "good"]
    assert [row["text"] for row in found] == ([] if text is None else [text])
    assert all(json.loads(row["metadata"]).get("title") == title for row in found)


def test_ids_that_are_none_are_replaced_by_the_number_of_the_row(tmp_path: Path) -> None:
    numbers = pa.array([None, float("nan"), float("nan"), 4.0], pa.float64())
    (tmp_path / "x.parquet").write_bytes(parquet(texts(["a", "b", "c", "d"]).append_column("id", numbers)))
    assert fetch(tmp_path, "parquet").kept == 4
    words = ["nan", "NaN", "nan", "None", "null", "<NA>", " ", ""]
    (tmp_path / "x.csv").write_text("id,text\n" + "".join(f"{word},{n}\n" for n, word in enumerate(words)))
    assert fetch(tmp_path, "csv").kept == len(words)


@pytest.mark.parametrize("write", [parquet, arrow], ids=["parquet", "arrow"])
def test_times_in_a_time_zone_that_is_unknown_here_are_given_in_utc(tmp_path: Path, write: Any) -> None:
    mars = pa.timestamp("s", tz="Mars/Olympus_Mons")
    table = texts(["a", "b"]).append_column("day", pa.array([0, None], mars))
    table = table.append_column("all", pa.array([{"days": [60]}, None], pa.struct([("days", pa.list_(mars))])))
    table = table.append_column("named", pa.array([[("k", 0)], []], pa.map_(pa.string(), mars)))
    content = write(table)
    (tmp_path / f"x.{write.__name__}").write_bytes(content)
    assert fetch(tmp_path, write.__name__).kept == 2
    first = json.loads(next(read_rows(tmp_path / "out"))["metadata"])
    assert first["day"] == "1970-01-01 00:00:00+00:00"
    assert first["all"] == {"days": ["1970-01-01 00:01:00+00:00"]}


ARRAYS = [
    b'[{"text": "one"}, {"text": "two"}]',
    b'\xef\xbb\xbf[\n  {\n    "text": "one"\n  },\n  {\n    "text": "two"\n  }\n]\n',
    b'\r\n [{"text": "one"}\r\n,{"text": "two"}\r\n]',
    b'[\n{"text": "one"}\n{"text": "two"}\n]',
]


@pytest.mark.parametrize("suffix", ["json", "jsonl", "json.gz", "jsonl.zst"])
@pytest.mark.parametrize("content", ARRAYS, ids=range(len(ARRAYS)))
def test_a_file_that_is_one_array_is_read(tmp_path: Path, suffix: str, content: bytes) -> None:
    pack = {"gz": gzip.compress, "zst": zstandard.compress}.get(suffix.rpartition(".")[2], bytes)
    (tmp_path / f"x.{suffix}").write_bytes(pack(content))
    assert fetch(tmp_path, "jsonl").kept == 2
    assert [row["text"] for row in read_rows(tmp_path / "out")] == ["one", "two"]


def test_an_array_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_array, "CHUNK_BYTES", 3)
    values = [{"text": f"\N{EURO SIGN} {n} ]}}, [{{", "n": [n, 12345]} for n in range(50)]
    (tmp_path / "x.json").write_text(json.dumps([*values, 123456], ensure_ascii=False), encoding="utf-8")
    report = fetch(tmp_path, "jsonl")
    assert (report.kept, dict(report.dropped)) == (50, {"not_json": 1})
    assert [row["text"] for row in read_rows(tmp_path / "out")] == [value["text"] for value in values]


def test_a_mark_of_byte_order_before_a_notebook_is_no_part_of_it(tmp_path: Path, project: Path) -> None:
    notebook = {"nbformat": 4, "cells": [{"cell_type": "code", "source": ["import sympy\n", "sympy.pi"]}]}
    (tmp_path / "x.ipynb").write_bytes(b"\xef\xbb\xbf" + json.dumps(notebook).encode())
    fetch(tmp_path, "notebook")
    assert filter_code(tmp_path / "out", tmp_path / "kept", ["sympy"], "notebook").kept == 1


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.txt", "x.pdf"])
def test_what_is_too_large_to_hold_is_a_named_drop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(records, "MAX_RECORD_BYTES", 1000)
    monkeypatch.setattr(formats, "MAX_RECORD_BYTES", 1000)
    content = line(text="x" * 5000) + b"\n" + LINES if "jsonl" in name else b"x" * 5000
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (tmp_path / f"good.{name.split('.', 1)[1]}").write_bytes(gzip.compress(LINES) if name.endswith("gz") else LINES)
    report = fetch(tmp_path, {"txt": "text", "pdf": "pdf"}.get(name[2:], "jsonl"))
    assert dict(report.dropped) == {"too_large": 1} and report.kept >= 1


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_small_file_that_expands_to_a_gigabyte_needs_no_more_memory_than_a_record(
    tmp_path: Path, project: Path, suffix: str
) -> None:
    block, count = b"\0" * (1 << 24), 80  # 1.3 GB without an end of line
    if suffix == "gz":
        with gzip.open(tmp_path / "x.jsonl.gz", "wb", compresslevel=1) as file:
            for _ in range(count):
                file.write(block)
            file.write(b"\n" + LINES)
    else:
        with open(tmp_path / "x.jsonl.zst", "wb") as raw, zstandard.ZstdCompressor(level=1).stream_writer(raw) as out:
            for _ in range(count):
                out.write(block)
            out.write(b"\n" + LINES)
    assert (tmp_path / f"x.jsonl.{suffix}").stat().st_size < 20e6
    code = (
        "from pathlib import Path; from mathcode_pile.sources.records import read_records\n"
        f"rows = list(read_records(Path({str(tmp_path / 'x.jsonl')!r} + '.{suffix}'), 'x', 'jsonl'))\n"
        # Not ru_maxrss, which a process inherits from the one that started it.
        "peak = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]\n"
        "print(len(rows), rows[0].reason, peak)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    rows, reason, kilobytes = done.stdout.split()
    assert (rows, reason) == ("3", "too_large") and int(kilobytes) < 900_000


def lay(folder: Path, kind: str) -> None:
    place = folder / "x.txt"
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "memory":
        place.symlink_to("/proc/self/mem")
    else:
        place.symlink_to({"itself": place, "nowhere": folder / "gone"}[kind])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("folder", "no file that ends in .txt"),
        ("pipe", "no file that ends in .txt"),
        ("itself", "x.txt: a link that leads nowhere"),
        ("nowhere", "x.txt: a link that leads nowhere"),
        ("memory", "x.txt: cannot be read"),
    ],
)
def test_what_is_no_readable_file_is_named(tmp_path: Path, kind: str, message: str) -> None:
    lay(tmp_path, kind)
    with pytest.raises(InputError, match=message):
        fetch(tmp_path, "text")


def test_a_file_whose_name_is_not_utf8_is_a_document(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xe9.txt")).write_text("text")
    assert fetch(tmp_path, "text").kept == 1
    (page,) = read_rows(tmp_path / "out")
    assert json.loads(page["metadata"]) == {"path": "\\udce9.txt"}


def test_a_folder_that_contains_itself_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("text")
    (tmp_path / "again").symlink_to(tmp_path)
    assert fetch(tmp_path, "text").kept == 1


@pytest.mark.parametrize(
    "notebook",
    [
        "{",
        '{"cells": ' + "[" * 100_000,
        '{"cells": 5}',
        '{"worksheets": [5]}',
        '{"cells": [5, null, {"cell_type": "code"}, {"cell_type": "code", "source": 7, "outputs": [1, {"data": 2}]}]}',
        '{"cells": [{"cell_type": "code", "source": [null, {"a": 1}]}]}',
        "<jupyter_start>",
        "<jupyter_code><jupyter_code><jupyter_output>",
        "no notebook in any layout",
        "# In[1]:\n" + "(" * 100_000,
    ],
    ids=range(10),
)
def test_a_notebook_that_is_none_or_imports_nothing_is_a_named_drop(
    tmp_path: Path, project: Path, notebook: str
) -> None:
    (tmp_path / "x.ipynb").write_text(notebook)
    assert fetch(tmp_path, "notebook").kept == 1
    report = filter_code(tmp_path / "out", tmp_path / "kept", ["sympy"], "notebook")
    assert report.kept == 0 and set(report.dropped) <= {"not_a_notebook", "no_mathematical_import"}


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7",
        b"%PDF-1.7\n%%EOF",
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[2 0 R]/Count 1>>endobj\n"
        b"trailer<</Root 1 0 R>>",
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
        b"trailer<</Root 1 0 R>>",
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 99999>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 1e9 1e9]/Contents 4 0 R>>endobj\ntrailer<</Root 1 0 R>>",
        b"\xff\xd8\xff\xe0 a picture",
    ],
    ids=range(6),
)
def test_a_pdf_that_cannot_be_read_is_a_named_drop(tmp_path: Path, project: Path, content: bytes) -> None:
    (tmp_path / "x.pdf").write_bytes(content)
    fetch(tmp_path, "pdf")
    params = ExtractTextbooksParams(
        reader="text",
        min_characters_per_page=200,
        max_line_share=0.5,
        timeout_s=30,
        ocr="none",
        max_pages_lost_share=0.05,
    )
    report = extract_textbooks(tmp_path / "out", tmp_path / "read", params)
    assert report.kept == 0 and report.dropped.total() == 1


Answer = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return send


BODIES: dict[str, tuple[Answer, str]] = {
    "page.parquet": (answer(200, b"<html>Not found</html>"), "page.parquet: .*not a readable parquet file"),
    "short.jsonl": (answer(200, LINES, Content_Length="5000"), "RemoteProtocolError"),
    "none.jsonl": (answer(200, Content_Length="0"), "no documents in 0 records"),
    "chunked.jsonl": (answer(200, b"5\r\nabc", Transfer_Encoding="chunked"), "RemoteProtocolError"),
    "loop.jsonl": (answer(302, Location="/loop.jsonl"), "TooManyRedirects"),
    "elsewhere.jsonl": (answer(302, Location="ftp://127.0.0.1/x"), "not an address"),
    "nonsense.jsonl": (lambda handler: handler.wfile.write(b"nonsense\r\n"), "RemoteProtocolError"),
    "silence.jsonl": (lambda handler: None, "RemoteProtocolError"),
    "error.jsonl": (answer(500), "answered 500"),
    "teapot.jsonl": (answer(418), "answered 418"),
    "gone.jsonl": (answer(410), "refused with status 410"),
    "range.jsonl": (answer(206, LINES, Content_Range="bytes 7-60/61"), "another range than the one asked for"),
}


class Server(BaseHTTPRequestHandler):
    """Answers each address with its body."""

    def do_GET(self) -> None:
        BODIES[self.path[1:]][0](self)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_not_the_file_is_one_line(
    project: Path, tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    suffix = name.rsplit(".", 1)[1]
    entry = {"kind": "http", "urls": {f"{server}/{name}": None}, "format": suffix, "license": "MIT"}
    params = parse_section("fetch.s", {"origins": [entry]}, OriginsParams)
    with pytest.raises(InputError, match=BODIES[name][1]) as error:
        fetch_source("s", params, tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "out").rglob("part-*"))


@pytest.mark.parametrize("url", ["", "x", "http://", "http://[::1", "ftp://127.0.0.1/x", "http://127.0.0.1:99999/x"])
def test_what_is_no_address_is_one_line(project: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(InputError) as error:
        download_http(url, None)
    assert "\n" not in str(error.value)


def test_a_full_disk_is_one_line(tmp_path: Path, server: str) -> None:
    (tmp_path / "x.partial").symlink_to("/dev/full")
    BODIES["disk.jsonl"] = (answer(200, LINES * 1000), "")
    with pytest.raises(InputError, match="x.partial cannot be written: No space left on device"):
        bring(f"{server}/disk.jsonl", tmp_path / "x", lambda part: None)
