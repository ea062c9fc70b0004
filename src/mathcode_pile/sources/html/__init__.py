"""Read pages of HTML: the main text, with formulas as LaTeX, code and tables as Markdown."""

import re
from typing import Any, NamedTuple

from lxml import etree
from resiliparse.extract.html2text import extract_plain_text

from mathcode_pile.sources.html.blocks import hold_code, hold_tables, mark_headings, protect_lists, write_scripts
from mathcode_pile.sources.html.decode import decode_page
from mathcode_pile.sources.html.dom import parse_html, text_of
from mathcode_pile.sources.html.formulas import hold_plain_displays, replace_formulas
from mathcode_pile.sources.html.noise import remove_noise
from mathcode_pile.sources.html.placeholders import CLOSER, OPENER, PLACEHOLDER, Placeholders
from mathcode_pile.sources.reasons import Reason

# Common Crawl cuts pages at 5 MB. Parsers are linear up to there, but not for the two faults below.
MAX_PAGE_BYTES = 10 << 20
MAX_ATTRIBUTES = 2000
_LONG_TAG = re.compile(r"<[A-Za-z][^<>]{20000,}")
# `a<b$` is no tag, though a browser takes it for one.
_NO_TAG = re.compile(r"<(?=[A-Za-z][A-Za-z0-9]*[$^_\\{}()+=,;|])")
_BULLET = re.compile(r"^(?:  )?( *)• ", re.MULTILINE)
_SPACES = re.compile(r"(?<=\S)[ \t\xa0]+|\t+")
_NUMBER = re.compile(r"^  ( *\d+\. )", re.MULTILINE)


class Page(NamedTuple):  # one page, read
    text: str
    title: str
    formulas: int
    """Formulas that were found in markup and are in the text as LaTeX."""
    formulas_unread: int
    """Formulas that the page shows, and whose LaTeX it does not have."""


class Fault(NamedTuple):  # why a page has no text
    reason: Reason
    detail: str


def read_page(content: bytes, charset: str = "") -> Page | Fault:
    """Return the main text of a page of HTML, or why it has none.

    charset: the encoding that the server named, if it did.
    """
    if len(content) > MAX_PAGE_BYTES:
        return Fault(Reason.PAGE_TOO_LARGE, f"{len(content)} bytes")
    source = decode_page(content, charset)
    if source is None:
        return Fault(Reason.WRONG_ENCODING, f"declared: {charset or 'none'}")
    if "\0" in source:
        return Fault(Reason.NUL_CHARACTER, f"at character {source.index(chr(0))}")
    if any(tag.count("=") > MAX_ATTRIBUTES for tag in _LONG_TAG.findall(source)):
        return Fault(Reason.PAGE_TOO_COMPLEX, f"a tag with more than {MAX_ATTRIBUTES} attributes")
    # The marks of placeholders are private characters, which mean nothing without the page's own font.
    source = source.replace(OPENER, "").replace(CLOSER, "")
    source = _NO_TAG.sub("< ", source)
    root, parser = parse_html(source)
    if root is None:
        return Fault(Reason.NO_MAIN_TEXT, "an empty page")
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        return Fault(Reason.PAGE_TOO_COMPLEX, "elements nested more than 2048 deep")
    return _read_tree(root)


def _read_tree(root: Any) -> Page | Fault:
    title = root.find(".//title")
    name = text_of(title) if title is not None else ""
    prepared, held, unread = prepare_tree(root)
    extracted = extract_plain_text(prepared, main_content=True, alt_texts=False)
    formulas = sum(held.held[int(number)][0] in ("formula", "display") for number in PLACEHOLDER.findall(extracted))
    text = held.restore(_to_markdown(extracted))
    if not text.strip():
        return Fault(Reason.NO_MAIN_TEXT, f"title: {name[:80]!r}")
    return Page(text, name, formulas, unread)


def prepare_tree(root: Any) -> tuple[str, Placeholders, int]:
    """Return a page's lxml tree as HTML for an extractor, what was replaced in it, and how many formulas are unread."""
    held = Placeholders()
    unread = replace_formulas(root, held)
    remove_noise(root)
    hold_code(root, held)
    hold_plain_displays(root, held)
    write_scripts(root)
    hold_tables(root, held)
    mark_headings(root)
    protect_lists(root)
    return etree.tostring(root, encoding="unicode", method="html"), held, unread


def _to_markdown(extracted: str) -> str:
    """Write the extractor's lists as Markdown's, and every run of spaces as one."""
    text = _NUMBER.sub(r"\1", _BULLET.sub(r"\1- ", extracted))
    lines = (_SPACES.sub(" ", line).rstrip() for line in text.split("\n"))
    # One space is no indentation: it was around a placeholder.
    return "\n".join(line[1:] if line[:1] == " " and line[1:2] != " " else line for line in lines)
