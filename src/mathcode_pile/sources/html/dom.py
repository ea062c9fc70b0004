"""Small changes to an lxml tree, in which the text behind an element belongs to that element."""

from typing import Any


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
