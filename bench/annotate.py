"""Compare the types that annotate gives by rules with the labels of pages written for this project.

    python -m bench.annotate
    python -m bench.annotate --half develop --show

The rules were developed on the half `develop`; `report` tells how they do on pages that nobody looked at meanwhile.
The kinds that `report` then showed were mended, and `check` has 20 pages that were labelled before that.
"""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

import typer

from bench.environment import ROOT

PAGES = ROOT / "tests" / "data" / "labelled_pages.jsonl"
KEPT = (1, 2)
Half = Literal["develop", "report", "check"]


class LabelledPage(NamedTuple):  # one page, mostly of 60 to 300 words
    text: str
    type: int
    """From 1 to 7, as in stages.annotate.rules.PieceType."""
    kind: str
    """What sort of page it is, in a few words; no two pages have the same."""
    half: Half


def load_pages(half: Half | None = None) -> list[LabelledPage]:
    """Return the labelled pages, or those of one half."""
    with open(PAGES, encoding="utf-8") as lines:
        pages = [LabelledPage(**json.loads(line)) for line in lines]
    return [page for page in pages if half is None or page.half == half]


class Agreement(NamedTuple):  # of the types found with the labels
    keep_or_drop: float
    """The share of pages that are kept, or dropped, in both."""
    type: float
    """The share of pages with the same type."""
    by_label: dict[int, Counter[int]]
    """For each label, how often each type was found."""


def compare_types(pages: list[LabelledPage], found: Iterable[int]) -> Agreement:
    """Compare labels with the types found, one for each page; 0 is no answer, which drops the page."""
    by_label: dict[int, Counter[int]] = {label: Counter() for label in range(1, 8)}
    for page, answer in zip(pages, found, strict=True):
        by_label[page.type][answer] += 1
    cells = [(label, answer, count) for label, row in by_label.items() for answer, count in row.items()]
    agreed = sum(count for label, answer, count in cells if (label in KEPT) == (answer in KEPT))
    same = sum(count for label, answer, count in cells if label == answer)
    return Agreement(agreed / len(pages), same / len(pages), by_label)


def to_table(agreement: Agreement) -> str:
    """Return the agreement as text, with a row for each label and a column for each type found."""
    lines = [f"keep or drop {agreement.keep_or_drop:.1%}, type {agreement.type:.1%}"]
    lines.append("label found as 1   2   3   4   5   6   7  none")
    for label, row in agreement.by_label.items():
        lines.append(f"{label:>5} {' ' * 7}" + "".join(f"{row[answer]:4}" for answer in (1, 2, 3, 4, 5, 6, 7, 0)))
    return "\n".join(lines)


def main(half: str = "", show: bool = False) -> None:
    """Print how the rules agree with the labels; with --show, list the pages of the half that differ."""
    from stages.annotate.rules import type_piece

    for name in ("develop", "report", "check"):
        if half not in ("", name):
            continue
        pages = load_pages(name)  # type: ignore[arg-type]
        found = [int(type_piece(page.text)) for page in pages]
        typer.echo(f"{name}: {len(pages)} pages, {to_table(compare_types(pages, found))}\n")
        for page, answer in zip(pages, found, strict=True):
            if show and answer != page.type:
                typer.echo(f"  {page.type} found as {answer}: {page.kind}")


if __name__ == "__main__":
    typer.run(main)
