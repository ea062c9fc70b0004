"""Read the pages of PDFs with a nougat model through transformers, in batches, on every GPU that is visible.

The text of each page is stored in the scratch folder, so an interrupted book continues at its next batch.
Source: Blecher et al. 2023, arXiv:2308.13418.
"""

import hashlib
import multiprocessing
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from mathcode_pile.core import scratch
from mathcode_pile.core.errors import InputError, PipelineError, first_line
from mathcode_pile.core.funnel import Failed, attempt
from mathcode_pile.core.lifetime import die_with_parent
from stages.extract_textbooks.pages import DrawnPage, Page, ReadPage, draw_pages
from stages.extract_textbooks.pdf import Resolution

# Nougat was trained on pages at 96 dots per inch.
RESOLUTION = Resolution(dots_per_inch=96, longest_side=4000)
MAX_NEW_TOKENS = 3584
# A page that ends with so many repeats of one text shows that the model repeats itself.
MIN_REPEATS = 5
MIN_REPEATED_CHARACTERS = 60
MAX_PERIOD = 400

Texts = list[str]
Submit = Callable[[list[Any]], "Future[Texts | Failed]"]


@dataclass(frozen=True)
class Nougat:
    """A nougat model, by folder or hub id; loaded on first use."""

    model: str | Path
    revision: str | None
    fingerprint: str
    """Of the model and of all else that a page's text depends on."""
    batch_pages: int
    timeout_s: float
    """For drawing a page."""

    @property
    def key(self) -> list[Any]:
        """What the text of a page depends on."""
        return [self.fingerprint]

    def read(self, pages: Iterable[Page]) -> Iterator[ReadPage]:
        """Yield the text of each page, in order.

        Batches that this or another process has read are not read again; one with a lost page is tried again.
        Raises PipelineError where a GPU has too little memory, InputError where there is no nougat model.
        """
        devices = list_devices()
        with _open_devices(devices, partial(_read_images, self.model, self.revision)) as submit:
            waiting: deque[Callable[[], Iterator[ReadPage]]] = deque()
            for batch in self._list_batches(pages):
                waiting.append(self._begin(batch, submit))
                if len(waiting) >= 2 * len(devices) or len(devices) == 1:
                    yield from waiting.popleft()()
            while waiting:
                yield from waiting.popleft()()

    def _list_batches(self, pages: Iterable[Page]) -> Iterator[list[Page]]:
        """Yield batches of pages of one book each: the same batches each time, as texts may depend on them."""
        for _, book in groupby(pages, key=attrgetter("content")):
            while batch := list(islice(book, self.batch_pages)):
                yield batch

    def _begin(self, batch: list[Page], submit: Submit) -> Callable[[], Iterator[ReadPage]]:
        """Return what gives the texts of a batch, once it has been read."""
        book = scratch.scratch_folder(
            "ocr", self.fingerprint, hashlib.blake2b(batch[0].content, digest_size=16).hexdigest()
        )
        places = [book / f"{page.number:05d}.md" for page in batch]
        if all(place.is_file() for place in places):
            return lambda: (ReadPage(_read_kept(place)) for place in places)
        drawn = list(draw_pages(batch, RESOLUTION, self.timeout_s))
        images = [page.image for page in drawn if page.missing is None]
        read = submit(images) if images else None
        return lambda: _keep_texts(places, drawn, read)


def _keep_texts(
    places: list[Path], drawn: list[DrawnPage], read: "Future[Texts | Failed] | None"
) -> Iterator[ReadPage]:
    try:
        texts = read.result() if read else []
    except BrokenProcessPool:
        raise PipelineError("extract_textbooks: an OCR process was killed; is memory short?") from None
    remaining = iter([] if isinstance(texts, Failed) else texts)
    for place, page in zip(places, drawn, strict=True):
        if page.missing:
            yield page.missing
        elif isinstance(texts, Failed):
            yield ReadPage("", failed=texts)
        else:
            text = next(remaining)
            if not place.is_file():
                partial_file = place.with_suffix(f".{os.getpid()}.partial")
                partial_file.write_text(text, encoding="utf-8")
                partial_file.rename(place)
            yield ReadPage(_read_kept(place))


def _read_kept(place: Path) -> str:
    return clean_page(place.read_text(encoding="utf-8"))


def list_devices() -> list[str]:
    """Return torch's names of the GPUs that are visible; the CPU where there is none."""
    import torch

    return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or ["cpu"]


@contextmanager
def _open_devices(devices: list[str], work: Callable[[str, list[Any]], Texts | Failed]) -> Iterator[Submit]:
    """Yield a function that reads images on a device: in this process, or in a process for each of several devices."""
    if len(devices) == 1:

        def read_here(images: list[Any]) -> "Future[Texts | Failed]":
            done: Future[Texts | Failed] = Future()
            done.set_result(work(devices[0], images))
            return done

        yield read_here
        return
    context = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
    free = context.Queue()
    for device in devices:
        free.put(device)
    with ProcessPoolExecutor(len(devices), context, initializer=_take_device, initargs=(free,)) as pool:
        try:
            yield lambda images: pool.submit(_read_on_own_device, work, images)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_DEVICE = ""


def _take_device(free: Any) -> None:
    global _DEVICE
    die_with_parent()
    _DEVICE = free.get()


def _read_on_own_device(work: Callable[[str, list[Any]], Texts | Failed], images: list[Any]) -> Texts | Failed:
    return work(_DEVICE, images)


def _read_images(model: str | Path, revision: str | None, device: str, images: list[Any]) -> Texts | Failed:
    return attempt(_generate, model, revision, device, images)


def _generate(name: str | Path, revision: str | None, device: str, images: list[Any]) -> Texts:
    import torch

    try:
        processor, model = _load_model(name, revision, device)
        pixels = processor(images, return_tensors="pt").pixel_values.to(model.device)
        limit = min(MAX_NEW_TOKENS, model.config.decoder.max_position_embeddings - 1)
        with torch.inference_mode():
            tokens = model.generate(
                pixels, max_new_tokens=limit, do_sample=False, bad_words_ids=[[processor.tokenizer.unk_token_id]]
            )
    except torch.cuda.OutOfMemoryError as error:
        raise PipelineError(
            f"extract_textbooks.ocr: the GPU has no memory left for {name}; set a smaller ocr_batch_pages, end what "
            "else runs there, choose another with CUDA_VISIBLE_DEVICES (empty: the CPU) or name a smaller model; every "
            "page read so far is kept: run the same command again"
        ) from error
    return processor.batch_decode(tokens, skip_special_tokens=True)


@cache
def _load_model(model: str | Path, revision: str | None, device: str) -> tuple[Any, Any]:
    from transformers import NougatProcessor, VisionEncoderDecoderModel

    try:
        processor = NougatProcessor.from_pretrained(model, revision=revision)
        loaded = VisionEncoderDecoderModel.from_pretrained(model, revision=revision)
    except (OSError, ValueError) as error:
        raise InputError(f"extract_textbooks.ocr: {model} is no nougat model: {first_line(error)}") from error
    return processor, loaded.eval().to(device)


def load_nougat(model: str, revision: str | None, batch_pages: int, timeout_s: float) -> Nougat:
    """Return the nougat model of a local folder, or of a hub id with its revision; raises InputError without one."""
    folder = Path(model)
    if folder.is_dir():
        version, revision = scratch.hash_folder(folder), None
    elif revision is None:
        raise InputError(f"extract_textbooks.ocr: {model} is no folder, and as a hub id it needs ocr_revision")
    else:
        version = f"{model}@{revision}"
    fingerprint = scratch.hash_values(version, list(RESOLUTION), MAX_NEW_TOKENS, batch_pages)
    return Nougat(folder if folder.is_dir() else model, revision, fingerprint, batch_pages, timeout_s)


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
