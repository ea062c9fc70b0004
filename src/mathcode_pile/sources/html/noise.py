"""Remove what is no text of a page: scripts, styles, forms, and the notices that the extractor does not know."""

import re
from typing import Any

from mathcode_pile.sources.html.dom import replace

_TAGS = ("script", "style", "template", "noscript", "iframe", "object", "svg", "canvas", "button", "select", "textarea", "dialog")
_ROLES = frozenset(("navigation", "banner", "contentinfo", "search", "dialog", "alertdialog", "menu", "menubar", "toolbar"))
_NAMES = re.compile(
    r"(?:^|[\s_-])(?:cookies?|consent|gdpr|ccpa|newsletter|subscribe|signup|share|sharing|breadcrumbs?|pagination|pager"
    r"|toc|catlinks|navbox|mw-editsection|editsection|noprint|related-posts?|jp-relatedposts|promo|sponsored|popup"
    r"|skip-link|screen-reader-text|headerlink|anchor-link)(?:$|[\s_-])",
    re.IGNORECASE,
)


def remove_noise(root: Any) -> None:
    """Remove elements that are never main text, by their name, role, class or id."""
    for element in list(root.iter(*_TAGS)):
        if element.getparent() is not None:
            replace(element, "")
    for element in list(root.iter()):
        if element.getparent() is None or not isinstance(element.tag, str) or element.tag in ("body", "main", "article"):
            continue
        if element.get("role") in _ROLES:
            replace(element, "")
        elif (names := f"{element.get('class', '')} {element.get('id', '')}") != " " and _NAMES.search(names):
            replace(element, "")
