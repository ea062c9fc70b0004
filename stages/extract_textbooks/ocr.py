"""Read the pages of a PDF that has no text layer, with a nougat model through transformers.

The text of each page is stored in the scratch folder, so an interrupted book continues at its next page.
Source: Blecher et al. 2023, arXiv:2308.13418.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mathcode_pile.core import scratch
from mathcode_pile.core.errors import InputError, PipelineError, first_line
from mathcode_pile.core.funnel import DropReason
from stages.extract_textbooks.pdf import UnreadablePdfError, render_page

# Nougat was trained on pages at this resolution.
DOTS_PER_INCH = 96
MAX_NEW_TOKENS = 3584
# A page that ends with so many repeats of one text shows that the model repeats itself.
MIN_REPEATS = 5
MIN_REPEATED_CHARACTERS = 60
MAX_PERIOD = 400


class ReadBook(NamedTuple):  # what OCR made of one book
    pages: list[str]
    """The Markdown of each page; that of a lost page is empty."""
    lost: dict[int, DropReason]
    """The pages, counted from 1, that could not be drawn, and why."""


@dataclass(frozen=True)
class Ocr:
    """A nougat model, by folder or hub id; loaded on first use."""

    model: str | Path
    revision: str | None
    fingerprint: str

    def read_pages(self, content: bytes, pages: int, timeout_s: float) -> ReadBook:
        """Return the Markdown of each page, and which pages could not be drawn within the time limit.

        Pages that this or another process has read are not read again; lost pages are tried again.
        """
        book = hashlib.blake2b(content, digest_size=16).hexdigest()
        done = scratch.scratch_folder("ocr", self.fingerprint, book)
        texts, lost = [""] * pages, dict[int, DropReason]()
        with scratch.locked(done):
            for number in range(pages):
                try:
                    texts[number] = self._read_page(done / f"{number:05d}.md", content, number, timeout_s)
                except UnreadablePdfError as error:
                    lost[number + 1] = error.reason
        return ReadBook(texts, lost)

    def _read_page(self, place: Path, content: bytes, number: int, timeout_s: float) -> str:
        if not place.is_file():
            image = render_page(content, number, DOTS_PER_INCH, timeout_s)
            partial = place.with_suffix(".partial")
            partial.write_text(self._read_image(image), encoding="utf-8")
            partial.rename(place)
        return clean_page(place.read_text(encoding="utf-8"))

    def _read_image(self, image: Any) -> str:
        import torch

        try:
            processor, model = _load_model(self.model, self.revision)
            pixels = processor(image, return_tensors="pt").pixel_values.to(model.device)
            limit = min(MAX_NEW_TOKENS, model.config.decoder.max_position_embeddings - 1)
            with torch.inference_mode():
                tokens = model.generate(
                    pixels, max_new_tokens=limit, do_sample=False, bad_words_ids=[[processor.tokenizer.unk_token_id]]
                )
        except torch.cuda.OutOfMemoryError as error:
            raise PipelineError(
                f"extract_textbooks.ocr: the GPU has no memory left for {self.model}; end what else runs there, choose "
                "another with CUDA_VISIBLE_DEVICES (empty: the CPU) or name a smaller model; every page read so far is "
                "kept: run the same command again"
            ) from error
        return processor.batch_decode(tokens, skip_special_tokens=True)[0]


@cache
def _load_model(model: str | Path, revision: str | None) -> tuple[Any, Any]:
    import torch
    from transformers import NougatProcessor, VisionEncoderDecoderModel

    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        processor = NougatProcessor.from_pretrained(model, revision=revision)
        loaded = VisionEncoderDecoderModel.from_pretrained(model, revision=revision)
    except (OSError, ValueError) as error:
        raise InputError(f"extract_textbooks.ocr: {model} is no nougat model: {first_line(error)}") from error
    return processor, loaded.eval().to(device)


def load_ocr(model: str, revision: str | None) -> Ocr:
    """Return the OCR that params name: a local folder, or a hub id with its revision."""
    folder = Path(model)
    if folder.is_dir():
        return Ocr(folder, None, scratch.hash_values(scratch.hash_folder(folder), DOTS_PER_INCH, MAX_NEW_TOKENS))
    if revision is None:
        raise InputError(f"extract_textbooks.ocr: {model} is no folder, and as a hub id it needs ocr_revision")
    return Ocr(model, revision, scratch.hash_values(model, revision, DOTS_PER_INCH, MAX_NEW_TOKENS))


def clean_page(page: str) -> str:
    """Return a page without nougat's marks of missing text, and without a text that it repeats at the end.

    Only the repeated tail is removed; the page before it and the other pages of the book are kept.
    """
    page = re.sub(r"\[MISSING_PAGE[^\]\n]*\]", "", page)
    codes = np.frombuffer(page.rstrip().encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    for period in range(1, min(MAX_PERIOD, len(codes) // MIN_REPEATS) + 1):
        differ = np.flatnonzero(codes[:-period] != codes[period:])
        start = int(differ[-1]) + 1 if len(differ) else 0
        if len(codes) - start >= max(MIN_REPEATS * period, MIN_REPEATED_CHARACTERS):
            return page[:start].rstrip()
    return page
