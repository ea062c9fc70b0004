"""Read PDFs with pdfium, each in a process of its own: one that crashes, hangs or swells costs itself."""

import multiprocessing
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mathcode_pile.core.lifetime import die_with_parent

# Beyond what the process holds when it is forked.
MEMORY_BYTES = 2 << 30
# A page is rendered to at most this, whatever size its author gave it.
MAX_SIDE_PIXELS = 4000


class UnreadablePdfError(Exception):
    """A PDF that cannot be used; reason: damaged, encrypted, no_pages, crashed, timeout."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def read_text_layer(content: bytes, timeout_s: float) -> list[str]:
    """Return the text layer of each page of a PDF; raises UnreadablePdfError where there is none to read."""
    pages: list[str] = _run_apart(_read_pages, content, timeout_s=timeout_s)
    if not pages:
        raise UnreadablePdfError("no_pages", "")
    return pages


def render_page(content: bytes, number: int, dots_per_inch: int, timeout_s: float) -> Any:
    """Return a page as a PIL image in RGB; raises UnreadablePdfError."""
    from PIL import Image

    size, pixels = _run_apart(_render, content, number, dots_per_inch, timeout_s=timeout_s)
    return Image.frombytes("RGB", size, pixels)


def _read_pages(content: bytes) -> list[str]:
    import pypdfium2 as pdfium

    with pdfium.PdfDocument(content) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def _render(content: bytes, number: int, dots_per_inch: int) -> tuple[tuple[int, int], bytes]:
    import pypdfium2 as pdfium

    with pdfium.PdfDocument(content) as document:
        page = document[number]
        scale = min(dots_per_inch / 72, MAX_SIDE_PIXELS / max(1.0, *page.get_size()))
        image = page.render(scale=scale).to_pil().convert("RGB")
        return image.size, image.tobytes()


def _run_apart(work: Callable[..., Any], *arguments: Any, timeout_s: float) -> Any:
    """Return what a function returns that runs in a forked process, with bounded time and memory."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(work, arguments, sender))
    process.start()
    sender.close()
    try:
        if not receiver.poll(timeout_s):
            raise UnreadablePdfError("timeout", f"not read within {timeout_s:g} s")
        reason, result = receiver.recv()
    except EOFError:
        process.join()
        raise UnreadablePdfError("crashed", f"the reader ended with status {process.exitcode}") from None
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
        sender.send(("", work(*arguments)))
    except pdfium.PdfiumError as error:
        sender.send(("encrypted" if "password" in str(error).lower() else "damaged", str(error)))
    except MemoryError:
        sender.send(("crashed", f"it needs more than {MEMORY_BYTES >> 30} GB"))
