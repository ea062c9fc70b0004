"""Turn PDFs into documents: drop damaged, encrypted and duplicate ones, read the text layer or use OCR, clean up.

A text layer loses the form of formulas: x^2 arrives as x2. OCR writes them as LaTeX and takes much longer.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import tee
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import pyarrow as pa
from pydantic import Field, model_validator

from mathcode_pile.core.documents import DOCUMENT, encode_metadata
from mathcode_pile.core.engine import Place, map_folder
from mathcode_pile.core.funnel import CoreReason, DropReason, Failed, Funnel, Report, attempt
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import count_rows, count_shard, list_shards, read_batches
from mathcode_pile.llm import LlmParams
from stages.extract_textbooks.joining import join_pages
from stages.extract_textbooks.ocr import Nougat, load_nougat
from stages.extract_textbooks.pages import Page, Reader, ReadPage
from stages.extract_textbooks.pdf import Layer, UnreadablePdfError, read_text_layer
from stages.extract_textbooks.reasons import Reason
from stages.extract_textbooks.vision import ServedOcrParams, load_vision_model


class ExtractTextbooksParams(Section):
    """Which pages are read by OCR, by which model, and how books are cleaned."""

    reader: Literal["text", "ocr", "auto"]
    """text: OCR for scans alone; auto: also for each page whose text layer has formulas; ocr: for every page."""
    min_characters_per_page: int = Field(ge=0)
    """A book with fewer characters per page has no useful text layer and is read by OCR."""
    max_line_share: float = Field(ge=0, le=1)
    """A line on more than this share of a book's pages is a header or footer."""
    timeout_s: float = Field(gt=0)
    """A PDF that takes longer to read is dropped. In a scan, each page may take this long."""
    ocr: str
    """none; the folder or hub id of a nougat model, which runs in the stage; or served, as `served` says."""
    ocr_revision: str | None = None
    """The commit of a model on the hub."""
    ocr_batch_pages: int = Field(default=4, gt=0)
    """Pages that a nougat model reads at once, on each GPU."""
    served: ServedOcrParams | None = None
    """A vision model behind OpenAI's protocol."""
    max_pages_lost_share: float = Field(ge=0, le=1)
    """A book is dropped if OCR loses more than this share of its pages."""

    @model_validator(mode="after")
    def _has_a_model(self) -> Self:
        if self.reader != "text" and self.ocr == "none":
            raise ValueError(f"reader: {self.reader} needs a model: set ocr")
        if self.ocr == "served" and self.served is None:
            raise ValueError("ocr: served needs the section served, which names the model")
        return self


class Book(NamedTuple):  # one PDF, before OCR
    record: dict[str, Any]
    """Without its content."""
    pages: list[str] = []
    """The text layer of each page; the text of those to be read by OCR comes in its place."""
    scanned: list[int] = []
    """The pages that OCR is to read."""
    content: bytes = b""
    """The PDF, where OCR is to read a page of it."""
    reason: DropReason | None = None
    """Why it is dropped already."""
    detail: str = ""


def load_reader(params: ExtractTextbooksParams, llm: LlmParams) -> Reader | None:
    """Return the OCR model that params name; raises InputError or ParamsError where it cannot be used."""
    if params.ocr == "none":
        return None
    if params.ocr == "served":
        assert params.served
        return load_vision_model(params.served, llm, params.timeout_s)
    return load_nougat(params.ocr, params.ocr_revision, params.ocr_batch_pages, params.timeout_s)


def extract_textbooks(folder: Path, out: Path, params: ExtractTextbooksParams, llm: LlmParams | None = None) -> Report:
    """Write the text of the PDFs in a folder's shards (FILE records) as documents.

    Where OCR lost pages of a book, the book's metadata names them in `pages_lost`; the report counts them.
    llm: the models that params.served may name.
    """
    duplicates = _find_duplicates(folder)
    reader = load_reader(params, llm or LlmParams()) if count_rows(folder) else None
    work = partial(_extract_shard, params=params, duplicates=duplicates, reader=reader)
    method = params.model_dump(exclude={"ocr", "ocr_revision", "ocr_batch_pages", "served"})
    key = [method, sorted(duplicates.items()), reader.key if reader else None]
    place: Place = "workers" if reader is None else "gpu" if isinstance(reader, Nougat) else "driver"
    return map_folder("extract_textbooks", work, folder, out, key, place=place)


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
    shard: Path, folder: Path, params: ExtractTextbooksParams, duplicates: dict[str, str], reader: Reader | None
) -> Report:
    with Funnel.of_shard(folder, DOCUMENT) as funnel:
        books = _open_books(funnel, shard, params, duplicates, reader is not None)
        read: Iterator[ReadPage] = iter(())
        if reader:
            # OCR runs ahead, across books, so that neither GPUs nor servers wait for a book's end.
            books, ahead = tee(books)
            read = reader.read(Page(book.content, number) for book in ahead for number in book.scanned)
        for book in books:
            texts = {number: next(read) for number in book.scanned}
            with funnel.guarding(book.record["id"]):
                _finish_book(book, texts, params, funnel)
        for _ in read:  # nothing is left; a served model then checks and notes its run
            pass
    return funnel.report


def _open_books(
    funnel: Funnel, shard: Path, params: ExtractTextbooksParams, duplicates: dict[str, str], has_ocr: bool
) -> Iterator[Book]:
    for batch in funnel.read(shard):
        for row in range(batch.num_rows):
            record = {name: batch[name][row].as_py() for name in batch.schema.names}
            content = record.pop("content")
            book = attempt(_open_book, record, content, params, duplicates, has_ocr)
            yield Book(record, reason=CoreReason.FAILED, detail=book.detail) if isinstance(book, Failed) else book


def _open_book(
    record: dict[str, Any], content: bytes, params: ExtractTextbooksParams, duplicates: dict[str, str], has_ocr: bool
) -> Book:
    if record["id"] in duplicates:
        return Book(record, reason=Reason.DUPLICATE_FILE, detail=f"same bytes as {duplicates[record['id']]}")
    try:
        layers = read_text_layer(content, params.timeout_s)
    except UnreadablePdfError as error:
        return Book(record, reason=error.reason, detail=error.detail)
    scanned = choose_pages(layers, params)
    if scanned and not has_ocr:
        characters = sum(len(layer.text) for layer in layers)
        return Book(record, reason=Reason.NO_TEXT_LAYER, detail=f"{characters} characters on {len(layers)} pages")
    pages = ["\n".join(line for line in layer.text.splitlines() if line.strip()) for layer in layers]
    return Book(record, pages, scanned, content if scanned else b"")


def choose_pages(layers: list[Layer], params: ExtractTextbooksParams) -> list[int]:
    """Return the pages of a book, counted from 0, that OCR is to read."""
    is_scan = sum(len(layer.text) for layer in layers) < params.min_characters_per_page * len(layers)
    if is_scan or params.reader == "ocr":
        return list(range(len(layers)))
    return [n for n, layer in enumerate(layers) if params.reader == "auto" and layer.signs.show_formulas]


def _finish_book(book: Book, read: dict[int, ReadPage], params: ExtractTextbooksParams, funnel: Funnel) -> None:
    """Keep or drop a book whose pages have been read."""
    identity, counts = book.record["id"], funnel.report.counts
    if book.reason:
        funnel.drop(identity, book.reason, book.detail)
        return
    if failed := next((page.failed for page in read.values() if page.failed), None):
        funnel.fail(identity, failed)
        return
    lost = {number + 1: page.lost for number, page in read.items() if page.lost}
    counts["pages_ocr"] += len(read)
    counts["pages_lost"] += len(lost)
    if len(lost) > params.max_pages_lost_share * len(book.pages):
        why = ", ".join(f"{reason} {count}" for reason, count in sorted(Counter(lost.values()).items()))
        funnel.drop(identity, Reason.PAGES_LOST, f"{len(lost)} of {len(book.pages)} pages: {why}")
        return
    pages = [read[number].text if number in read else page for number, page in enumerate(book.pages)]
    text = join_pages(pages, params.max_line_share)
    if not text.strip():
        funnel.drop(identity, Reason.NO_TEXT, "nothing left after cleaning")
        return
    record = book.record | ({"metadata": _add_metadata(book.record["metadata"], pages_lost=lost)} if lost else {})
    funnel.keep(pa.RecordBatch.from_pylist([record | {"text": text}], DOCUMENT))


def _add_metadata(metadata: str, **more: object) -> str:
    return encode_metadata(**(json.loads(metadata) | more))
