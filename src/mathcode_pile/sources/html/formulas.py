"""Find the formulas of a page in the markup of MathJax, KaTeX, MathML and others, and replace each by a placeholder.

Not covered: formulas whose source is not in the page, as KaTeX without annotations; they are counted. Formulas between
plain delimiters ($, \\(, \\[) need no help: the browser's script has not run, and the extractor keeps them as text.
"""

import re
from collections.abc import Callable
from typing import Any

from mathcode_pile.sources.html.dom import classes_of, parse_html, replace
from mathcode_pile.sources.html.images import read_image
from mathcode_pile.sources.html.mathml import UnreadableMathMLError, mathml_to_latex
from mathcode_pile.sources.html.mathml_tokens import name_of
from mathcode_pile.sources.html.placeholders import Placeholders
from mathcode_pile.sources.html.tex import Formula, clean_latex, looks_like_latex, write_formula

# What MathJax 2 draws beside the script that has the formula.
_MATHJAX_2_CLASSES = (
    "MathJax MathJax_Display MathJax_Preview MathJax_SVG MathJax_SVG_Display MathJax_CHTML MathJax_CommonHTML "
    "MathJax_PHTML MathJax_PHTML_Display MathJax_MathML MJXc-display mjx-chtml MJXp-math"
)
_MATHJAX_2 = frozenset(_MATHJAX_2_CLASSES.split())
# Attributes in which editors and course systems keep a formula's LaTeX.
_ATTRIBUTES = (
    "data-latex",
    "data-tex",
    "data-equation-content",
    "data-formula",
    "data-expr",
    "data-katex",
    "data-math",
)
_TEXT_DISPLAY = re.compile(
    r"\$\$.{1,9999}?\$\$|\\\[.{1,9999}?\\\]"
    r"|\\begin\{(equation|align|alignat|flalign|gather|multline|eqnarray)(\*?)\}.{1,9999}?\\end\{\1\2\}",
    re.DOTALL,
)
_VERBATIM = frozenset(("pre", "code", "script", "style", "textarea", "kbd", "samp", "tt", "title"))


class Unread(Exception):  # noqa: N818  # it is caught here, and nowhere else
    """An element shows a formula whose LaTeX cannot be found."""


def replace_formulas(root: Any, held: Placeholders) -> int:
    """Replace the formulas below an lxml element by placeholders; return how many could not be read."""
    unread = skip = 0
    for element in list(root.iter()):
        if skip:
            skip -= 1
            continue
        find = _finder(element)
        if find is None or element.getparent() is None:
            continue
        try:
            formula = find(element)
        except Unread:
            unread += 1
            skip = _count_descendants(element)
            continue
        if formula is _LEAVE:
            continue
        skip = _count_descendants(element)
        replace(element, _hold(formula, held) if formula else "")
    return unread


def _hold(formula: Formula, held: Placeholders) -> str:
    return held.hold("display" if formula.is_display else "formula", write_formula(formula))


def _count_descendants(element: Any) -> int:
    return sum(1 for _ in element.iter()) - 1


_LEAVE = Formula("", False)  # the element is no formula after all: look inside it
Finder = Callable[[Any], Formula | None]


def _finder(element: Any) -> Finder | None:
    """Return what reads the formula that an element shows; None for most elements."""
    tag = element.tag
    if tag in _BY_TAG:
        return _BY_TAG[tag]
    attributes = element.attrib
    if not attributes or not isinstance(tag, str):
        return None
    if "class" in attributes:
        for name in attributes["class"].split():
            if name in _BY_CLASS:
                return _BY_CLASS[name]
            if name in _MATHJAX_2:
                return _read_mathjax_2
    if any(name in attributes for name in _ATTRIBUTES) or "data-math-style" in attributes:
        return _read_attribute
    return _read_mathml if tag.endswith(":math") else None


# --- MathJax


def _read_script(script: Any) -> Formula | None:
    """Read <script type="math/tex; mode=display">, the source that MathJax 2 keeps in the page."""
    kind = script.get("type", "").lower()
    if not kind.startswith("math/"):
        return _LEAVE
    text = script.text or ""
    if kind.startswith("math/mml"):
        found = _find_mathml(text)
        return _LEAVE if found is None else _read_mathml(found)
    text = text.removeprefix("% <![CDATA[").removesuffix("%]]>").replace("<![CDATA[", "").replace("]]>", "")
    return clean_latex(text, "mode=display" in kind.replace(" ", ""))


def _read_mathjax_2(element: Any) -> Formula | None:
    """Return nothing for what MathJax 2 drew beside its script; without one, read the MathML that it left."""
    following = element.getnext()
    while following is not None and classes_of(following) & _MATHJAX_2:
        following = following.getnext()
    if following is not None and following.tag == "script" and following.get("type", "").startswith("math/"):
        return None
    if element.find(".//script") is not None:
        return _LEAVE  # a display's wrapper, with the script inside
    if "MathJax_Preview" in classes_of(element):
        text = "".join(element.itertext())
        return clean_latex(text) if looks_like_latex(text) else None
    is_display = any("isplay" in name for name in classes_of(element))
    for part in element.iter():
        if source := part.get("data-mathml"):
            found = _find_mathml(source)
            if found is not None:
                return _as_display(_read_mathml(found), is_display)
        if part.tag == "math":
            return _as_display(_read_mathml(part), is_display)
    raise Unread


def _find_mathml(source: str) -> Any:
    root, _ = parse_html(source)
    return None if root is None else root.find(".//math")


def _as_display(formula: Formula | None, is_display: bool) -> Formula | None:
    return formula._replace(is_display=True) if formula and is_display else formula


def _read_mathjax_3(container: Any) -> Formula | None:
    """Read <mjx-container>: the LaTeX in its attributes (MathJax 4), else the MathML for screen readers."""
    is_display = container.get("display") in ("true", "block")
    for part in (container, *container.iter("mjx-math", "math", "svg")):
        for name in ("data-latex", "data-tex", "data-original"):
            if latex := part.get(name):
                return clean_latex(latex, is_display)
    return _read_hidden_mathml(container, is_display)


def _read_hidden_mathml(element: Any, is_display: bool) -> Formula | None:
    """Read the MathML that an element has for screen readers."""
    math = element.find(".//math")
    if math is None:
        raise Unread
    return _as_display(_read_mathml(math), is_display)


# --- KaTeX, MediaWiki, editors


def _read_katex(element: Any) -> Formula | None:
    is_display = "katex-display" in classes_of(element) or element.find(".//math[@display='block']") is not None
    latex = _find_annotation(element) or element.get("data-latex") or element.get("data-tex") or ""
    if latex:
        return clean_latex(latex, is_display)
    return _read_hidden_mathml(element, is_display)


def _read_wiki(element: Any) -> Formula | None:
    """Read MediaWiki's formula: MathML for screen readers, and a picture."""
    image = element.find(".//img")
    math = element.find(".//math")
    is_display = "mwe-math-element-block" in classes_of(element) or (
        image is not None and any("fallback-image-display" in name for name in classes_of(image))
    )
    if math is not None:
        return _as_display(_read_mathml(math), is_display)
    if image is not None:
        return clean_latex(image.get("alt", ""), is_display)
    return _LEAVE


def _read_attribute(element: Any) -> Formula | None:
    if element.tag == "img":
        return _read_picture(element)
    if style := element.get("data-math-style"):  # GitLab
        return clean_latex("".join(element.itertext()), style == "display")
    latex = next(value for name in _ATTRIBUTES if (value := element.get(name)) is not None)
    is_display = element.tag in ("div", "p", "figure") or any("display" in name for name in classes_of(element))
    if latex.strip() and len("".join(element.itertext())) <= 3 * len(latex) + 200:
        return clean_latex(latex, is_display)
    return _LEAVE  # text longer than its formula: the attribute means something else


def _read_quill(element: Any) -> Formula | None:
    return clean_latex(element.get("data-value", "")) if element.get("data-value") else _LEAVE


def _read_code_of_mathematics(element: Any) -> Formula | None:
    return clean_latex("".join(element.itertext()), element.tag == "pre" or element.getparent().tag == "pre")


# --- MathML and pictures


def _find_annotation(element: Any) -> str:
    for part in element.iter():
        if name_of(part) == "annotation" and "tex" in part.get("encoding", "").lower():
            return "".join(part.itertext())
    return ""


def _read_mathml(math: Any) -> Formula | None:
    """Read <math>: its annotation in TeX, its alttext where that is LaTeX, else the MathML itself."""
    is_display = math.get("display") == "block" or math.get("mode") == "display"
    latex = _find_annotation(math)
    if not latex and looks_like_latex(math.get("alttext", "")):
        latex = math.get("alttext", "")
    if latex:
        return clean_latex(latex, is_display)
    try:
        return clean_latex(mathml_to_latex(math), is_display)
    except UnreadableMathMLError:
        raise Unread from None


def _read_picture(image: Any) -> Formula | None:
    return read_image(image) or _LEAVE


_BY_TAG: dict[str, Finder] = {
    "script": _read_script,
    "mjx-container": _read_mathjax_3,
    "math": _read_mathml,
    "img": _read_picture,
}
_BY_CLASS: dict[str, Finder] = {
    "katex-display": _read_katex,
    "katex": _read_katex,
    "mwe-math-element": _read_wiki,
    "ql-formula": _read_quill,
    "language-math": _read_code_of_mathematics,
}


# --- displays between plain delimiters


def hold_plain_displays(root: Any, held: Placeholders) -> None:
    """Hold displays that are plain text, so that they keep their lines: a % begins a comment up to the line's end."""
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        if element.text and element.tag not in _VERBATIM:
            element.text = _hold_displays_of_text(element.text, held)
        if element.tail and (parent := element.getparent()) is not None and parent.tag not in _VERBATIM:
            element.tail = _hold_displays_of_text(element.tail, held)


def _hold_displays_of_text(text: str, held: Placeholders) -> str:
    if "$$" not in text and "\\[" not in text and "\\begin{" not in text:
        return text

    def hold(found: re.Match[str]) -> str:
        lines = (" ".join(line.split()) for line in found[0].split("\n"))
        return held.hold("display", "\n".join(line for line in lines if line))

    return _TEXT_DISPLAY.sub(hold, text)
