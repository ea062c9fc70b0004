"""Fill the page's templates: numbers, mathematics for KaTeX, highlighted programs, and everything in one file."""

import base64
import re
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from stages.report.markdown import render_markdown
from stages.report.summary import show_number

# The sections of the report: anchor, name, and the value without which the section is left out.
CONTENTS = (
    ("funnel", "funnel", "steps"),
    ("reasons", "reasons", "reasons"),
    ("translators", "translators", "translators"),
    ("verified", "verified snippets", "translators"),
    ("wrong", "wrong in the source", "translators"),
    ("verification", "trust in the verdicts", "labelled"),
    ("quality", "quality", "quality"),
    ("dropped", "dropped documents", "dropped"),
    ("duplicates", "duplicates", "clusters"),
    ("leaks", "leaks", "contamination"),
    ("classifiers", "classifiers", "classifiers"),
    ("corpus", "corpus", "manifest"),
    ("mixture", "mixture", "mixture"),
    ("training", "training", "curves"),
    ("losses", "losses", "losses"),
    ("scores", "scores", "scores"),
)
DIFF_CONTENTS = (
    ("documents", "documents", "kinds"),
    ("snippets", "snippets", "kinds"),
    ("mixture", "mixture", "mixture"),
    ("training", "training", "curves"),
    ("losses", "losses", "losses"),
    ("scores", "scores", "scores"),
    ("all-params", "params", "figures"),
)
HERE = Path(__file__).parent
KATEX = HERE / "katex"
_FONT_FACE = re.compile(r"@font-face\{[^}]*?url\((fonts/[\w-]+\.woff2)\)[^}]*\}")
_WORDS = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")


def fill_page(values: dict[str, Any], template: str = "report.html") -> str:
    """Return the page with these values: the report, or diff.html, which compares two versions."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        undefined=jinja2.ChainableUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": show_number,
        "words": lambda name: name.replace("_", " "),
        "percent": lambda share: f"{100 * share:.1f}\N{NARROW NO-BREAK SPACE}%",
        "formula": mark_formula,
        "text": render_markdown,
        "python": highlight,
        "link": link,
    }
    listed = CONTENTS if template == "report.html" else DIFF_CONTENTS
    contents = [(anchor, name) for anchor, name, key in listed if values.get(key)]
    katex = {"style": _inline_fonts(), "scripts": [_read("katex.min.js"), _read("auto-render.min.js")]}
    return environment.get_template(template).render(katex=katex, contents=contents, **values)


def mark_formula(latex: str) -> Markup:
    """Return LaTeX for KaTeX to render; what is a sentence, or has its own dollar signs, is rendered as text."""
    if "$" in latex or (_WORDS.search(latex) and "\\" not in latex):
        return render_markdown(latex)
    return Markup('<span class="formula">{}</span>').format(latex)


def highlight(code: str) -> Markup:
    """Return a program with its words marked for the style sheet."""
    from pygments import highlight as mark
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return Markup(mark(code.strip(), PythonLexer(), HtmlFormatter(nowrap=True)).rstrip())


def link(url: str) -> Markup:
    """Return a link to a web page; other addresses stay text."""
    if re.match(r"https?://", url):
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, url)
    return escape(url)


def _read(name: str) -> Markup:
    return Markup((KATEX / name).read_text(encoding="utf-8").strip())


def _inline_fonts() -> Markup:
    """Return KaTeX's style sheet with the fonts that are here in it, and without the others."""

    def inline(rule: re.Match[str]) -> str:
        font = KATEX / rule[1]
        if not font.is_file():
            return ""
        data = base64.b64encode(font.read_bytes()).decode()
        return re.sub(r"src:[^}]*", f'src:url(data:font/woff2;base64,{data}) format("woff2")', rule[0])

    return Markup(_FONT_FACE.sub(inline, (KATEX / "katex.min.css").read_text(encoding="utf-8")))
