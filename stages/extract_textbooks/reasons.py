"""Why extract_textbooks drops a PDF; DAMAGED, CRASHED and TIMEOUT also say why OCR lost a page."""

from mathcode_pile.core.funnel import DropReason


class Reason(DropReason):
    """Why extract_textbooks drops a PDF, or why OCR lost a page of it."""

    DUPLICATE_FILE = "duplicate_file", "An earlier PDF of the source has the same bytes."
    DAMAGED = "damaged", "The file is not a PDF, or pdfium cannot read it."
    ENCRYPTED = "encrypted", "The PDF needs a password."
    NO_PAGES = "no_pages", "The PDF has no pages."
    CRASHED = "crashed", "The process that read the PDF crashed, or needed more than 2 GB of memory."
    TIMEOUT = "timeout", "Reading the PDF, or drawing a page of it, took longer than timeout_s."
    NO_TEXT_LAYER = "no_text_layer", "The PDF is a scan, and no OCR model is set."
    PAGES_LOST = (
        "pages_lost",
        "OCR lost more than max_pages_lost_share of the pages: they could not be drawn, or the model gave no reply.",
    )
    NO_TEXT = "no_text", "No text was left after cleaning."
