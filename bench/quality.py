"""Measure the quality of translated code in a corpus, or print programs of it for people to read.

python -m bench.quality                                 the figures on data/corpus, each with the ids of examples
python -m bench.quality --corpus FOLDER --component NAME
python -m bench.quality --sample 60 --seed 0            60 random programs, each with the text before it
"""

import json
import random
import re
from pathlib import Path
from typing import Any

import typer

from bench.environment import ROOT
from bench.table import Row
from mathcode_pile.core.shards import list_shards, read_rows
from stages.corpus.quality import Quality, measure_document, read_programs
from stages.corpus.translated import COMPONENT

CORPUS = ROOT / "data" / "corpus"
# What the figures should be: at most, or at least.
AIMS = {
    "trivial_share": ("at most", 0.10),
    "given_share": ("at least", 0.60),
    "repeated_sentences": ("at most", 0),
    "unbalanced_formulas": ("at most", 0),
    "equals_for_approximately": ("at most", 0),
    "float_noise": ("at most", 0),
}
MAX_GENERATED = 0.25
_EMPTY_LINES = re.compile(r"\s*\n\s*\n")  # several where programs were taken out


def measure_quality(folder: Path) -> Quality:
    """Return the figures on one component of translated code."""
    quality = Quality()
    for row in read_rows(folder, ["id", "text", "metadata"]):
        quality.add(row["id"], measure_document(row["text"], row["metadata"]))
    return quality


def count_generated(corpus: Path) -> dict[str, tuple[int, int, list[str]]]:
    """Return for each component how many documents come from generated pages, how many it has, and some ids.

    A translated document counts as generated if its page is.
    """
    generated: set[str] = set()
    counts: dict[str, tuple[int, int, list[str]]] = {}
    rows = {
        path.name: [(row["id"], json.loads(row["metadata"])) for row in read_rows(path, ["id", "metadata"])]
        for path in sorted(corpus.iterdir())
        if path.is_dir() and list_shards(path)
    }
    for documents in rows.values():
        generated |= {identity for identity, metadata in documents if is_generated(metadata)}
    for name, documents in rows.items():
        found = [identity for identity, metadata in documents if metadata.get("document_id", identity) in generated]
        counts[name] = len(found), len(documents), found[:3]
    return counts


def is_generated(metadata: dict[str, Any]) -> bool:
    """Say whether mathcode_pile.sources.worked_mathematics made a page."""
    return {"kind", "problems", "has_wrong_result"} <= metadata.keys()


def compare(megabytes: int = 100) -> list[Row]:
    """Return a row for each figure and its aim, on the corpus that `make repro` made; `megabytes` changes nothing."""
    if not (CORPUS / COMPONENT).is_dir():
        typer.echo(f"{CORPUS / COMPONENT}: no such folder; `make repro` makes it", err=True)
        return []
    figures = measure_quality(CORPUS / COMPONENT).to_metrics()
    note = f"{figures['programs']} programs: {figures['translators']}"
    rows = [
        Row(f"translated code: {name}", figures[name], aim, "", f"the aim: {bound}", note)
        for name, (bound, aim) in AIMS.items()
    ]
    for name, (found, documents, _) in count_generated(CORPUS).items():
        share, note = found / max(1, documents), f"{found} of {documents} documents"
        rows.append(Row(f"generated pages: {name}", share, MAX_GENERATED, "", "the aim: at most", note))
    return rows


def print_figures(corpus: Path, component: str) -> None:
    """Print every figure with the ids of documents that it counts."""
    quality = measure_quality(corpus / component)
    typer.echo(f"documents: {quality.documents}")
    for name, value in quality.to_metrics().items():
        aim = " ".join(map(str, AIMS[name])) if name in AIMS else ""
        typer.echo(f"{name}: {value}" + (f" (aim: {aim})" if aim else ""))
    for figure, examples in sorted(quality.examples.items()):
        typer.echo(f"\n{figure}, for example:\n" + "\n".join(f"  {example}" for example in examples))
    typer.echo("\ngenerated pages by component:")
    for name, (found, documents, examples) in count_generated(corpus).items():
        typer.echo(f"  {name}: {found} of {documents} ({found / max(1, documents):.0%}) {' '.join(examples)}".rstrip())


def print_sample(folder: Path, count: int, seed: int) -> None:
    """Print random programs of a component, each with the text before it, for people to read and label."""
    places = [
        (row["id"], number, program)
        for row in read_rows(folder, ["id", "text"])
        for number, program in enumerate(read_programs(row["text"])[0])
    ]
    chosen = random.Random(seed).sample(places, min(count, len(places)))
    for label, (identity, number, program) in enumerate(chosen, 1):
        before = _EMPTY_LINES.sub("\n\n", program.before).strip()
        typer.echo(f"===== {label}. {identity}, program {number}\n{before}\n")
        typer.echo(f"----- program\n{program.code.strip()}\n----- output\n{program.output.strip()}\n")


def main(corpus: Path = CORPUS, component: str = COMPONENT, sample: int = 0, seed: int = 0) -> None:
    """Print the figures on a corpus's translated code; with --sample, random programs instead."""
    if sample:
        print_sample(corpus / component, sample, seed)
    else:
        print_figures(corpus, component)


if __name__ == "__main__":
    typer.run(main)
