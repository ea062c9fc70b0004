"""Read the pages of a PDF that has no text layer, with a nougat model through transformers.

Each page's text is kept in the scratch folder, so an interrupted book goes on at its next page.
Source: Blecher et al. 2023, arXiv:2308.13418.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mathcode_pile import scratch
from mathcode_pile.errors import InputError

# Nougat was trained on pages at this resolution.
DOTS_PER_INCH = 96
MAX_NEW_TOKENS = 3584


@dataclass(frozen=True)
class Ocr:
    """A nougat model, by folder or hub id; loaded on first use."""

    model: str
    revision: str | None
    fingerprint: str

    def read_pages(self, content: bytes, pages: int) -> list[str]:
        """Return the Markdown of each page; a page on which the model only repeats itself is empty."""
        import pypdfium2 as pdfium

        book = hashlib.blake2b(content, digest_size=16).hexdigest()
        done = scratch.scratch_folder("ocr", self.fingerprint, book)
        with pdfium.PdfDocument(content) as document:
            for number in range(pages):
                place = done / f"{number:05d}.md"
                if not place.is_file():
                    image = document[number].render(scale=DOTS_PER_INCH / 72).to_pil().convert("RGB")
                    partial = place.with_suffix(".partial")
                    partial.write_text(self._read_image(image), encoding="utf-8")
                    partial.rename(place)
        return [cut_repetition((done / f"{number:05d}.md").read_text(encoding="utf-8")) for number in range(pages)]

    def _read_image(self, image: Any) -> str:
        import torch

        processor, model = _load_model(self.model, self.revision)
        pixels = processor(image, return_tensors="pt").pixel_values.to(model.device)
        limit = min(MAX_NEW_TOKENS, model.config.decoder.max_position_embeddings - 1)
        with torch.inference_mode():
            tokens = model.generate(
                pixels, max_new_tokens=limit, do_sample=False, bad_words_ids=[[processor.tokenizer.unk_token_id]]
            )
        return processor.batch_decode(tokens, skip_special_tokens=True)[0]


@cache
def _load_model(model: str, revision: str | None) -> tuple[Any, Any]:
    import torch
    from transformers import NougatProcessor, VisionEncoderDecoderModel

    device = "cuda" if torch.cuda.is_available() else "cpu"
    processor = NougatProcessor.from_pretrained(model, revision=revision)
    return processor, VisionEncoderDecoderModel.from_pretrained(model, revision=revision).eval().to(device)


def load_ocr(model: str, revision: str | None) -> Ocr:
    """Return the OCR that params name: a local folder, or a hub id with its revision."""
    if Path(model).is_dir():
        return Ocr(model, None, scratch.hash_folder(Path(model)))
    if revision is None:
        raise InputError(f"extract_textbooks.ocr: {model} is no folder, and as a hub id it needs ocr_revision")
    return Ocr(model, revision, scratch.hash_values(model, revision))


def cut_repetition(page: str) -> str:
    """Return a page without what a model repeats at its end: the same line five times or more.

    Only the repeated tail goes; the page before it, and the rest of the book, stay.
    """
    return re.sub(r"(?:^|(?<=\n))([^\n]+)(?:\n+\1){4,}\s*\Z", "", page)
