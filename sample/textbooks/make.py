"""Render the three sample textbooks to PDF, and the PDFs that an extractor meets besides good ones.

Run `python sample/textbooks/make.py [folder]`; the same bytes come out each time. Streams are not
compressed and the scanned page is coded as fax (CCITT group 4), so that no version of zlib matters.

Not covered: a real layout of formulas. The books print the LaTeX source of each formula.
"""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
from fpdf import FPDF
from fpdf.enums import EncryptionMethod, XPos, YPos
from PIL import Image

HERE = Path(__file__).parent
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
BOOKS = ("number-theory", "calculus-practice", "probability")
PAPER = (148, 210)  # A5, in millimetres
PASSWORD = "abacus"  # of encrypted.pdf


class Book(FPDF):
    """An A5 book with a running head and page numbers."""

    def __init__(self, title: str, head: str) -> None:
        super().__init__(format=PAPER)
        self.head = head
        self.set_compression(False)
        self.set_creation_date(CREATED)
        self.set_producer("sample/textbooks/make.py")
        self.set_title(title)
        self.set_margins(16, 18, 16)
        self.set_auto_page_break(True, margin=18)

    def header(self) -> None:
        """Write the running head, except on the title page."""
        if self.page_no() > 1:
            self.set_font("Times", "I", 9)
            self.set_y(9)
            self.cell(0, 5, self.head, align="C", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.set_y(18)

    def footer(self) -> None:
        """Write the page number, except on the title page."""
        if self.page_no() > 1:
            self.set_font("Times", "", 9)
            self.set_y(-12)
            self.cell(0, 5, str(self.page_no()), align="C")

    def block(self, text: str, size: float, style: str = "", align: str = "J", before: float = 0) -> None:
        """Write one paragraph in Times at `size` points, `before` millimetres below the last one."""
        if before:
            self.ln(before)
        self.set_font("Times", style, size)
        self.multi_cell(0, size * 0.47, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def render(source: Path, *, note: str = "", scale: float = 1.0, pages: int | None = None) -> Book:
    """Return the book of a Markdown source: headings, paragraphs, lists and displayed formulas, no more."""
    blocks = [part.strip() for part in source.read_text("utf-8").split("\n\n") if part.strip()]
    title = blocks[0].removeprefix("# ")
    book = Book(title, title + note)
    book.add_page()
    book.ln(55)
    book.block(title, 20 * scale, "B", "C")
    for text in blocks[1:]:
        if text.startswith("## "):
            if pages is not None and book.page_no() >= pages:
                break
            book.add_page()
            book.block(text[3:], 16 * scale, "B", "L", before=6)
        elif text.startswith("### "):
            if book.will_page_break(22):
                book.add_page()
            book.block(text[4:], 12.5 * scale, "B", "L", before=4)
        elif text.startswith("- "):
            for item in re.split(r"^- ", text, flags=re.MULTILINE)[1:]:
                book.block("- " + " ".join(item.split()), 11.5 * scale, align="L", before=1.5)
        elif text.startswith("$$"):
            book.block(text, 11.5 * scale, align="C", before=2)
        elif text.startswith("*"):
            book.block(text.strip("*") + note, 11 * scale, "I", "C", before=8)
        else:
            book.block(" ".join(text.split()), 11.5 * scale, before=2)
    return book


def scan(book: bytes, page: int) -> bytes:
    """Return a PDF whose only page is a slightly crooked black-and-white picture of a page."""
    picture = pypdfium2.PdfDocument(book)[page].render(scale=150 / 72, grayscale=True).to_pil()
    crooked = picture.rotate(0.7, resample=Image.Resampling.BILINEAR, fillcolor=255)
    fax = crooked.point(lambda level: 255 if level > 140 else 0).convert("1")
    paper = FPDF(format=PAPER)
    paper.set_compression(False)
    paper.set_creation_date(CREATED)
    paper.set_producer("a scanner")
    paper.add_page()
    paper.image(fax, x=0, y=0, w=paper.w, h=paper.h)
    return bytes(paper.output())


def make(folder: Path) -> None:
    """Write all PDFs into `folder`."""
    books = {name: bytes(render(HERE / f"{name}.md").output()) for name in BOOKS}
    files = {f"{name}.pdf": content for name, content in books.items()}
    calculus = books["calculus-practice"]
    files["calculus-practice-copy.pdf"] = calculus
    reprint = render(HERE / "probability.md", note=" (second printing)", scale=0.94)
    files["probability-second-printing.pdf"] = bytes(reprint.output())
    files["damaged.pdf"] = books["number-theory"][: len(books["number-theory"]) // 2]
    locked = render(HERE / "number-theory.md", pages=3)
    locked.set_encryption(
        owner_password="owner-" + PASSWORD, user_password=PASSWORD, encryption_method=EncryptionMethod.RC4
    )
    files["encrypted.pdf"] = bytes(locked.output())
    files["scanned.pdf"] = scan(calculus, 4)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
