"""Assemble the publishable corpus: shards by component, a dataset card, a manifest with checksums."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ConfigDict, Field

from mathcode_pile.core.documents import DOCUMENT, document_id, encode_metadata
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import list_shards, read_batches, write_shards

TRANSLATED = "translated_code"
BATCH_ROWS = 1000


class CorpusParams(Section):
    """How the corpus is named, and how large its shards are."""

    title: str
    version: str
    shard_megabytes: int = Field(default=256, gt=0)


class SourceNote(Section):
    """What the card says of a source: the licences and citations of its origins."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    origins: list[dict[str, Any]] = []


def assemble(folder: Path, out: Path, components: list[str], params: CorpusParams, sources: dict[str, Any]) -> Report:
    """Write every component's shards, manifest.json and README.md to `out`.

    folder: `documents/<component>` and `snippets/<component>`, as decontaminate writes them.
    sources: the profile's `fetch` section, for the card.
    Raises InputError where a component that params do not name has documents.
    """
    made = sorted(path.name for path in (folder / "documents").iterdir() if path.is_dir())
    if unknown := sorted(set(made) - set(components)):
        raise InputError(f"{folder}/documents/{unknown[0]}: params.yaml: components does not name it")
    report = Report()
    manifest: dict[str, Any] = {"title": params.title, "version": params.version, "components": {}}
    for component in components:
        licences: Counter[str] = Counter()
        if component == TRANSLATED:
            batches = _translated_documents(folder, report)
        else:
            batches = _documents(folder / "documents" / component, report)
        rows = write_shards(out / component, _count(batches, licences), DOCUMENT, params.shard_megabytes << 20)
        report.counts[f"documents_{component}"] = rows
        manifest["components"][component] = _describe(out / component, licences)
    report.kept = report.read
    notes = {name: SourceNote.model_validate(value) for name, value in sources.items()}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    (out / "README.md").write_text(_write_card(manifest, notes), encoding="utf-8")
    return report


def _documents(folder: Path, report: Report) -> Iterator[pa.RecordBatch]:
    for shard in list_shards(folder) if folder.is_dir() else []:
        for batch in read_batches(shard, DOCUMENT.names):
            report.read += batch.num_rows
            yield batch.cast(DOCUMENT)


def _translated_documents(folder: Path, report: Report) -> Iterator[pa.RecordBatch]:
    """Yield a document for each one that has snippets: its computations in order, each with its code."""
    for component in sorted((folder / "snippets").iterdir()):
        for shard in list_shards(component):
            # Stages keep a shard's name, so a snippet's document stands in the shard of the same name.
            origin = _read_origins(folder / "documents" / component.name / shard.name)
            rows = (row for batch in read_batches(shard) for row in batch.to_pylist())
            documents = []
            for identity, snippets in groupby(rows, key=lambda row: row["document_id"]):
                steps = list(snippets)
                report.counts["snippets"] += len(steps)
                documents.append(_interleave(identity, steps, origin))
                if len(documents) == BATCH_ROWS:
                    yield pa.RecordBatch.from_pylist(documents, DOCUMENT)
                    documents = []
            if documents:
                yield pa.RecordBatch.from_pylist(documents, DOCUMENT)


def _read_origins(shard: Path) -> dict[str, tuple[str, str, str]]:
    columns = ["id", "source", "url", "license"]
    return {
        identity: (source, url, license_name)
        for batch in read_batches(shard, columns)
        for identity, source, url, license_name in zip(*(batch[c].to_pylist() for c in columns), strict=True)
    }


def _interleave(identity: str, steps: list[dict[str, Any]], origins: dict[str, tuple[str, str, str]]) -> dict[str, Any]:
    if identity not in origins:
        raise InputError(f"snippet {identity}#{steps[0]['position']}: its document is not in the same shard")
    source, url, license_name = origins[identity]
    return {
        "id": document_id(TRANSLATED, identity),
        "text": "\n\n".join(render_step(step) for step in steps) + "\n",
        "source": source,
        "url": url,
        "license": license_name,
        "metadata": encode_metadata(document_id=identity, positions=[step["position"] for step in steps]),
    }


def render_step(step: dict[str, Any]) -> str:
    """Return a reasoning step followed by its code and what the code printed, as Markdown."""
    heading = f"**{step['title'].strip()}**\n\n" if step["title"].strip() else ""
    conditions = f"{step['conditions'].strip()}\n\n" if step["conditions"].strip() else ""
    formula = f"$${step['expression'].strip()} = {step['result'].strip()}$$\n\n"
    if step["expression"].strip() in conditions:
        formula = ""  # the sentence it stands in is there already
    code = step["code"].strip("\n")
    return f"{heading}{conditions}{formula}```python\n{code}\n```\n\n```output\n{step['stdout'].rstrip()}\n```"


def _count(batches: Iterator[pa.RecordBatch], licences: Counter[str]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for pair in batch["license"].value_counts().to_pylist():
            licences[pair["values"]] += pair["counts"]
        yield batch


def _describe(folder: Path, licences: Counter[str]) -> dict[str, Any]:
    """Return a component's entry of the manifest: its counts, licences, and the checksum of each shard."""
    shards = []
    documents = characters = 0
    for path in list_shards(folder):
        for batch in read_batches(path, ["text"]):
            documents += batch.num_rows
            characters += pc.sum(pc.utf8_length(batch["text"])).as_py() or 0
        with open(path, "rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        shards.append({"name": path.name, "bytes": path.stat().st_size, "sha256": sha256})
    return {
        "documents": documents,
        "characters": characters,
        "licences": dict(sorted(licences.items())),
        "shards": shards,
    }


def _write_card(manifest: dict[str, Any], sources: dict[str, SourceNote]) -> str:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=False, trim_blocks=True
    )
    return templates.get_template("dataset_card.md").render(manifest=manifest, sources=sources)
