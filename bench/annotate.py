"""Compare the types that annotate gives with the labels of pages written for this project.

    python -m bench.annotate                          by rules
    python -m bench.annotate --half develop --show
    python -m bench.annotate --model                  by the model of the profile `coder` (`make serve-model`)

The rules were developed on the half `develop`; `report` tells how they do on pages that nobody looked at meanwhile.
The kinds that `report` then showed were mended, and `check` has 20 pages that were labelled before that.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Literal, NamedTuple

import typer

from bench.environment import ROOT
from mathcode_pile.core.funnel import Failed
from stages.annotate.stage import Judge, ModelJudge, RulesJudge
from stages.select.stage import RELATED_TYPES
from tools.record import read_inquiries

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
    related: float
    """The share of pages that are about mathematics, or not, in both."""
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
    agreed, related = (
        sum(count for label, answer, count in cells if (label in types) == (answer in types))
        for types in (KEPT, RELATED_TYPES)
    )
    same = sum(count for label, answer, count in cells if label == answer)
    return Agreement(agreed / len(pages), related / len(pages), same / len(pages), by_label)


def to_table(agreement: Agreement) -> str:
    """Return the agreement as text, with a row for each label and a column for each type found."""
    lines = [f"keep or drop {agreement.keep_or_drop:.1%}, related {agreement.related:.1%}, type {agreement.type:.1%}"]
    lines.append("label found as 1   2   3   4   5   6   7  none")
    for label, row in agreement.by_label.items():
        lines.append(f"{label:>5} {' ' * 7}" + "".join(f"{row[answer]:4}" for answer in (1, 2, 3, 4, 5, 6, 7, 0)))
    return "\n".join(lines)


def find_types(pages: list[LabelledPage], judge: Judge) -> list[int]:
    """Return the type of the first piece of each page, which for most pages is all; 0 is no answer."""
    judged = judge.judge(((row, page.text) for row, page in enumerate(pages)), len(pages))
    return [0 if isinstance(verdicts, Failed) else verdicts[0].answer for _, verdicts in judged]


def main(
    half: Annotated[str, typer.Option(help="develop, report or check; all three by default.")] = "",
    show: Annotated[bool, typer.Option(help="List the pages that differ.")] = False,
    model: Annotated[bool, typer.Option(help="Ask the served model; its replies are kept.")] = False,
) -> None:
    """Print how the types agree with the labels."""
    judge: Judge = RulesJudge(5000)
    if model:
        asked = next(inquiry for inquiry in read_inquiries() if isinstance(inquiry, ModelJudge))
        judge = replace(asked, task=asked.task._replace(max_failed_share=1))
    for name in ("develop", "report", "check"):
        if half not in ("", name):
            continue
        pages = load_pages(name)  # type: ignore[arg-type]
        found = find_types(pages, judge)
        typer.echo(f"{name}: {len(pages)} pages, {to_table(compare_types(pages, found))}\n")
        for page, answer in zip(pages, found, strict=True):
            if show and answer != page.type:
                typer.echo(f"  {page.type} found as {answer}: {page.kind}")


if __name__ == "__main__":
    typer.run(main)
