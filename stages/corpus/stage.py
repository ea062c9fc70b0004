"""Assemble the publishable corpus: shards by component, a dataset card, a manifest with checksums."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ConfigDict, Field

from mathcode_pile.core.documents import DOCUMENT, DROPPED, document_id, encode_metadata, snippet_id
from mathcode_pile.core.engine import refuse_failures
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Failed, Funnel, Report, attempt
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import LazyShard, ShardsWriter, list_shards, read_batches, shard_name

TRANSLATED = "translated_code"
BATCH_ROWS = 1000

Origins = dict[str, tuple[str, str, str]]  # source, url and licence of documents, by their id


class CorpusParams(Section):
    """The corpus's name and version, and the size of its shards."""

    title: str
    version: str
    shard_megabytes: int = Field(default=256, gt=0)


class SourceNote(Section):
    """What the card says about a source: the licences and citations of its origins."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    origins: list[dict[str, Any]] = []


def assemble(folder: Path, out: Path, components: list[str], params: CorpusParams, sources: dict[str, Any]) -> Report:
    """Write every component's shards, manifest.json and README.md to `out`.

    folder: `documents/<component>` and `snippets/<component>`, as decontaminate writes them.
    sources: the profile's `fetch` section, for the card.
    A document that cannot be written is named in <component>/dropped, which exists only if there is one.
    Raises InputError where a component has documents but params do not name it.
    """
    made = sorted(path.name for path in (folder / "documents").iterdir() if path.is_dir())
    if unknown := sorted(set(made) - set(components)):
        raise InputError(f"{folder}/documents/{unknown[0]}: params.yaml: components does not name it")
    total, documents = Report(), Counter[str]()
    manifest: dict[str, Any] = {"title": params.title, "version": params.version, "components": {}}
    for component in components:
        kept = ShardsWriter(out / component, DOCUMENT, params.shard_megabytes << 20)
        with Funnel(kept, LazyShard(out / component / "dropped" / shard_name(0), DROPPED)) as funnel:
            if component == TRANSLATED:
                _write_translated(folder, funnel)
            else:
                _write_documents(folder / "documents" / component, funnel)
        total += funnel.report
        documents[f"documents_{component}"] = funnel.report.kept
        manifest["components"][component] = _describe(out / component)
    total.counts.update(documents)
    refuse_failures("corpus", total)
    notes = {name: SourceNote.model_validate(value) for name, value in sources.items()}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    (out / "README.md").write_text(_write_card(manifest, notes), encoding="utf-8")
    return total


def _write_documents(folder: Path, funnel: Funnel) -> None:
    for shard in list_shards(folder) if folder.is_dir() else []:
        for batch in funnel.read(shard, DOCUMENT.names):
            funnel.keep(batch.cast(DOCUMENT))


def _write_translated(folder: Path, funnel: Funnel) -> None:
    """Write a document for each one that has snippets: its computations in order, each with its code."""
    for component in sorted((folder / "snippets").iterdir()):
        for shard in list_shards(component):
            # Stages keep the names of shards, so the document of a snippet is in the shard with the same name.
            origins = _read_origins(folder / "documents" / component.name / shard.name)
            documents = _render_documents(shard, origins, funnel)
            while batch := list(islice(documents, BATCH_ROWS)):
                funnel.keep(pa.RecordBatch.from_pylist(batch, DOCUMENT))


def _render_documents(shard: Path, origins: Origins, funnel: Funnel) -> Iterator[dict[str, Any]]:
    rows = (row for batch in read_batches(shard) for row in batch.to_pylist())
    for identity, snippets in groupby(rows, key=lambda row: row["document_id"]):
        steps = list(snippets)
        funnel.count_read()
        document = attempt(_interleave, identity, steps, origins)
        if isinstance(document, Failed):
            funnel.fail(document_id(TRANSLATED, identity), document)
        else:
            funnel.report.counts["snippets"] += len(steps)
            yield document


def _read_origins(shard: Path) -> Origins:
    columns = ["id", "source", "url", "license"]
    return {
        identity: (source, url, license_name)
        for batch in read_batches(shard, columns)
        for identity, source, url, license_name in zip(*(batch[c].to_pylist() for c in columns), strict=True)
    }


def _interleave(identity: str, steps: list[dict[str, Any]], origins: Origins) -> dict[str, Any]:
    if identity not in origins:
        name = snippet_id(identity, steps[0]["position"])
        raise InputError(f"snippet {name}: its document is not in the same shard")
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
        formula = ""  # a sentence of the conditions contains it already
    code = step["code"].strip("\n")
    return f"{heading}{conditions}{formula}```python\n{code}\n```\n\n```output\n{step['stdout'].rstrip()}\n```"


def _describe(folder: Path) -> dict[str, Any]:
    """Return a component's entry in the manifest: its counts, its licences, and the checksum of each shard."""
    shards = []
    licences: Counter[str] = Counter()
    documents = characters = 0
    for path in list_shards(folder):
        for batch in read_batches(path, ["text", "license"]):
            for pair in batch["license"].value_counts().to_pylist():
                licences[pair["values"]] += pair["counts"]
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
