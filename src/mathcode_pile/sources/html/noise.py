"""Remove what is no text of a page: scripts, forms, links that lead elsewhere, and notices that the extractor keeps."""

import re
from typing import Any

from mathcode_pile.sources.html.dom import link_share, replace, text_of

_TAGS = (
    *("script", "style", "template", "noscript", "iframe", "object", "svg", "canvas"),
    *("button", "select", "textarea", "dialog"),
)
_ROLES = frozenset(("navigation", "banner", "contentinfo", "search", "dialog", "alertdialog", "menu", "toolbar"))
# Words of class names and ids, as content systems use them.
_WORDS = (
    "ads? advert advertisement adsense adsbygoogle breadcrumbs? catlinks ccpa colophon consent cookies? editsection "
    "gdpr likes-widget masthead mathjax_message navbox newsletter noprint pager pagination popup post-menu postprofile "
    "promo related-posts? jp-relatedposts reply-title screen-reader-text share sharedaddy sharing sd-like signature "
    "signup site-branding site-header site-footer site-title skip-link sponsored subscribe toc user-info votes? "
    "headerlink anchor-link"
)
_NAMES = re.compile(rf"(?:^|[\s_-])(?:{'|'.join(_WORDS.split())})(?:$|[\s_-])", re.IGNORECASE)
_KEPT = ("html", "body", "main", "article")
# Boxes that are removed if nearly all of their text is links. A longer one is a text about what it links to.
_BOXES = frozenset(("p", "div", "td", "table", "ul", "ol", "section"))
MAX_LINK_SHARE = 0.8
MAX_BOX = 200
MAX_FORM = 300


def remove_noise(root: Any) -> None:
    """Remove what is never main text: by name, role, class or id; short forms; boxes of links."""
    for element in list(root.iter()):
        if isinstance(element.tag, str) and element.getparent() is not None and _is_noise(element):
            replace(element, "")
    for box in _boxes_of_links(root):
        is_set = box.tag in ("table", "ul", "ol")
        if box.getparent() is not None and (is_set or _is_short(box)) and link_share(box) > MAX_LINK_SHARE:
            replace(box, "")


def _is_short(box: Any) -> bool:
    """Say whether a box has at most MAX_BOX characters, without reading more of it than that."""
    length = 0
    for text in box.itertext():
        length += len(text.strip())
        if length > MAX_BOX:
            return False
    return True


def _is_noise(element: Any) -> bool:
    tag, attributes = element.tag, element.attrib
    if tag in _TAGS:
        return True
    if tag in _KEPT or not attributes:
        return False
    if tag == "form":  # some systems put the whole page into one
        return len(text_of(element)) <= MAX_FORM
    if attributes.get("role") in _ROLES:
        return True
    names = attributes.get("class", ""), attributes.get("id", "")
    return any(name and _NAMES.search(name) for name in names)


def _boxes_of_links(root: Any) -> list[Any]:
    """Return the boxes with a link, inner ones first, and of lists and tables only those with two links or more."""
    boxes: dict[Any, int] = {}
    for link in root.iter("a"):
        for ancestor in link.iterancestors():
            if ancestor.tag in _BOXES:
                boxes[ancestor] = boxes.get(ancestor, 0) + 1
                if ancestor.tag not in ("td", "p"):
                    break
    return [box for box, links in boxes.items() if links > 1 or box.tag not in ("table", "ul", "ol")]
