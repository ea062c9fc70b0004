"""Small PDFs with formulas: set in TeX's fonts for mathematics, in symbols of another font, or in none."""

from pathlib import Path

import matplotlib
from fpdf import FPDF
from fpdf.enums import XPos, YPos

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
PROSE = "The sum of the first hundred whole numbers is found by pairing the ends of their row. " * 5


class Book(FPDF):
    """A book whose pages are of one kind each."""

    def __init__(self) -> None:
        super().__init__()
        for family, file in (("cmmi", "cmmi10"), ("cmsy", "cmsy10"), ("dejavu", "DejaVuSans")):
            self.add_font(family, fname=FONTS / f"{file}.ttf")

    def write_lines(self, text: str) -> None:
        """Write a paragraph, and go on below it."""
        self.multi_cell(0, 7, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def add(self, kind: str) -> None:
        """Add a page: prose; tex, symbols: with formulas; list, variables: with what looks a little like them."""
        self.add_page()
        self.set_font("Helvetica", size=11)
        self.write_lines(f"A page of the kind {kind}. {PROSE}")
        if kind == "tex":
            self.set_font("cmmi", size=11)
            self.write_lines("ax bx c y z")
        elif kind == "symbols":
            self.set_font("dejavu", size=11)
            self.write_lines("∑ x ≤ ∫ √ y ∞ β")
        elif kind == "list":
            self.set_font("dejavu", size=11)
            self.write_lines("• one\n• two\n• three\n• four\n• five\n• 3 × 4 = 12 < 15")
        elif kind == "variables":
            self.set_font("cmmi", size=11)
            self.write_lines("x y")


def make_book(*kinds: str) -> bytes:
    """Return a PDF with a page of each kind."""
    book = Book()
    for kind in kinds:
        book.add(kind)
    return bytes(book.output())
