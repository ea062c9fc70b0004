"""Compare our reader of HTML with the extractors alone: its speed on one core, and the main text that they find.

    python -m bench.html --megabytes 5
    python -m bench.html --quality      # the words of ten pages that a person marked, without their formulas

trafilatura is one of the packages that `make bench` installs.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import typer
from lxml import etree, html
from resiliparse.extract.html2text import extract_plain_text

from bench.environment import ROOT, borrow_packages
from bench.table import Row, best_seconds, format_table, print_alone
from mathcode_pile.sources.html import Page, prepare_tree, read_page

PAGES = ROOT / "tests" / "data" / "html"
PAGE_BYTES = 40_000
_FORMULA_MARKUP = ".//script|.//img|.//math|.//mjx-container|.//*[@class='katex']"
_FORMULA_TEXT = re.compile(r"\$\$.+?\$\$|\$.+?\$|\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]{3,}")


def make_pages(megabytes: float) -> list[bytes]:
    """Return labelled pages whose bodies are repeated to PAGE_BYTES, as large as pages of the web."""
    pages = []
    for path in sorted(PAGES.glob("*.html")):
        head, body, rest = re.split(r"(?s)(<body.*</body>)", path.read_text(encoding="utf-8"), flags=re.IGNORECASE)
        inner = re.sub(r"(?i)</?body[^>]*>", "", body)
        pages.append(f"{head}<body>{inner * (PAGE_BYTES // len(inner.encode()) + 1)}</body>{rest}".encode())
    size = sum(map(len, pages))
    return pages * max(1, round(megabytes * 1e6 / size))


def _extract_resiliparse(page: str) -> str:
    return extract_plain_text(page, main_content=True, alt_texts=False)


def _trafilatura() -> Callable[[str], str]:
    borrow_packages()
    import trafilatura

    return lambda page: trafilatura.extract(page, include_comments=False, favor_recall=True) or ""


def compare(megabytes: int = 100) -> list[Row]:
    """Return the rows of this benchmark, on a fiftieth of the text, repeated pages with many formulas."""
    pages = make_pages(max(0.5, megabytes / 50))
    texts = [page.decode() for page in pages]
    size = sum(map(len, pages)) / 1e6
    ours, read = best_seconds(lambda: [read_page(page) for page in pages], 2)
    alone, _ = best_seconds(lambda: [_extract_resiliparse(text) for text in texts], 2)
    few = texts[: max(1, len(texts) // 5)]
    extract = _trafilatura()
    other, _ = best_seconds(lambda: [extract(text) for text in few], 1)
    formulas = sum(page.formulas for page in read if isinstance(page, Page))
    note = f"{size:.1f} MB, {len(pages)} pages, {formulas} formulas as LaTeX, which the extractor garbles"
    rate = sum(len(text.encode()) for text in few) / 1e6 / other
    return [
        Row("HTML to text with formulas", size / ours, size / alone, "MB/s", "resiliparse alone", note),
        Row("HTML to text with formulas", size / ours, rate, "MB/s", "trafilatura alone", "a fifth of the pages"),
    ]


# --- quality


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(_FORMULA_TEXT.sub(" ", text)))


def _marked_words(root: html.HtmlElement) -> Counter[str]:
    return _words(" ".join(" ".join(part.itertext()) for part in root.xpath("//*[@data-main]")))


def _parse(path: Path) -> html.HtmlElement:
    """Return a page's tree without its formulas, which the extractors alone would garble."""
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True)
    root = html.document_fromstring(path.read_bytes(), parser=parser)
    for element in root.xpath(_FORMULA_MARKUP):
        element.drop_tree()
    return root


def score_extractors() -> list[list[str]]:
    """Return for each way the mean precision, recall and F1 of words, over the pages with marked main text."""
    extract = _trafilatura()

    def write(path: Path) -> str:
        return etree.tostring(_parse(path), encoding="unicode", method="html")

    ways: dict[str, Callable[[Path], str]] = {
        "resiliparse alone": lambda path: _extract_resiliparse(write(path)),
        "trafilatura alone": lambda path: extract(write(path)),
        "resiliparse after our preparation": lambda path: _fill(path, _extract_resiliparse),
        "trafilatura after our preparation": lambda path: _fill(path, extract),
    }
    paths = sorted(PAGES.glob("layout-*.html"))
    lines = []
    for name, way in ways.items():
        scores = []
        for path in paths:
            wanted, got = _marked_words(_parse(path)), _words(way(path))
            both = (wanted & got).total()
            precision, recall = both / max(1, got.total()), both / max(1, wanted.total())
            scores.append((precision, recall, 2 * precision * recall / max(1e-9, precision + recall)))
        lines.append([name, *(f"{sum(values) / len(paths):.3f}" for values in zip(*scores, strict=True))])
    return lines


def _fill(path: Path, extract: Callable[[str], str]) -> str:
    prepared, held, _ = prepare_tree(_parse(path))
    # trafilatura removes private characters.
    visible = prepared.replace("\ue000", "⟬").replace("\ue001", "⟭")
    return held.restore(extract(visible).replace("⟬", "\ue000").replace("⟭", "\ue001"))


def main(megabytes: int = 100, quality: bool = False) -> None:
    """Print the table."""
    if quality:
        print(format_table(["way", "precision", "recall", "F1"], score_extractors()))
    else:
        print_alone(compare, megabytes)


if __name__ == "__main__":
    typer.run(main)
