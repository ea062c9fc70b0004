"""Turn PDFs into documents: drop damaged, encrypted and duplicate ones, read the text layer or use OCR, clean up."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pydantic import Field

from mathcode_pile.core.documents import DOCUMENT, encode_metadata
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.funnel import DropReason, Funnel, Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import count_rows, count_shard, list_shards, read_batches
from stages.extract_textbooks.ocr import Ocr, load_ocr
from stages.extract_textbooks.pdf import UnreadablePdfError, read_text_layer
from stages.extract_textbooks.reasons import Reason


class ExtractTextbooksParams(Section):
    """When a text layer is good enough, and what reads the pages of the other books."""

    min_characters_per_page: int = Field(ge=0)
    max_line_share: float = Field(ge=0, le=1)
    timeout_s: float = Field(gt=0)
    ocr: str
    """none, or the folder or hub id of a nougat model."""
    ocr_revision: str | None = None
    max_pages_lost_share: float = Field(ge=0, le=1)
    """A book is dropped if OCR loses more than this share of its pages."""


class Book(NamedTuple):  # what became of one PDF
    text: str
    reason: DropReason | None = None
    """Why it is dropped; None where it is kept."""
    detail: str = ""
    lost: dict[int, DropReason] = {}
    """The pages, counted from 1, that OCR lost, and why."""


def extract_textbooks(folder: Path, out: Path, params: ExtractTextbooksParams) -> Report:
    """Write the text of the PDFs in a folder's shards (FILE records) as documents.

    Where OCR lost pages of a book, the book's metadata names them in `pages_lost`; the report counts them.
    """
    duplicates = _find_duplicates(folder)
    ocr = load_ocr(params.ocr, params.ocr_revision) if params.ocr != "none" and count_rows(folder) else None
    work = partial(_extract_shard, params=params, duplicates=duplicates, ocr=ocr)
    key = [params.model_dump(), sorted(duplicates.items()), ocr.fingerprint if ocr else None]
    return map_folder("extract_textbooks", work, folder, out, key, place="workers" if ocr is None else "gpu")


def _find_duplicates(folder: Path) -> dict[str, str]:
    """Return the id of each PDF that has the same bytes as an earlier one, with the earlier one's id."""
    first: dict[bytes, str] = {}
    duplicates: dict[str, str] = {}
    for shard in filter(count_shard, list_shards(folder)):  # a source that is left out has a shard without rows
        for batch in read_batches(shard, ["id", "content"]):
            for identity, content in zip(batch["id"].to_pylist(), batch["content"], strict=True):
                digest = hashlib.blake2b(content.as_buffer(), digest_size=16).digest()
                if first.setdefault(digest, identity) != identity:
                    duplicates[identity] = first[digest]
    return duplicates


def _extract_shard(
    shard: Path, folder: Path, params: ExtractTextbooksParams, duplicates: dict[str, str], ocr: Ocr | None
) -> Report:
    with Funnel.of_shard(folder, DOCUMENT) as funnel:
        for batch in funnel.read(shard):
            for row in range(batch.num_rows):
                record = {name: batch[name][row].as_py() for name in batch.schema.names}
                with funnel.guarding(record["id"]):
                    book = _read_book(record["id"], record.pop("content"), params, duplicates, ocr)
                    funnel.report.counts["pages_lost"] += len(book.lost)
                    if book.reason:
                        funnel.drop(record["id"], book.reason, book.detail)
                        continue
                    if book.lost:
                        record["metadata"] = _add_metadata(record["metadata"], pages_lost=book.lost)
                    funnel.keep(pa.RecordBatch.from_pylist([record | {"text": book.text}], DOCUMENT))
    return funnel.report


def _read_book(
    identity: str, content: bytes, params: ExtractTextbooksParams, duplicates: dict[str, str], ocr: Ocr | None
) -> Book:
    if identity in duplicates:
        return Book("", Reason.DUPLICATE_FILE, f"same bytes as {duplicates[identity]}")
    try:
        pages = read_text_layer(content, params.timeout_s)
    except UnreadablePdfError as error:
        return Book("", error.reason, error.detail)
    lost: dict[int, DropReason] = {}
    if sum(map(len, pages)) < params.min_characters_per_page * len(pages):
        if ocr is None:
            return Book("", Reason.NO_TEXT_LAYER, f"{sum(map(len, pages))} characters on {len(pages)} pages")
        pages, lost = ocr.read_pages(content, len(pages), params.timeout_s)
        if len(lost) > params.max_pages_lost_share * len(pages):
            why = ", ".join(f"{reason} {count}" for reason, count in sorted(Counter(lost.values()).items()))
            return Book("", Reason.PAGES_LOST, f"{len(lost)} of {len(pages)} pages: {why}", lost)
    text = join_pages(pages, params.max_line_share)
    if not text.strip():
        return Book("", Reason.NO_TEXT, "nothing left after cleaning", lost)
    return Book(text, lost=lost)


def _add_metadata(metadata: str, **more: object) -> str:
    return encode_metadata(**(json.loads(metadata) | more))


def join_pages(pages: Sequence[str], max_line_share: float) -> str:
    """Return the text of a book without running heads, feet and page numbers; words hyphenated at line ends are joined.

    A page that has nothing else is left out.
    """
    split = [[line.strip() for line in page.replace("\r", "").split("\n") if line.strip()] for page in pages]
    # Running heads differ only in the numbers of pages and chapters, so digits are masked.
    seen = Counter(shape for lines in split for shape in {_shape(line) for line in _edges(lines)})
    running = {shape for shape, count in seen.items() if len(pages) >= 3 and count > max_line_share * len(pages)}
    kept = ["\n".join(_without_running_lines(lines, running)) for lines in split]
    text = "\n\n".join(page for page in kept if page)
    text = text.replace("\ufffe", "-").replace("\x02", "-")  # how pdfium marks a hyphen at the end of a line
    text = re.sub(r"(?<=[a-z])-\n+(?=[a-z])", "", text)
    return re.sub(r"[\x00-\x08\x0b-\x1f]", "", text)


# A running head or foot is one of this many lines at either end of a page.
EDGE_LINES = 2


def _edges(lines: list[str]) -> list[str]:
    return lines[:EDGE_LINES] + lines[EDGE_LINES:][-EDGE_LINES:]


def _without_running_lines(lines: list[str], running: set[str]) -> list[str]:
    last = len(lines) - EDGE_LINES
    return [
        line
        for number, line in enumerate(lines)
        if not ((number < EDGE_LINES or number >= last) and _shape(line) in running)
    ]


def _shape(line: str) -> str:
    """Return a line with each number masked: a page number alone has the shape `#`."""
    return re.sub(r"\d+", "#", line)
