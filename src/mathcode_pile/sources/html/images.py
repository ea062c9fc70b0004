"""Read the formulas that pages show as pictures: from the picture's address, or from its alternative text."""

import re
from typing import Any
from urllib.parse import unquote, unquote_plus

from mathcode_pile.sources.html.tex import Formula, clean_latex, looks_like_latex

# Addresses of services that draw LaTeX, and the part of the address that holds it.
_SERVICES = (
    re.compile(r"/latex\.php\?(?:[^#]*&)?latex=(?P<latex>[^&#]*)"),  # WordPress
    re.compile(
        r"codecogs\.com/(?:(?:gif|png|svg|pdf|emf|swf)\.(?:latex|image|download)|eq\.latex|gif|png|svg)\?(?P<raw>.+)"
    ),
    re.compile(r"/(?:mimetex|mathtex)\.cgi\?(?P<raw>.+)"),
    re.compile(r"/chart\?(?:[^#]*&)?chl=(?P<latex>[^&#]*)"),  # Google Charts
    re.compile(r"render\.githubusercontent\.com/render/math\?(?:[^#]*&)?math=(?P<latex>[^&#]*)"),
    re.compile(r"math\.now\.sh/?\?(?:[^#]*&)?from=(?P<latex>[^&#]*)"),
    re.compile(r"/equation\?(?:[^#]*&)?tex=(?P<latex>[^&#]*)"),
    re.compile(r"/equation_images/(?P<twice>[^?#]+)"),  # Canvas
)
_CLASS_NAMES = (
    "latex tex latexcenter math math-image mwe-math-fallback-image-inline mwe-math-fallback-image-display "
    "equation_image ql-img-inline-formula ql-img-displayed-equation texrender latexImg mathImg Wirisformula"
)
_CLASSES = frozenset(_CLASS_NAMES.split())
_DISPLAYS = ("display", "latexcenter", "center")
_ENTITIES = (("&space;", " "), ("&plus;", "+"), ("&minus;", "-"), ("&hash;", "#"), ("&amp;", "&"))


def read_image(image: Any) -> Formula | None:
    """Return the formula that an lxml element <img> shows; None for any other picture."""
    source = image.get("src", "") or image.get("data-src", "") or image.get("data-lazy-src", "")
    classes = frozenset(image.get("class", "").split())
    is_display = any(mark in name for name in classes for mark in _DISPLAYS)
    if latex := image.get("data-equation-content"):
        return clean_latex(latex, is_display)
    alternative = image.get("alt", "")
    if alternative.startswith("LaTeX:"):
        alternative = alternative.removeprefix("LaTeX:")
        classes |= {"latex"}
    asked = _read_address(source)
    # The address is what was drawn. A site may shorten or describe it in the alternative text.
    if asked:
        return clean_latex(asked, is_display)
    if looks_like_latex(alternative) or (classes & _CLASSES and alternative.strip() and _is_short(alternative)):
        return clean_latex(alternative, is_display)
    return None


def _is_short(text: str) -> bool:
    """Say whether the alternative text of a picture of a formula may be LaTeX without commands: x, 2n, ABC."""
    return len(text.split()) <= 3


def _read_address(source: str) -> str:
    for service in _SERVICES:
        if found := service.search(source):
            parts = found.groupdict()
            if parts.get("raw"):
                text = unquote(parts["raw"])
                for entity, sign in _ENTITIES:
                    text = text.replace(entity, sign)
                return text
            if parts.get("twice"):
                return unquote(unquote(parts["twice"]))
            return unquote_plus(parts.get("latex") or "")
    return ""
