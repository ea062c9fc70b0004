"""Read PDFs with pdfium, each in its own process: one that crashes, hangs or needs too much memory harms no other."""

import multiprocessing
import resource
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from mathcode_pile.core.funnel import CoreReason, DropReason, describe_failure
from mathcode_pile.core.lifetime import die_with_parent
from stages.extract_textbooks.formulas import Signs, count_signs
from stages.extract_textbooks.reasons import Reason

# What the process may use in addition to the memory that it holds when it is forked.
MEMORY_BYTES = 2 << 30


class Layer(NamedTuple):  # the text layer of one page
    text: str
    signs: Signs


class Resolution(NamedTuple):
    """How large a page is drawn."""

    dots_per_inch: int
    longest_side: int
    """In pixels; at most this, whatever size the page has."""


class UnreadablePdfError(Exception):
    """A PDF, or a page of one, that cannot be used."""

    def __init__(self, reason: DropReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def read_text_layer(content: bytes, timeout_s: float) -> list[Layer]:
    """Return the text layer of each page of a PDF; raises UnreadablePdfError."""
    pages: list[Layer] = _run_apart(_read_pages, content, timeout_s=timeout_s)
    if not pages:
        raise UnreadablePdfError(Reason.NO_PAGES, "")
    return pages


def render_page(content: bytes, number: int, resolution: Resolution, timeout_s: float) -> Any:
    """Return a page as a PIL image in RGB; raises UnreadablePdfError."""
    from PIL import Image

    size, pixels = _run_apart(_render, content, number, resolution, timeout_s=timeout_s)
    return Image.frombytes("RGB", size, pixels)


def _read_pages(content: bytes) -> list[Layer]:
    import pypdfium2 as pdfium

    with pdfium.PdfDocument(content) as document:
        return [_read_layer(page) for page in document]


def _read_layer(page: Any) -> Layer:
    text_page = page.get_textpage()
    text = text_page.get_text_bounded()
    return Layer(text, count_signs(text, _list_parts(page, text_page)))


def _list_parts(page: Any, text_page: Any) -> Iterator[tuple[str, str]]:
    """Yield each text object's font and text; an object that pdfium cannot read has no sign."""
    import pypdfium2 as pdfium

    for part in page.get_objects(filter=[pdfium.raw.FPDF_PAGEOBJ_TEXT], textpage=text_page):
        with suppress(pdfium.PdfiumError):
            yield part.get_font().get_base_name(), part.extract()


def _render(content: bytes, number: int, resolution: Resolution) -> tuple[tuple[int, int], bytes]:
    import pypdfium2 as pdfium

    with pdfium.PdfDocument(content) as document:
        page = document[number]
        scale = min(resolution.dots_per_inch / 72, resolution.longest_side / max(1.0, *page.get_size()))
        image = page.render(scale=scale).to_pil().convert("RGB")
        return image.size, image.tobytes()


def _run_apart(work: Callable[..., Any], *arguments: Any, timeout_s: float) -> Any:
    """Run a function in a forked process, with bounded time and memory, and return its result."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(work, arguments, sender))
    process.start()
    sender.close()
    try:
        if not receiver.poll(timeout_s):
            raise UnreadablePdfError(Reason.TIMEOUT, f"not read within {timeout_s:g} s")
        reason, result = receiver.recv()
    except EOFError:
        process.join()
        raise UnreadablePdfError(Reason.CRASHED, f"the reader ended with status {process.exitcode}") from None
    finally:
        process.kill()
        process.join()
        receiver.close()
    if reason:
        raise UnreadablePdfError(reason, result)
    return result


def _send(work: Callable[..., Any], arguments: tuple[Any, ...], sender: Connection) -> None:
    import pypdfium2 as pdfium

    die_with_parent()
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY_BYTES, held + MEMORY_BYTES))
    try:
        sender.send((None, work(*arguments)))
    except pdfium.PdfiumError as error:
        sender.send((Reason.ENCRYPTED if "password" in str(error).lower() else Reason.DAMAGED, str(error)))
    except MemoryError:
        sender.send((Reason.CRASHED, f"it needs more than {MEMORY_BYTES >> 30} GB"))
    except Exception as error:  # our code's fault, which must not look like a crash of pdfium
        sender.send((CoreReason.FAILED, describe_failure(error).detail))
