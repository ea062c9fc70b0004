"""Keep the code, tables, headings, lists and scripts of a page in the form that Markdown gives them."""

import re
from typing import Any

from lxml import etree

from mathcode_pile.sources.html.dom import classes_of, has_ancestor, link_share, replace, text_of
from mathcode_pile.sources.html.placeholders import PLACEHOLDER, Placeholders

MAX_CELL = 300
_CODE = frozenset(("pre", "xmp", "listing"))
_INLINE_CODE = ("code", "kbd", "samp", "tt")
# Numbers of lines beside code, and buttons on it.
_GUTTER_CLASSES = "linenos linenodiv lineno gutter line-numbers line-numbers-rows rouge-gutter copybtn copy-button"
_GUTTER = frozenset(_GUTTER_CLASSES.split())
_LANGUAGE = re.compile(
    r"(?:language-|lang-|highlight-source-|highlight-|brush:\s*|sourceCode\s+)([A-Za-z][\w+#-]{0,15})"
)
_NO_LANGUAGE = frozenset(("text", "plain", "none", "plaintext", "default", "console", "output"))
_BREAKS = frozenset(("br", "div", "p", "li", "tr"))
_BLOCKS = ("table", "ul", "ol", "h1", "h2", "h3", "h4", "pre", "blockquote", "form", "article", "section")
_AROUND = frozenset(("nav", "header", "footer", "aside", "form"))
_SENTENCES = re.compile(r"[.!?] [A-Z]")
# Words and marks that a raised text may be without being an exponent.
_RAISED = re.compile(r"(?:st|nd|rd|th|er|re|e|è|ème|o|a|TM|SM|™|®|©|\*+|†|‡|§|¶)\Z")
_NOTE = re.compile(r"\[[^\]]*\]\Z")


# --- code


def hold_code(root: Any, held: Placeholders) -> None:
    """Replace blocks of code by placeholders for fenced code, and code in a line by its text in backticks."""
    for element in [part for part in root.iter() if classes_of(part) & _GUTTER]:
        if element.getparent() is not None:
            replace(element, "")
    for element in list(root.iter(*_CODE)):
        if element.getparent() is not None and not has_ancestor(element, _CODE):
            code = _code_text(element).rstrip()
            code = code.strip("\n") if code.strip() else ""
            replace(element, _separate(held.hold("block", _fence(code, _find_language(element)))) if code else "")
    for element in list(root.iter(*_INLINE_CODE)):
        text = text_of(element)
        if element.getparent() is None or len(element.xpath(".//p|.//div|.//br")):
            continue
        if text and not PLACEHOLDER.search(text):
            mark = "``" if "`" in text else "`"
            replace(element, held.hold("code", f"{mark}{text}{mark}"))


def _separate(placeholder: str) -> str:
    return f" {placeholder} "


def _code_text(element: Any) -> str:
    """Return the text of code with its line breaks, also those that are elements."""
    parts: list[str] = []
    ends_line = True  # so that an element at the beginning does not make an empty line
    for event, part in etree.iterwalk(element, events=("start", "end")):
        if event == "start" and part is not element and (part.tag == "br" or (part.tag in _BREAKS and not ends_line)):
            parts.append("\n")
            ends_line = True
        text = part.text if event == "start" else part.tail if part is not element else None
        if text:
            parts.append(text)
            ends_line = text.rstrip(" \t").endswith("\n")
    return "".join(parts).replace("\xa0", " ").replace("\r\n", "\n")


def _find_language(element: Any) -> str:
    """Return the language that the classes of the code, or of what is close around it, name; empty if none."""
    near = [element, *element.iter("code"), *list(element.iterancestors())[:3]]
    for part in near:
        found = _LANGUAGE.search(part.get("class", ""))
        if found and found[1].lower() not in _NO_LANGUAGE:
            return found[1].lower()
    return ""


def _fence(code: str, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"^\s*(`{3,})", code, re.MULTILINE)), default=2)
    mark = "`" * (longest + 1)
    return f"{mark}{language}\n{code}\n{mark}"


# --- raised and lowered text


def write_scripts(root: Any) -> None:
    """Write <sup> and <sub> as ^ and _, except for ordinals and marks; leave out the numbers of notes."""
    for element in reversed(list(root.iter("sup", "sub"))):
        if element.getparent() is None:
            continue
        text = text_of(element)
        if element.tag == "sup" and (_NOTE.match(text) or element.find(".//a[@href]") is not None):
            replace(element, "")
        elif not text or (element.tag == "sup" and _RAISED.match(text)):
            replace(element, text)
        else:
            sign = "^" if element.tag == "sup" else "_"
            replace(element, sign + (text if len(text) == 1 else f"{{{text}}}"))


# --- tables


def hold_tables(root: Any, held: Placeholders) -> None:
    """Replace tables of data by placeholders for Markdown tables. Tables that lay out a page stay as they are."""
    for table in list(root.iter("table")):
        if table.getparent() is None or not _has_data(table):
            continue
        rows = [[_cell(cell, held) for cell in row if cell.tag in ("td", "th")] for row in table.iter("tr")]
        rows = [row for row in rows if any(row)]
        width = max(map(len, rows))
        rows = [row + [""] * (width - len(row)) for row in rows]
        lines = [rows[0], ["---"] * width, *rows[1:]]
        caption = table.find("caption")
        head = f"{text_of(caption)}\n\n" if caption is not None and text_of(caption) else ""
        text = head + "\n".join(f"| {' | '.join(row)} |" for row in lines)
        replace(table, _separate(held.hold("block", text)))


def _has_data(table: Any) -> bool:
    """Say whether a table has short cells in two rows and two columns at least, and few links."""
    if any(table.find(f".//{tag}") is not None for tag in _BLOCKS) or table.get("role") == "presentation":
        return False
    rows = [[cell for cell in row if cell.tag in ("td", "th")] for row in table.iter("tr")]
    if sum(len(row) > 1 for row in rows) < 2 or link_share(table) > 0.5:
        return False
    texts = [text_of(cell) for row in rows for cell in row]
    return all(len(text) <= MAX_CELL for text in texts) and sum(bool(_SENTENCES.search(text)) for text in texts) <= 1


def _cell(cell: Any, held: Placeholders) -> str:
    """Return a cell's text on one line. Displays become inline, and a bar in it does not end the cell."""

    def write(found: re.Match[str]) -> str:
        kind, content = held.held[int(found[1])]
        if kind == "display":
            content = f"${content.removeprefix('$$').removesuffix('$$')}$"
        if kind in ("formula", "display"):
            content = re.sub(r"(?<!\\)\|(?=([A-Za-z])?)", lambda bar: "\\vert " if bar[1] else "\\vert", content)
        return " ".join(content.split())

    # Formulas are filled in here, because bars of the text around them are escaped in another way.
    pieces = re.split(f"({PLACEHOLDER.pattern.replace('(', '(?:')})", text_of(cell))
    return "".join(
        write(found) if (found := PLACEHOLDER.fullmatch(piece)) else piece.replace("|", "\\|") for piece in pieces
    )


# --- headings and lists


def mark_headings(root: Any) -> None:
    """Begin each heading with its Markdown marks: ## for <h2>."""
    for level in range(1, 7):
        for heading in root.iter(f"h{level}"):
            if text_of(heading):
                heading.text = f"{'#' * level} {(heading.text or '').lstrip()}"


def protect_lists(root: Any) -> None:
    """Put lists of text deeper into the page.

    The extractor takes a list that is close to <body> for a menu. Lists of links, and those in the page's own
    navigation, are left where they are.
    """
    for item_list in list(root.iter("ul")):
        parent = item_list.getparent()
        if parent is None or has_ancestor(item_list, _AROUND) or link_share(item_list) > 0.5:
            continue
        outer = etree.Element("div")
        inner = etree.SubElement(etree.SubElement(outer, "div"), "div")
        outer.tail, item_list.tail = item_list.tail, None
        parent.replace(item_list, outer)
        inner.append(item_list)
