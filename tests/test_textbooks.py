"""PDFs to documents: bad ones are named, pages are cleaned, nothing else is lost."""

from pathlib import Path

import pyarrow as pa
import pytest
from fpdf import FPDF

from mathcode_pile.documents import FILE
from mathcode_pile.ocr import cut_repetition
from mathcode_pile.shards import ShardWriter, read_rows
from mathcode_pile.textbooks import ExtractTextbooksParams, extract_textbooks, join_pages, read_pdf

PARAMS = ExtractTextbooksParams(min_characters_per_page=200, max_line_share=0.5, timeout_s=30, ocr="none")


def make_pdf(pages: list[str], password: str = "") -> bytes:
    pdf = FPDF()
    pdf.set_font("Helvetica", size=11)
    if password:
        pdf.set_encryption(owner_password=password + "o", user_password=password)
    for number, text in enumerate(pages, start=1):
        pdf.add_page()
        pdf.multi_cell(0, 6, f"Practice in Sums, page {number}\n{text}")
    return bytes(pdf.output())


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
    rows = [
        {"id": i, "content": c, "source": "t", "url": "", "license": "MIT", "metadata": "{}"} for i, c in files.items()
    ]
    with ShardWriter(tmp_path / "in" / "part-00000.parquet", FILE) as writer:
        writer.write(pa.RecordBatch.from_pylist(rows, FILE))
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


def test_a_reader_that_hangs_costs_its_book_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    from mathcode_pile import textbooks

    monkeypatch.setattr(textbooks, "_send_pages", lambda content, sender: time.sleep(60))
    assert read_pdf(b"", timeout_s=0.2).reason == "timeout"
    monkeypatch.setattr(textbooks, "_send_pages", lambda content, sender: __import__("os")._exit(3))
    assert read_pdf(b"", timeout_s=5).reason == "crashed"


def test_hyphens_at_line_ends_are_closed_and_page_numbers_removed() -> None:
    pages = [f"Title\n{w} begins\nevery inte-\ngral is a well-known sum\n{w} ends\n{n}" for n, w in enumerate("abcdef")]
    text = join_pages(pages, 0.5)
    assert text.count("every integral") == 6 and "well-known" in text and "Title" not in text
    assert not any(line.isdigit() for line in text.splitlines())


def test_only_the_repeated_tail_of_a_page_is_cut() -> None:
    assert cut_repetition("A proof.\n\nSo it is.\nSo it is.\n") == "A proof.\n\nSo it is.\nSo it is.\n"
    assert cut_repetition("A proof.\n" + "again\n" * 50) == "A proof.\n"
