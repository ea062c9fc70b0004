"""Make an lxml tree of a page, and change it. In it the text behind an element belongs to that element."""

from typing import Any

from lxml import etree


def parse_html(source: str) -> tuple[Any, Any]:
    """Return the root of a page or of a part of one, None where it is empty, and the parser with its list of errors."""
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        return etree.fromstring(source.encode("utf-8", "replace"), parser), parser
    except etree.XMLSyntaxError:  # nothing but white space
        return None, parser


def classes_of(element: Any) -> frozenset[str]:
    """Return the classes of an element."""
    return frozenset(element.get("class", "").split()) if isinstance(element.tag, str) else frozenset()


def replace(element: Any, text: str) -> None:
    """Put a text in the place of an element; the text behind the element stays."""
    parent = element.getparent()
    text += element.tail or ""
    previous = element.getprevious()
    if previous is not None:
        previous.tail = (previous.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
    parent.remove(element)


def has_ancestor(element: Any, tags: frozenset[str]) -> bool:
    """Say whether an element is inside one of these."""
    return any(ancestor.tag in tags for ancestor in element.iterancestors())


def text_of(element: Any) -> str:
    """Return the text of an element, its white space as single spaces."""
    return " ".join("".join(element.itertext()).split())


def link_share(element: Any) -> float:
    """Return which share of the letters and digits of an element is in links; 1 where it has none."""
    whole = _count_letters(element)
    return sum(map(_count_letters, element.iter("a"))) / whole if whole else 1.0


def _count_letters(element: Any) -> int:
    return sum(map(str.isalnum, "".join(element.itertext())))
