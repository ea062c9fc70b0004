"""PDFs become documents: each bad PDF is a named drop, pages are cleaned, nothing else is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT
from fpdf import FPDF
from small_nougat import make_nougat, make_scan

from mathcode_pile.core.documents import FILE
from mathcode_pile.core.errors import InputError, PipelineError
from mathcode_pile.core.scratch import hash_folder
from mathcode_pile.core.shards import ShardWriter, read_rows
from stages.extract_textbooks import ocr, pages, pdf
from stages.extract_textbooks.ocr import clean_page
from stages.extract_textbooks.pdf import UnreadablePdfError, read_text_layer
from stages.extract_textbooks.reasons import Reason
from stages.extract_textbooks.stage import ExtractTextbooksParams, extract_textbooks

PARAMS = ExtractTextbooksParams(
    reader="text", min_characters_per_page=200, max_line_share=0.5, timeout_s=30, ocr="none", max_pages_lost_share=0.05
)


def make_pdf(pages: list[str], password: str = "") -> bytes:
    pdf = FPDF()
    pdf.set_font("Helvetica", size=11)
    if password:
        pdf.set_encryption(owner_password=password + "o", user_password=password)
    for number, text in enumerate(pages, start=1):
        pdf.add_page()
        pdf.multi_cell(0, 6, f"Practice in Sums, page {number}\n{text}")
    return bytes(pdf.output())


def write_books(folder: Path, **books: bytes) -> Path:
    fields = {"source": "t", "url": "", "license": "MIT", "metadata": "{}"}
    with ShardWriter(folder / "part-00000.parquet", FILE) as writer:
        writer.write_rows([fields | {"id": name, "content": content} for name, content in books.items()])
    return folder


LONG = "The sum of the first hundred whole numbers is found by pairing the ends. " * 5


def test_each_kind_of_bad_pdf_is_a_named_drop(tmp_path: Path, project: Path) -> None:
    good = make_pdf(
        [
            f"{word} is how it begins. {LONG} " + f"So says {word}, at length and again {word}. " * 4
            for word in ("Here", "There", "Now", "Then")
        ]
    )
    files = {
        "good": good,
        "same": good,
        "half": good[: len(good) // 2],
        "locked": make_pdf([LONG], password="x"),
        "scan": make_pdf([""]),
        "empty": b"",
        "text": b"no PDF at all",
        "nul": b"\0" * 1000,
    }
    write_books(tmp_path / "in", **files)
    report = extract_textbooks(tmp_path / "in", tmp_path / "out", PARAMS)
    reasons = {row["id"]: row["reason"] for row in read_rows(tmp_path / "out" / "dropped")}
    assert reasons.pop("half") in ("damaged", "no_pages")
    assert reasons == {
        "same": "duplicate_file",
        "locked": "encrypted",
        "scan": "no_text_layer",
        "empty": "damaged",
        "text": "damaged",
        "nul": "damaged",
    }
    (book,) = read_rows(tmp_path / "out")
    assert report.kept == 1 and " ".join(book["text"].split()).count("first hundred") == 20
    assert "Practice in Sums" not in book["text"]


def test_a_reader_that_hangs_crashes_or_fills_memory_harms_no_other_book(monkeypatch: pytest.MonkeyPatch) -> None:
    for work, reason in [
        (lambda content: time.sleep(60), "timeout"),
        (lambda content: os._exit(3), "crashed"),
        (lambda content: bytearray(3 << 30), "crashed"),
    ]:
        monkeypatch.setattr(pdf, "_read_pages", work)
        with pytest.raises(UnreadablePdfError, match=reason):
            read_text_layer(b"", timeout_s=0.5 if reason == "timeout" else 30)


TAIL = "So it is.\nSo it is.\n"


@pytest.mark.parametrize(
    ("page", "kept"),
    [
        ("", ""),
        (f"A proof.\n\n{TAIL}", f"A proof.\n\n{TAIL}"),
        ("A proof.\n" + "again\n" * 50, "A proof."),
        ("A proof that " + "the sum of " * 300 + "the s", "A proof that"),
        ("A proof.\n\n" + "A line that is long enough.\n\n- another one\n" * 6, "A proof."),
        ("x" * 3000, ""),
        ("again\n" * 50 + "and then it ended.", "again\n" * 50 + "and then it ended."),
        ("One.\n\n[MISSING_PAGE_EMPTY:12]\n\nTwo.[MISSING_PAGE_POST]", "One.\n\n\n\nTwo."),
    ],
)
def test_only_the_repeated_tail_of_a_page_and_marks_of_missing_ones_are_cut(page: str, kept: str) -> None:
    assert clean_page(page) == kept


@pytest.fixture(scope="module")
def nougat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nougat")
    make_nougat(folder)
    return folder


def test_a_scanned_book_is_read_by_a_nougat_model(nougat: Path, tmp_path: Path, project: Path) -> None:
    books = write_books(tmp_path / "in", scan=make_scan(3), typed=make_pdf([LONG]))
    params = PARAMS.model_copy(update={"ocr": str(nougat), "max_line_share": 1.0})
    report = extract_textbooks(books, tmp_path / "out", params)
    texts = {row["id"]: row["text"] for row in read_rows(tmp_path / "out")}
    assert report.kept == 2 and "first hundred" in texts["typed"]
    read = [path.read_text() for path in sorted((tmp_path / "scratch" / "ocr").rglob("*.md"))]
    assert len(read) == 3 and all(len(page) > 10 for page in read)
    assert texts["scan"].split("\n\n") == read
    changed = params.model_copy(update={"max_line_share": 0.9})
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "scratch" / "ocr").rglob("*.md")}
    extract_textbooks(books, tmp_path / "again", changed)
    assert written == {path: path.stat().st_mtime_ns for path in (tmp_path / "scratch" / "ocr").rglob("*.md")}


def test_pages_lost_in_ocr_are_counted_and_named_and_too_many_drop_the_book(
    nougat: Path, tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = pages.render_page

    def render_page(content: bytes, number: int, resolution: object, timeout_s: float) -> object:
        if number == 1 and timeout_s < 60:
            raise UnreadablePdfError(Reason.TIMEOUT, f"not read within {timeout_s:g} s")
        return draw(content, number, resolution, timeout_s)

    monkeypatch.setattr(pages, "render_page", render_page)
    books = write_books(tmp_path / "in", scan=make_scan(3))
    # The lost page changes its batch, and so perhaps the last bits of the other pages.
    params = PARAMS.model_copy(update={"ocr": str(nougat), "max_line_share": 1.0, "ocr_batch_pages": 1})
    ocr_counts = {"pages_lost": 1, "pages_ocr": 3}
    report = extract_textbooks(books, tmp_path / "out", params)
    assert report.to_metrics() == {"in": 1, "kept": 0, "dropped": 1, "reasons": "pages_lost 1", **ocr_counts}
    assert next(read_rows(tmp_path / "out/dropped"))["detail"] == "1 of 3 pages: timeout 1"

    lenient = params.model_copy(update={"max_pages_lost_share": 0.5})
    report = extract_textbooks(books, tmp_path / "out", lenient)
    assert report.to_metrics() == {"in": 1, "kept": 1, "dropped": 0, "reasons": "", **ocr_counts}
    (short,) = read_rows(tmp_path / "out")
    assert json.loads(short["metadata"]) == {"pages_lost": {"2": "timeout"}}

    report = extract_textbooks(books, tmp_path / "out", params.model_copy(update={"timeout_s": 60}))
    (whole,) = read_rows(tmp_path / "out")
    texts = whole["text"].split("\n\n")
    assert report.to_metrics() == {"in": 1, "kept": 1, "dropped": 0, "reasons": "", "pages_ocr": 3}
    assert whole["metadata"] == "{}"
    assert len(texts) == 3 and short["text"].split("\n\n") == [texts[0], texts[2]]


def test_a_book_whose_reader_was_killed_continues_at_its_next_page(nougat: Path, tmp_path: Path, project: Path) -> None:
    books = write_books(tmp_path / "in", scan=make_scan(40))
    params = (project / "profiles" / "sample.yaml").read_text()
    assert "ocr: none" in params
    (project / "profiles" / "sample.yaml").write_text(params.replace("ocr: none", f"ocr: {nougat}"))
    command = [sys.executable, "-m", "stages.extract_textbooks", str(books), "out", "--metrics", "metrics.json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def read() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "scratch").rglob("ocr/**/*.md")}

    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while len(read()) < 3 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = read()
    assert 3 <= len(before) < 40 and not (project / "metrics.json").exists()
    subprocess.run(command, env=environment, check=True)
    after = read()
    assert len(after) == 40 and before.items() <= after.items()
    assert json.loads((project / "metrics.json").read_text())["in"] == 1


def test_one_process_reads_with_the_model_however_many_workers_there_are(
    nougat: Path, tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load, readers = ocr._load_model, tmp_path / "readers"

    def load_model(model: str, revision: str | None, device: str) -> object:
        with readers.open("a") as file:
            file.write(f"{os.getpid()}\n")
        return load(model, revision, device)

    monkeypatch.setattr(ocr, "_load_model", load_model)
    for shard in range(3):
        write_books(tmp_path / str(shard), **{f"scan{shard}": make_scan(shard + 1)})
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / str(shard) / "part-00000.parquet").rename(tmp_path / "in" / f"part-{shard:05d}.parquet")
    params = PARAMS.model_copy(update={"ocr": str(nougat)})
    outs = []
    for workers in ("1", "4"):
        monkeypatch.setenv("MATHCODE_WORKERS", workers)
        monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / f"scratch{workers}"))
        assert extract_textbooks(tmp_path / "in", tmp_path / workers, params).kept == 3
        outs.append(hash_folder(tmp_path / workers))
        assert os.environ["MATHCODE_WORKERS"] == workers
    assert outs[0] == outs[1] and set(readers.read_text().split()) == {str(os.getpid())}


def test_several_devices_read_the_same_as_one(
    nougat: Path, tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = write_books(tmp_path / "in", one=make_scan(5), other=make_scan(3))
    params = PARAMS.model_copy(update={"ocr": str(nougat), "ocr_batch_pages": 2, "max_line_share": 1.0})
    texts = []
    for count in (1, 2):  # two processes, each with a device of its own: here, the CPU twice
        monkeypatch.setattr(ocr, "list_devices", lambda count=count: ["cpu"] * count)
        monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / f"scratch{count}"))
        assert extract_textbooks(books, tmp_path / str(count), params).counts["pages_ocr"] == 8
        texts.append([row["text"] for row in read_rows(tmp_path / str(count))])
    assert texts[0] == texts[1] and [len(text.split("\n\n")) for text in texts[0]] == [5, 3]


def test_a_gpu_too_small_for_the_model_is_one_line_that_says_what_to_do(
    nougat: Path, tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def fill_memory(model: str, revision: str | None, device: str) -> object:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee the documentation")

    monkeypatch.setattr(ocr, "_load_model", fill_memory)
    books = write_books(tmp_path / "in", scan=make_scan(1))
    with pytest.raises(PipelineError, match="extract_textbooks.ocr: the GPU has no memory left .*VISIBLE") as error:
        extract_textbooks(books, tmp_path / "out", PARAMS.model_copy(update={"ocr": str(nougat)}))
    assert "\n" not in str(error.value)


def test_a_folder_without_a_nougat_model_is_named(tmp_path: Path, project: Path) -> None:
    (tmp_path / "model").mkdir()
    books = write_books(tmp_path / "in", scan=make_scan(1))
    with pytest.raises(InputError, match="model is no nougat model") as error:
        extract_textbooks(books, tmp_path / "out", PARAMS.model_copy(update={"ocr": str(tmp_path / "model")}))
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="needs ocr_revision"):
        extract_textbooks(books, tmp_path / "out", PARAMS.model_copy(update={"ocr": "owner/nougat"}))
