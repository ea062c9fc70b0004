"""Read PDFs with pdfium, each in its own process: one that crashes, hangs or needs too much memory harms no other."""

import multiprocessing
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mathcode_pile.core.funnel import CoreReason, DropReason, describe_failure
from mathcode_pile.core.lifetime import die_with_parent
from stages.extract_textbooks.reasons import Reason

# What the process may use in addition to the memory that it holds when it is forked.
MEMORY_BYTES = 2 << 30
# A page is drawn at most this wide and high, whatever size its author gave it.
MAX_SIDE_PIXELS = 4000


class UnreadablePdfError(Exception):
    """A PDF, or a page of one, that cannot be used."""

    def __init__(self, reason: DropReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


def read_text_layer(content: bytes, timeout_s: float) -> list[str]:
    """Return the text layer of each page of a PDF; raises UnreadablePdfError."""
    pages: list[str] = _run_apart(_read_pages, content, timeout_s=timeout_s)
    if not pages:
        raise UnreadablePdfError(Reason.NO_PAGES, "")
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
