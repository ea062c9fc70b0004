"""Take the pictures of the report that the documentation shows."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mathcode_pile.core.errors import PipelineError
from tools.browser import Browser, find_chromium

COLOURS = 256
"""A page has few colours, so its picture keeps them all in a fraction of the bytes."""


class Picture(NamedTuple):  # one picture of the page, in CSS pixels
    name: str
    width: int
    height: int
    start: str = "header"
    """What is at the top, as a selector of CSS."""
    dark: bool = False
    media: str = "screen"


PICTURES = (
    Picture("report.png", 960, 1140),
    Picture("report-dark.png", 960, 1140, start="#wrong", dark=True),
    Picture("report-phone.png", 360, 1500),
    Picture("report-print.png", 794, 1123, media="print"),
)


def take_pictures(page: Path, folder: Path) -> Iterator[Path]:
    """Yield the path of each picture of the page as it is written; raises PipelineError without a Chromium."""
    chromium = find_chromium()
    if chromium is None:
        raise PipelineError("no Chromium (Debian, Ubuntu: apt-get install chromium)")
    if not page.is_file():
        raise PipelineError(f"{page}: no such file; `make repro` writes it")
    with tempfile.TemporaryDirectory() as profile, Browser(chromium, Path(profile)) as browser:
        for one in PICTURES:
            browser.open(page.absolute(), one.width, one.dark, one.media)
            top = browser.run(f"(document.querySelector('{one.start}') ?? document.body).getBoundingClientRect().top")
            path = folder / one.name
            path.write_bytes(reduce_colours(browser.picture(one.height, max(0, top - 16))))
            yield path


def reduce_colours(picture: bytes) -> bytes:
    """Return a PNG with a palette."""
    from PIL import Image

    out = io.BytesIO()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS).save(out, "PNG", optimize=True)
    return out.getvalue()
