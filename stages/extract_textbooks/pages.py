"""Pages that OCR is to read: as the stage asks for them, as pictures, and as they come back."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

from mathcode_pile.core.engine import count_workers
from mathcode_pile.core.funnel import DropReason, Failed, attempt
from stages.extract_textbooks.pdf import Resolution, UnreadablePdfError, render_page


class Page(NamedTuple):
    """One page of a PDF."""

    content: bytes
    """The whole PDF."""
    number: int
    """Counted from 0."""


class ReadPage(NamedTuple):  # what OCR made of one page
    text: str
    """Markdown."""
    lost: DropReason | None = None
    """Why there is no text."""
    failed: Failed | None = None
    """Our code raised on the page."""


class DrawnPage(NamedTuple):  # one page as a picture
    image: Any
    """A PIL image in RGB; None where there is none."""
    missing: ReadPage | None = None
    """What takes the place of the page's text where there is no picture."""


class Reader(Protocol):
    """An OCR model."""

    @property
    def key(self) -> list[Any]:
        """What the text of a page depends on."""

    def read(self, pages: Iterable[Page]) -> Iterator[ReadPage]:
        """Yield the text of each page, in order; pages may be taken well ahead of the texts that are yielded."""


def draw_pages(pages: Iterable[Page], resolution: Resolution, timeout_s: float) -> Iterator[DrawnPage]:
    """Yield the pictures of pages, in order; some are drawn ahead, in as many processes as the stage may use."""
    workers = count_workers()
    waiting: deque[Future[DrawnPage]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for page in pages:
            waiting.append(pool.submit(draw_page, page, resolution, timeout_s))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def draw_page(page: Page, resolution: Resolution, timeout_s: float) -> DrawnPage:
    """Return the picture of a page, or why there is none."""
    drawn = attempt(_draw, page, resolution, timeout_s)
    return DrawnPage(None, ReadPage("", failed=drawn)) if isinstance(drawn, Failed) else drawn


def _draw(page: Page, resolution: Resolution, timeout_s: float) -> DrawnPage:
    try:
        return DrawnPage(render_page(page.content, page.number, resolution, timeout_s))
    except UnreadablePdfError as error:
        return DrawnPage(None, ReadPage("", lost=error.reason))
