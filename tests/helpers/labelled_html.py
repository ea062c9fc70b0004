"""The hand-labelled pages of HTML in tests/data/html and sample/html.

Each page begins with a comment in YAML: its `notation`, its `formulas` (LaTeX, one on a line), and texts that must be
`absent`. In pages with `main`, the elements with the attribute data-main are the main text.
"""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import yaml
from conftest import ROOT

FOLDERS = (ROOT / "tests" / "data" / "html", ROOT / "sample" / "html" / "pages", ROOT / "sample" / "html" / "crawl")
_FORMULA = re.compile(
    r"\$\$(.+?)\$\$|(?<!\\)\$(.+?)(?<!\\)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]|(\\begin\{align\*?\}.+?\\end\{align\*?\})",
    re.DOTALL,
)
_COMMENT = re.compile(r"(?<!\\)%[^\n]*\n")


class LabelledPage(NamedTuple):  # one page, and what a person expects of it
    path: Path
    content: bytes
    notation: str
    formulas: list[str]
    absent: list[str]


def labelled_pages() -> list[LabelledPage]:
    """Return all labelled pages, in order of their names."""
    return [_read(path) for folder in FOLDERS for path in sorted(folder.glob("*.html"))]


def _read(path: Path) -> LabelledPage:
    content = path.read_bytes()
    comment = content[: content.index(b"-->")].decode().removeprefix("<!--")
    label = yaml.safe_load(comment)
    lines = {key: [line for line in (label.get(key) or "").splitlines() if line] for key in ("formulas", "absent")}
    return LabelledPage(path, content, label["notation"], lines["formulas"], lines["absent"])


def bare(latex: str) -> str:
    """Return LaTeX without white space, and without braces around one character: two ways to write the same."""
    text = re.sub(r"\s+", "", latex.replace("−", "-"))
    return re.sub(r"(?<=[\^_])\{(.)\}", r"\1", text)


def formulas_of(text: str) -> Counter[str]:
    """Return the formulas between delimiters in a text, each bare, with their numbers."""
    return Counter(bare(next(filter(None, found))) for found in _FORMULA.findall(_COMMENT.sub("\n", text)))


def find_missing(page: LabelledPage, text: str) -> list[str]:
    """Return the labelled formulas that a text does not have. Those made with <sup> and <sub> have no delimiters."""
    if page.notation == "scripts":
        return [formula for formula in page.formulas if formula not in text.replace("−", "-")]
    found = formulas_of(text)
    return [formula for formula in page.formulas if bare(formula) not in found]
