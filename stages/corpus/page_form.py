"""Write a page with its programs: the page's own text, and each program behind the paragraph that it belongs to.

Without the programs the text is the page's, byte for byte. A page that is much longer than the text around its programs
gives one document for each of these parts, because the whole text is in the page's own component.
"""

from collections.abc import Iterator

from stages.corpus.layout import Layout
from stages.corpus.programs import Paragraph, Translated, render_program


def write_page(layout: Layout, paragraphs: list[Paragraph], context: int) -> Iterator[Translated]:
    """Yield the documents of a page.

    paragraphs: those that programs belong to, in order.
    context: how many characters of whole blocks are kept at most on either side of such a paragraph.
    """
    stretch: list[Paragraph] = []
    first = last = 0
    for paragraph in paragraphs:
        low, high = _find_neighbours(layout, paragraph.block, context)
        if stretch and low > last + 1:
            yield _write_stretch(layout, first, last, stretch)
            stretch = []
        first = min(first, low) if stretch else low
        last = high
        stretch.append(paragraph)
    if stretch:
        yield _write_stretch(layout, first, last, stretch)


def _find_neighbours(layout: Layout, index: int, context: int) -> tuple[int, int]:
    """Return the first and the last block that are kept around one."""
    blocks = layout.blocks
    low = high = index
    while low > 0 and blocks[index].start - blocks[low - 1].start <= context:
        low -= 1
    while high < len(blocks) - 1 and blocks[high + 1].end - blocks[index].end <= context:
        high += 1
    return low, high


def _write_stretch(layout: Layout, first: int, last: int, paragraphs: list[Paragraph]) -> Translated:
    text, blocks = layout.text, layout.blocks
    newline = "\r\n" if "\r\n" in text else "\n"
    place = blocks[first].start
    stop = len(text) if last == len(blocks) - 1 else blocks[last].end
    parts = []
    for index, snippets in paragraphs:
        end = blocks[index].end
        parts.append(text[place:end])
        parts += [newline * 2 + render_program(snippet).replace("\n", newline) for snippet in snippets]
        is_text = index < last and blocks[index + 1].kind == "text"
        if is_text and text.count("\n", end, blocks[index + 1].start) < 2:
            parts.append(newline)  # an empty line, which the page does not have here
        place = end
    whole = "".join([*parts, text[place:stop]])
    snippets = [snippet for paragraph in paragraphs for snippet in paragraph.snippets]
    return Translated(whole if whole.endswith("\n") else whole + newline, snippets)
